public import Gossipsub
public import Identity
public import Primitives
public import Swarm

/// One group of signatures that the driver checks together.
public struct BatchID: Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: BatchID, right: BatchID) -> Bool { left.rawValue < right.rawValue }
}

/// One group of writes that becomes durable together.
public struct Ticket: Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: Ticket, right: Ticket) -> Bool { left.rawValue < right.rawValue }
}

/// One command, numbered by the driver; its answer carries the same number.
public struct CommandID: Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: CommandID, right: CommandID) -> Bool { left.rawValue < right.rawValue }
}

extension NodeMachine {
    /// What happened.
    ///
    /// Large payloads are indirect: a driver keeps many inputs in its queue, and most are small.
    public enum Input: Sendable {
        /// First of all inputs, behind one `clock`.
        case started
        /// Wall time: at start, every ten seconds, and when it steps.
        case clock(unixMilliseconds: Int64)
        /// In the machine's seat (``SwarmSeat``).
        indirect case transport(TransportInput)
        /// In the driver's seat: what its swarm says.
        indirect case swarm(SwarmMachine.Output)
        /// In the driver's seat with typed gossip: one RPC of a peer, which arrives behind its `identified`.
        case rpc(PeerID, GossipRPC)
        /// The verdicts in the order of the batch's checks.
        case verified(BatchID, [Bool])
        case persisted(Ticket)
        case persistFailed(Ticket, StoreFailure)
        indirect case command(CommandID, NodeCommand)
        /// A datagram of the group of multicast DNS, and the host that sent it.
        case multicast([UInt8], from: IPAddress)
        case deadlineReached
    }
}
