internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// What travels: questions of ours and their answers, questions of others.
extension LeaseMachine {
    mutating func ask(
        _ question: MarketStreams.Question,
        _ content: MarketMessage.Content,
        of party: Ed25519.PublicKey,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let peer = PeerID(publicKey: party)
        stepStreams(.ask(question, content, peer, addresses: []), at: now, into: &outputs)
    }

    /// Tells the other party what it must know.
    mutating func ask(_ kind: LeaseDuty.Kind, of id: LeaseID, at now: Instant, into outputs: inout [Output]) {
        guard let lease = leases[id], let index = lease.duties.firstIndex(where: { $0.kind == kind }) else { return }
        let content: MarketMessage.Content? =
            switch kind {
            case .active: lease.active.map { .state(envelope: $0.envelope) }
            case .close: lease.ownClose.map { .state(envelope: $0.envelope) }
            case .receipt: lease.receipt.map { .receipt(envelope: $0.envelope) }
            // The end that it has anyway takes a notice back.
            case .notice: .notice(id, at: lease.reclaim?.at ?? lease.body.endAt)
            }
        guard let content, wall(now) < lease.rememberedUntil else {
            leases[id]?.fulfil(kind)
            return
        }
        leases[id]?.duties[index].repetition.asked(at: now)
        ask(.duty(id, kind), content, of: lease.counterparty, at: now, into: &outputs)
    }

    mutating func stepStreams(_ input: MarketStreams.Input, at now: Instant, into outputs: inout [Output]) {
        var said: [MarketStreams.Output] = []
        streams.handle(input, at: now, into: &said)
        for output in said {
            switch output {
            case .swarm(let input): outputs.append(.swarm(input))
            case .asked(let conversation, let peer, let address, let content):
                guard let party = peer.publicKey else { continue }
                asked(content, conversation, by: party, at: address, now: now, into: &outputs)
            case .answered(let question, let peer, let content):
                guard let party = peer.publicKey else { continue }
                answered(question, by: party, content, at: now, into: &outputs)
            // Whoever asked asks again in its own time; by then the party may be found.
            case .undelivered(.statement, _): break
            case .undelivered(_, let peer): outputs.append(.seek(peer))
            case .misbehaved(let peer, let what): outputs.append(.event(.peerMisbehaved(peer, what)))
            }
        }
    }

    private mutating func asked(
        _ content: MarketMessage.Content,
        _ conversation: CounterConversation,
        by party: Ed25519.PublicKey,
        at address: IPAddress?,
        now: Instant,
        into outputs: inout [Output]
    ) {
        switch content {
        case .bid(let envelope, let terms):
            receive(bid: envelope, sealedTerms: terms, conversation, from: party, at: address, now: now, into: &outputs)
        case .accept(let bid, let acceptance):
            stepCounter(.accept(conversation, from: party, bid, acceptance), at: now, into: &outputs)
        case .cancel(let bid): takeBack(bid, conversation, from: party, at: now, into: &outputs)
        case .tick(let tick):
            // Once the receipt lies before us nothing more is promised.
            guard let lease = leases[tick.tick.lease], lease.body.provider == party, lease.countersignature == nil,
                lease.offeredReceipt == nil
            else { return }
            stepMeter(of: tick.tick.lease, .tick(tick), at: now, into: &outputs)
            advance(tick.tick.lease, at: now, into: &outputs)
        case .voucher(let voucher):
            guard let lease = leases[voucher.voucher.lease], lease.counterparty == party, lease.countersignature == nil
            else { return }
            stepMeter(of: voucher.voucher.lease, .voucher(voucher), at: now, into: &outputs)
            advance(voucher.voucher.lease, at: now, into: &outputs)
        case .receipt(let envelope), .state(let envelope):
            guard let record = try? SignedRecord(envelope: envelope), record.author == party else {
                return stepStreams(.reply(conversation, .refusal(Refusal(.malformed))), at: now, into: &outputs)
            }
            heard(record, in: conversation, at: now, into: &outputs)
        case .held(let envelope, let words): shown(envelope, words: words, conversation, at: now, into: &outputs)
        case .notice(let lease, let at): noticed(lease, at: at, by: party, now: now, conversation, into: &outputs)
        // The streams tell answers apart.
        case .award, .lease, .refusal, .countersignature, .done: break
        }
    }

    private mutating func noticed(
        _ id: LeaseID,
        at: Int64,
        by party: Ed25519.PublicKey,
        now: Instant,
        _ conversation: CounterConversation,
        into outputs: inout [Output]
    ) {
        guard let lease = leases[id], lease.body.provider == party, !lease.isProvider, !lease.isClosed else {
            return stepStreams(.reply(conversation, .refusal(Refusal(.expired))), at: now, into: &outputs)
        }
        leases[id]?.reclaim = at < lease.body.endAt ? (.outbid, at) : nil
        if lease.reclaim?.at != at, let lease = leases[id] { outputs.append(.event(.leaseChanged(lease.summary))) }
        stepStreams(.reply(conversation, .done), at: now, into: &outputs)
    }

    private mutating func answered(
        _ question: MarketStreams.Question,
        by party: Ed25519.PublicKey,
        _ content: MarketMessage.Content,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch question {
        case .bid(let bid): stepDesk(.answer(bid, from: party, content), at: now, into: &outputs)
        case .recovery(let lease): recoveryAnswered(lease, content, at: now, into: &outputs)
        case .requestBid(let bid): answered(privateBid: bid, content)
        case .duty(let id, let kind):
            guard leases[id]?.counterparty == party else { return }
            switch content {
            case .countersignature(let envelope) where kind == .receipt:
                guard let record = try? SignedRecord(envelope: envelope), record.signatureChecks.allSatisfy(\.holds)
                else { return }
                heard(record, in: nil, at: now, into: &outputs)
            case .refusal where kind == .receipt:
                // The renter may have forgotten what it promised, of a backup: it sees its own word, and is asked again later.
                if let voucher = leases[id]?.bestVoucher(network, key) {
                    ask(.statement, .voucher(voucher), of: party, at: now, into: &outputs)
                }
            // A renter that was restored does not know the lease before it is shown it.
            case .refusal where kind == .active: break
            // Known, or never to be taken: either way it need not be said again.
            case .done, .refusal:
                leases[id]?.fulfil(kind)
                if kind == .active { renterHeard(of: id, at: now, into: &outputs) }
            case .bid, .accept, .cancel, .tick, .voucher, .receipt, .state, .notice, .held, .award, .lease,
                .countersignature:
                return
            }
            advance(id, at: now, into: &outputs)
        // What it said of the lease in between, it says again.
        case .held, .statement: break
        }
    }

    /// A party is there again: what it must know is said at once.
    mutating func greet(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard let party = peer.publicKey else { return }
        showLeases(to: party, at: now, into: &outputs)
        stepDesk(.met(party), at: now, into: &outputs)
        for id in owing where leases[id]?.counterparty == party {
            for index in leases[id]?.duties.indices ?? 0..<0 { leases[id]?.duties[index].repetition.renew(at: now) }
            advance(id, at: now, into: &outputs)
        }
        for (id, recovery) in recoveries where recovery.bid.body.counterparty == party {
            recoveries[id]?.repetition.renew(at: now)
            recover(id, at: now, into: &outputs)
        }
        greet(renter: party, at: now, into: &outputs)
    }
}
