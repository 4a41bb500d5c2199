internal import Gossipsub
internal import Node
internal import Primitives
internal import Swarm

/// What happens at an instant of virtual time; small, so that millions may be pending.
enum Event: Sendable {
    /// The node's timer, if it is still armed for this instant.
    case deadline(NodeLife)
    /// A group of writes came to its end.
    case stored(NodeLife, Ticket)
    case storeFailed(NodeLife, Ticket)
    /// A dial that never became a connection.
    case dialFailed(NodeLife, UInt64, DialFailure)
    /// The connection is there, as far as this end knows (`bytes`).
    case opened(WireEnd)
    /// What follows arrives at this end: a message of the handshake, by its number.
    case handshake(WireEnd, UInt8)
    /// The far end asks who we are, and is told; since when it waits.
    case asked(WireEnd, Instant)
    case identified(WireEnd, Instant)
    case bytes(WireEnd, [UInt8])
    case rpc(WireEnd, GossipRPC)
    case data(WireEnd, UInt32, [UInt8])
    case streamArrived(WireEnd, UInt32)
    case streamRefused(NodeLife, UInt64)
    case streamClosed(WireEnd, UInt32)
    case streamReset(WireEnd, UInt32)
    case closed(WireEnd, WireEnding)
    /// Somebody looks whether the two ends can still hear each other.
    case watch(WireEnd)
    /// Too many connections: some may have come of age to be trimmed.
    case trim(NodeLife)
    /// The world's own: who comes and goes, what breaks, what is published, what is measured.
    case world(WorldEvent)

    /// Tells the kinds apart in the trace.
    var code: UInt64 {
        switch self {
        case .deadline: 1
        case .stored: 3
        case .storeFailed: 4
        case .dialFailed: 5
        case .opened: 6
        case .identified: 7
        case .asked: 8
        case .bytes: 9
        case .rpc: 10
        case .data: 11
        case .streamArrived: 12
        case .streamRefused: 13
        case .streamClosed: 14
        case .streamReset: 15
        case .closed: 16
        case .watch: 17
        case .trim: 18
        case .world: 19
        case .handshake: 20
        }
    }
}

/// What the world itself does.
enum WorldEvent: Sendable {
    case start(node: UInt32)
    /// A session of the churn model ends.
    case leave(NodeLife)
    /// A provider puts its next offer on the market.
    case publish(NodeLife, offer: UInt32)
    /// A provider changes a price of its own accord.
    case change(NodeLife)
    /// Somebody changes a price, as the network's common rate has it.
    case changeSomewhere
    /// A renter bids, if it sees something free.
    case bid(NodeLife)
    /// A node searches in a segment that it may not hold.
    case search(NodeLife)
    /// Somebody looks something up in the hash table.
    case lookUp
    /// A fault acts: its number in the world's list.
    case fault(Int)
    case adversary(NodeLife)
    case second
}

enum DialFailure: UInt8, Sendable {
    case refused
    case timedOut
    case unreachable
}

/// How a connection ended, as the end that hears of it is told.
enum WireEnding: UInt8, Sendable {
    /// The other side closed it in order.
    case closed
    /// The other side's process ended.
    case reset
    /// The other side no longer answers.
    case unresponsive
    /// The other side had too many.
    case refused
}
