internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import Node
internal import Primitives

/// Signs two bodies for one subject and sequence, and gives each half of its peers another.
struct Equivocator: Sendable {
    /// Long enough that one lie is found out before the next.
    private static let interval = Duration.seconds(30)
    /// Twins that it remembers; more offers than it ever makes within a message's life.
    private static let twinCountMax = 256

    private(set) var pace: Pace
    private let key: Ed25519.PrivateKey
    private var commands = AdversaryCommands()
    private var offer: OfferID?
    private var price: Int64 = 200_000
    private var twins: [RecordID: [UInt8]] = [:]

    init(key: Ed25519.PrivateKey, begins: Instant) {
        self.key = key
        pace = Pace(every: Self.interval, from: begins)
    }

    mutating func wake(at now: Instant) -> AdversaryActions {
        guard pace.take(at: now) else { return AdversaryActions() }
        price += 1_000
        guard let offer else {
            return AdversaryActions(inputs: [commands.input(.publishOffer(.bait(micros: price)))])
        }
        var change = OfferChange()
        change.gpuHourMicros = price
        // Its own desk stops signing when the other half's record comes back to it.
        return AdversaryActions(inputs: [commands.input(.resumeKey), commands.input(.updateOffer(offer, change))])
    }

    mutating func filter(_ outputs: inout [NodeMachine.Output], tap: GossipTap) {
        outputs.removeAll { output in
            guard case .answer(let id, let answer) = output, AdversaryCommands.owns(id) else { return false }
            if case .offer(let record) = answer, case .offer(let body) = record.record.body { offer = body.offer }
            return true
        }
        var twins = twins
        tap.rewrite(&outputs) { peer, rpc in
            guard !rpc.messages.isEmpty, Self.isDeceived(peer) else { return rpc }
            var changed = rpc
            for index in changed.messages.indices {
                guard let data = changed.messages[index].data, let twin = twin(of: data, in: &twins) else { continue }
                changed.messages[index].data = twin
            }
            return changed
        }
        self.twins = twins
    }

    /// Half of all peers: ids are hashes.
    private static func isDeceived(_ peer: PeerID) -> Bool { (peer.bytes.last ?? 0) & 1 == 1 }

    /// The same offer under the same number at another price; `nil` for what is not our own offer.
    private func twin(of data: [UInt8], in twins: inout [RecordID: [UInt8]]) -> [UInt8]? {
        guard let signed = try? SignedRecord(envelope: data), signed.author == key.publicKey,
            case .offer(var body) = signed.record.body
        else { return nil }
        if let known = twins[signed.id] { return known }
        body.price.gpuHourMicros += 500
        var record = signed.record
        record.body = .offer(body)
        guard let twin = try? SignedRecord(signing: record, by: key) else { return nil }
        if twins.count < Self.twinCountMax { twins[signed.id] = twin.envelope }
        return twin.envelope
    }
}
