internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// Bids on requests that are nobody else's affair: a provider says its own to the renter, until it is heard.
extension LeaseMachine {
    /// A bid of ours on somebody's request.
    struct PrivateBid: Sendable {
        let record: SignedRecord
        let renter: Ed25519.PublicKey
        /// When bids are no longer taken, in milliseconds since the Unix epoch.
        let deadline: Int64
        var repetition: Repetition
        var isHeard = false
    }

    mutating func tell(_ record: SignedRecord, at now: Instant, into outputs: inout [Output]) {
        guard case .bid(let body) = record.record.body else { return }
        if privateBids.count >= LeaseLimits.privateBidCountMax, let oldest = privateBids.keys.first { forget(oldest) }
        privateBids[body.bid] = PrivateBid(
            record: record,
            renter: body.counterparty,
            deadline: body.auctionDeadline,
            repetition: Repetition(at: now)
        )
        say(body.bid, at: now, into: &outputs)
    }

    /// Says a bid, or forgets it once the request is over.
    mutating func say(_ bid: BidID, at now: Instant, into outputs: inout [Output]) {
        guard let known = privateBids[bid] else { return }
        guard wall(now) < known.deadline else { return forget(bid) }
        let end = clock.instant(atUnixMilliseconds: known.deadline)
        guard !known.isHeard else { return privateDeadlines.arm(bid, at: end) }
        privateBids[bid]?.repetition.asked(at: now)
        privateDeadlines.arm(bid, at: earliest(privateBids[bid]?.repetition.dueAt, end))
        let content = MarketMessage.Content.bid(envelope: known.record.envelope, sealedTerms: [])
        ask(.requestBid(bid), content, of: known.renter, at: now, into: &outputs)
    }

    private mutating func forget(_ bid: BidID) {
        privateBids[bid] = nil
        privateDeadlines.arm(bid, at: nil)
    }

    mutating func answered(privateBid bid: BidID, _ content: MarketMessage.Content) {
        switch content {
        case .done: privateBids[bid]?.isHeard = true
        case .refusal(let refusal) where refusal.retryMilliseconds == 0: forget(bid)
        case .refusal, .bid, .accept, .cancel, .tick, .voucher, .receipt, .state, .notice, .held, .award, .lease,
            .countersignature:
            break
        }
    }

    /// A renter is there again: it may have forgotten in between what it had heard.
    mutating func greet(renter: Ed25519.PublicKey, at now: Instant, into outputs: inout [Output]) {
        for (bid, known) in privateBids where known.renter == renter {
            privateBids[bid]?.isHeard = false
            privateBids[bid]?.repetition.renew(at: now)
            say(bid, at: now, into: &outputs)
        }
    }

    /// A provider's bid on a request, from a stream.
    mutating func receive(
        requestBid record: SignedRecord,
        _ bid: BidBody,
        _ conversation: CounterConversation,
        from bidder: Ed25519.PublicKey,
        in group: UInt64,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard record.author == bidder, bidder != key.publicKey, record.record.network == network,
            bid.counterparty == key.publicKey, record.signatureChecks.allSatisfy(\.holds)
        else { return stepStreams(.reply(conversation, .refusal(Refusal(.malformed))), at: now, into: &outputs) }
        guard record.record.expiresAt > wall(now) else {
            return stepStreams(.reply(conversation, .refusal(Refusal(.expired))), at: now, into: &outputs)
        }
        outputs.append(.requestBid(record, group: group, conversation))
    }
}
