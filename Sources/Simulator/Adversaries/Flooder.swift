internal import Kademlia
internal import Node
internal import Primitives

/// Advertises itself under every key by which nodes find each other, again and again, and passes nothing on.
struct Flooder: Sendable {
    /// As soon as an honest node says the next thing.
    private static let interval = Duration.seconds(2)

    private(set) var pace: Pace
    private let keys: [[UInt8]]
    private var next = 0
    private var commands = AdversaryCommands()
    private var books = ProtocolStreams(SyncLimits.protocolName)

    /// `keys` are all that nodes of the market may look under.
    init(keys: Set<[UInt8]>, begins: Instant) {
        self.keys = keys.sorted { $0.lexicographicallyPrecedes($1) }
        pace = Pace(every: Self.interval, from: begins)
    }

    mutating func hear(_ input: NodeMachine.Input) { books.hear(input) }

    mutating func filter(_ outputs: inout [NodeMachine.Output], tap: GossipTap) {
        Silence.mute(&outputs, tap: tap)
        books.silence(&outputs)
        outputs.removeAll { output in
            if case .answer(let id, _) = output { AdversaryCommands.owns(id) } else { false }
        }
    }

    mutating func wake(at now: Instant) -> AdversaryActions {
        guard pace.take(at: now), !keys.isEmpty else { return AdversaryActions() }
        defer { next = (next + 1) % keys.count }
        return AdversaryActions(inputs: [commands.input(.dht(.provide(keys[next])))])
    }
}
