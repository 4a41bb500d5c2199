internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import Node
internal import Primitives

/// Leases its one device to two renters at once, and tells each half of its peers of another.
///
/// Both leases carry both signatures, each is right in itself, and they name the same past: whoever sees both holds a proof. The
/// renters are two keys of its own, as a pair of colluding customers would be.
struct DoubleBooker: Sendable {
    /// Once a minute is enough: a proof lasts for ninety days.
    private static let interval = Duration.seconds(60)
    private static let leaseMilliseconds: Int64 = 3_600_000

    private(set) var pace: Pace
    private let key: Ed25519.PrivateKey
    private let network: String
    private var commands = AdversaryCommands()
    private var offer: (id: OfferID, body: OfferBody)?
    private var sequence: UInt64 = 0
    private var count: UInt8 = 0

    init(key: Ed25519.PrivateKey, network: String, begins: Instant) {
        (self.key, self.network) = (key, network)
        pace = Pace(every: Self.interval, from: begins)
    }

    mutating func wake(tap: GossipTap, at now: Instant, unixMilliseconds: Int64) -> AdversaryActions {
        guard pace.take(at: now) else { return AdversaryActions() }
        guard let offer else {
            // The offer's record is a second away; then the devices are let.
            pace = Pace(every: Self.interval, from: now.advanced(by: .seconds(2)))
            return AdversaryActions(inputs: [commands.input(.publishOffer(.bait(micros: 300_000)))])
        }
        count &+= 1
        let halves = [
            lease(of: offer.body, renter: 0, unixMilliseconds), lease(of: offer.body, renter: 1, unixMilliseconds),
        ]
        var actions = AdversaryActions()
        for peer in tap.peers {
            // Half of all peers: ids are hashes.
            guard let message = halves[Int(peer.bytes.last ?? 0) & 1],
                let output = tap.sending(GossipRPC(messages: [message]), to: peer)
            else { continue }
            actions.outputs.append(output)
        }
        return actions
    }

    mutating func filter(_ outputs: inout [NodeMachine.Output]) {
        outputs.removeAll { output in
            guard case .answer(let id, let answer) = output, AdversaryCommands.owns(id) else { return false }
            if case .offer(let record) = answer, case .offer(let body) = record.record.body {
                offer = (body.offer, body)
            }
            return true
        }
    }

    private mutating func lease(of offer: OfferBody, renter: UInt8, _ unixMilliseconds: Int64) -> WireMessage? {
        let guest = Ed25519.PrivateKey(seed: SHA256.hash(key.publicKey.bytes + [renter, count]))
        guard let bid = BidID([UInt8](repeating: count, count: 16)), let slot = offer.slots.first else { return nil }
        var body = LeaseBody(
            marketClass: offer.marketClass,
            machine: offer.machine,
            offer: offer.offer,
            provider: key.publicKey,
            renter: guest.publicKey,
            bid: bid,
            slots: [LeaseBody.Slot(number: slot, previous: nil)],
            startAt: unixMilliseconds,
            endAt: unixMilliseconds + Self.leaseMilliseconds,
            price: offer.price,
            capMicros: RecordAmount.microsMax,
            mode: .onDemand,
            meterSeconds: 60,
            exposureMicros: 0,
            noticeSeconds: 0,
            settlement: "credit",
            termsHash: [UInt8](repeating: renter, count: 32)
        )
        body.capMicros = body.cost(ofMilliseconds: Self.leaseMilliseconds)
        body.exposureMicros = body.capMicros
        let until = unixMilliseconds + 30_000
        let acceptance = LeaseAcceptance(accepting: body, network: network, until: until, by: guest)
        sequence = max(sequence + 1, UInt64(clamping: unixMilliseconds))
        let record = Record(
            network: network,
            sequence: sequence,
            issuedAt: unixMilliseconds,
            expiresAt: LeaseBody.expiryMax(endAt: body.endAt),
            body: .lease(AcceptedLease(body: body, acceptance: acceptance))
        )
        guard let signed = try? SignedRecord(signing: record, by: key),
            let topic = Topic(MarketProfile.first.topic(of: signed, network: network))
        else { return nil }
        return WireMessage(data: signed.envelope, topic: topic)
    }
}
