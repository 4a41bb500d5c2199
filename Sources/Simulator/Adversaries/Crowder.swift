internal import Identity
internal import Kademlia
internal import Node
internal import Primitives

/// Takes up its victims' connections: it dials them one after the other, for ever, also whoever has just let it go, and is a poisoner besides.
///
/// What is connected stays connected, so each round costs a victim one connection for each crowder that it has let go of.
struct Crowder: Sendable {
    /// Forty victims are all dialled again within ten seconds, which is the shortest time between two trims.
    private static let interval = Duration.milliseconds(250)

    private(set) var pace: Pace
    private let victims: [KademliaPeer]
    private var next = 0
    private var commands = AdversaryCommands()
    private var poisoner: Poisoner

    init(victims: [KademliaPeer], poisoner: Poisoner, begins: Instant) {
        (self.victims, self.poisoner) = (victims, poisoner)
        pace = Pace(every: Self.interval, from: begins)
    }

    mutating func hear(_ input: NodeMachine.Input) { poisoner.hear(input) }

    mutating func filter(_ outputs: inout [NodeMachine.Output], tap: GossipTap, at now: Instant) {
        poisoner.filter(&outputs, tap: tap, at: now)
        outputs.removeAll { output in
            if case .answer(let id, _) = output { AdversaryCommands.owns(id) } else { false }
        }
    }

    mutating func wake(at now: Instant) -> AdversaryActions {
        guard pace.take(at: now), !victims.isEmpty else { return AdversaryActions() }
        defer { next = (next + 1) % victims.count }
        let victim = victims[next]
        return AdversaryActions(inputs: [commands.input(.connect(victim.addresses.map { $0.with(peer: victim.id) }))])
    }
}
