internal import Gossipsub
internal import Market
internal import Node
internal import Primitives

/// Sends again what it once heard, however old it is by now.
struct Replayer: Sendable {
    /// What it remembers; the oldest is never forgotten for it, as old words are the ones that hurt.
    private static let rememberedCountMax = 1_024

    private(set) var pace: Pace
    private let network: String
    private var random: SeededRandom
    private var remembered: [[UInt8]] = []

    init(network: String, perSecond: Int, begins: Instant, random: SeededRandom) {
        (self.network, self.random) = (network, random)
        pace = Pace(perSecond: perSecond, from: begins)
    }

    mutating func filter(_ outputs: [NodeMachine.Output]) {
        for case .persist(_, let changes) in outputs {
            for case .putRecord(let stored) in changes where remembered.count < Self.rememberedCountMax {
                remembered.append(stored.envelope)
            }
        }
    }

    mutating func wake(tap: GossipTap, at now: Instant) -> AdversaryActions {
        let peers = tap.peers
        guard pace.take(at: now), !remembered.isEmpty, !peers.isEmpty else { return AdversaryActions() }
        let envelope = remembered[random.below(remembered.count)]
        let peer = peers[random.below(peers.count)]
        guard let record = try? SignedRecord(envelope: envelope),
            let topic = Topic(MarketProfile.first.topic(of: record, network: network)),
            let output = tap.sending(GossipRPC(messages: [WireMessage(data: envelope, topic: topic)]), to: peer)
        else { return AdversaryActions() }
        return AdversaryActions(outputs: [output])
    }
}
