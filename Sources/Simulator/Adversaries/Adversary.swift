public import Cryptography
internal import Identity
public import Kademlia
public import Node
public import Primitives

/// One hostile node: a real `NodeMachine` with somebody else's hand on what it says.
///
/// The adversary sits between the machine and its driver. It hears what the machine is fed, changes what it sends, and adds words of
/// its own. So it speaks every protocol as well as an honest node, and only its will differs.
public struct Adversary: Sendable {
    private enum Will: Sendable {
        case silent(Silence)
        case spammer(Spammer)
        case forger(Forger)
        case equivocator(Equivocator)
        case replayer(Replayer)
        case doubleBooker(DoubleBooker)
        case phantom(Phantom)
        case censor(Censor)
        case poisoner(Poisoner)
        case flooder(Flooder)
        case reflector(Reflector)
        case crowder(Crowder)
    }

    private var will: Will
    private var tap: GossipTap

    /// A node of this role that does nothing hostile before `begins`, the end of the build-up.
    ///
    /// `accomplices` are the nodes of its kind, as it would name them, and `victims` those that a crowder dials; `hidden` the keys of the
    /// hash table that a hider lies about or a flooder stands under; at the `doors` a reflector sends others to.
    public init(
        role: AdversaryRole,
        key: Ed25519.PrivateKey,
        network: String,
        fidelity: Fidelity,
        begins: Instant,
        random: SeededRandom,
        accomplices: [KademliaPeer] = [],
        victims: [KademliaPeer] = [],
        hidden: Set<[UInt8]> = [],
        doors: [Endpoint] = []
    ) {
        precondition(role.works(at: fidelity), "nobody heeds what \(role) says at the fidelity \(fidelity)")
        let poisoner = Poisoner(from: .zero, network: network, accomplices: accomplices)
        tap = GossipTap(isTyped: fidelity == .messages)
        will =
            switch role {
            case .silent: .silent(Silence(from: .zero))
            case .covert(let at): .silent(Silence(from: begins.advanced(by: at)))
            case .spammer(let rate): .spammer(Spammer(perSecond: rate, begins: begins))
            case .forger(let rate): .forger(Forger(key: key, network: network, perSecond: rate, begins: begins))
            case .equivocator: .equivocator(Equivocator(key: key, begins: begins))
            case .replayer(let rate):
                .replayer(Replayer(network: network, perSecond: rate, begins: begins, random: random))
            case .doubleBooker: .doubleBooker(DoubleBooker(key: key, network: network, begins: begins))
            case .phantom: .phantom(Phantom(from: begins, random: random))
            case .censor, .squatter: .censor(Censor(from: begins))
            // Whoever poisons tables does so while they fill.
            case .poisoner: .poisoner(poisoner)
            case .hider: .poisoner(Poisoner(from: .zero, network: network, accomplices: accomplices, about: hidden))
            case .flooder: .flooder(Flooder(keys: hidden, begins: .zero))
            case .reflector: .reflector(Reflector(network: network, doors: doors, random: random))
            case .crowder: .crowder(Crowder(victims: victims, poisoner: poisoner, begins: .zero))
            }
    }

    /// When `wake` is due; `nil` if it only answers what its node does.
    public var nextDeadline: Instant? {
        switch will {
        case .silent, .phantom, .censor, .poisoner, .reflector: nil
        case .flooder(let flooder): flooder.pace.due
        case .crowder(let crowder): crowder.pace.due
        case .spammer(let spammer): spammer.pace.due
        case .forger(let forger): forger.pace.due
        case .equivocator(let equivocator): equivocator.pace.due
        case .replayer(let replayer): replayer.pace.due
        case .doubleBooker(let booker): booker.pace.due
        }
    }

    /// Hears what the machine is about to be fed.
    public mutating func hear(_ input: NodeMachine.Input) {
        tap.hear(input)
        switch will {
        case .phantom(var phantom):
            phantom.hear(input)
            will = .phantom(phantom)
        case .censor(var censor):
            censor.hear(input)
            will = .censor(censor)
        case .poisoner(var poisoner):
            poisoner.hear(input)
            will = .poisoner(poisoner)
        case .flooder(var flooder):
            flooder.hear(input)
            will = .flooder(flooder)
        case .reflector(var reflector):
            reflector.hear(input)
            will = .reflector(reflector)
        case .crowder(var crowder):
            crowder.hear(input)
            will = .crowder(crowder)
        case .silent, .spammer, .forger, .equivocator, .replayer, .doubleBooker: break
        }
    }

    /// Changes what the machine wants done, before the driver does it.
    public mutating func filter(_ outputs: inout [NodeMachine.Output], at now: Instant) {
        tap.see(outputs)
        switch will {
        case .silent(let silence): silence.filter(&outputs, tap: tap, at: now)
        case .spammer(var spammer):
            spammer.filter(&outputs)
            will = .spammer(spammer)
        case .forger: break
        case .equivocator(var equivocator):
            equivocator.filter(&outputs, tap: tap)
            will = .equivocator(equivocator)
        case .replayer(var replayer):
            replayer.filter(outputs)
            will = .replayer(replayer)
        case .doubleBooker(var booker):
            booker.filter(&outputs)
            will = .doubleBooker(booker)
        case .phantom(var phantom):
            phantom.filter(&outputs, at: now)
            will = .phantom(phantom)
        case .censor(let censor): censor.filter(&outputs, at: now)
        case .poisoner(var poisoner):
            poisoner.filter(&outputs, tap: tap, at: now)
            will = .poisoner(poisoner)
        case .flooder(var flooder):
            flooder.filter(&outputs, tap: tap)
            will = .flooder(flooder)
        case .reflector(var reflector):
            reflector.filter(&outputs)
            will = .reflector(reflector)
        case .crowder(var crowder):
            crowder.filter(&outputs, tap: tap, at: now)
            will = .crowder(crowder)
        }
    }

    /// Acts of its own accord; a call that comes early has no effect.
    public mutating func wake(at now: Instant, unixMilliseconds: Int64) -> AdversaryActions {
        switch will {
        case .silent, .phantom, .censor, .poisoner, .reflector: return AdversaryActions()
        case .flooder(var flooder):
            defer { will = .flooder(flooder) }
            return flooder.wake(at: now)
        case .crowder(var crowder):
            defer { will = .crowder(crowder) }
            return crowder.wake(at: now)
        case .spammer(var spammer):
            defer { will = .spammer(spammer) }
            return spammer.wake(at: now)
        case .forger(var forger):
            defer { will = .forger(forger) }
            return forger.wake(tap: tap, at: now, unixMilliseconds: unixMilliseconds)
        case .equivocator(var equivocator):
            defer { will = .equivocator(equivocator) }
            return equivocator.wake(at: now)
        case .replayer(var replayer):
            defer { will = .replayer(replayer) }
            return replayer.wake(tap: tap, at: now)
        case .doubleBooker(var booker):
            defer { will = .doubleBooker(booker) }
            return booker.wake(tap: tap, at: now, unixMilliseconds: unixMilliseconds)
        }
    }
}

/// What an adversary does: commands for its own machine, and words that the machine never said.
public struct AdversaryActions: Sendable {
    public var inputs: [NodeMachine.Input] = []
    public var outputs: [NodeMachine.Output] = []
}

extension AdversaryRole {
    /// Whether the role can act where this much of the wire is computed: only at `bytes` do swarms look at addresses and count
    /// connections.
    public func works(at fidelity: Fidelity) -> Bool {
        switch self {
        case .reflector, .crowder: fidelity == .bytes
        default: true
        }
    }
}

/// Something done at a steady rate.
struct Pace: Sendable {
    let interval: Duration
    private(set) var due: Instant?

    init(every interval: Duration, from begins: Instant) {
        (self.interval, due) = (interval, begins)
    }

    init(perSecond: Int, from begins: Instant) {
        self.init(every: .nanoseconds(1_000_000_000 / Int64(max(1, perSecond))), from: begins)
    }

    /// Says whether it is time, and waits for the next; time that was slept through is not made up for.
    mutating func take(at now: Instant) -> Bool {
        guard let due, due <= now else { return false }
        self.due = max(due.advanced(by: interval), now)
        return true
    }
}

/// Command numbers of adversaries: far above those of any workload.
struct AdversaryCommands: Sendable {
    private static let first: UInt64 = 1 << 62
    private var next = first

    mutating func input(_ command: NodeCommand) -> NodeMachine.Input {
        defer { next += 1 }
        return .command(CommandID(rawValue: next), command)
    }

    static func owns(_ id: CommandID) -> Bool { id.rawValue >= first }
}
