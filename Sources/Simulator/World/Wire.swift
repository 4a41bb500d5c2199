internal import Identity
internal import Primitives
internal import Swarm

/// One connection between two nodes, from the dial to the moment when both have heard of its end.
///
/// Bytes and messages of one direction arrive in the order in which they were sent, as TCP promises: nothing overtakes `arrival`.
struct Wire: Sendable {
    /// What one end knows of the connection.
    enum Phase: UInt8, Sendable {
        /// On its way; at the listener: not heard of yet.
        case opening
        case up
        case ended
    }

    struct Side: Sendable {
        var node: UInt32
        var life: UInt32
        /// Who the node was when the connection was made.
        var peer: PeerID
        var phase = Phase.opening
        /// Everything that is under way to this end arrives by then.
        var arrival = Instant.zero
        /// Who waits for the connection at this end.
        var requests: [ConnectRequestID] = []
        /// What could not be sent to this end while the way was cut.
        var held: [Event] = []
        /// How the machine names the connection at this end (`bytes`).
        var socket = ConnectionID(rawValue: 0)
    }

    var generation: UInt32 = 0
    var dialer: Side
    var listener: Side
    var openedAt = Instant.zero
    var streams: [WireStream] = []
    var nextStream: UInt32 = 1
    /// Whether somebody looks after a while if the two can still hear each other.
    var isWatched = false
    /// Whether this place holds a connection.
    var isUsed = false

    subscript(end: WireEnd) -> Side {
        _read {
            if end.isDialer { yield dialer } else { yield listener }
        }
        _modify {
            if end.isDialer { yield &dialer } else { yield &listener }
        }
    }
}

/// One stream of a connection and what each end knows of it.
struct WireStream: Sendable {
    private static let known: UInt8 = 1
    private static let closed: UInt8 = 4
    private static let heard: UInt8 = 16

    let id: UInt32
    let kind: StreamKind
    private var flags: UInt8

    /// A stream that one end opens; the other hears of it later.
    init(id: UInt32, kind: StreamKind, openedBy end: WireEnd) {
        (self.id, self.kind) = (id, kind)
        flags = Self.known << Self.shift(end)
    }

    /// Whether both ends have closed and heard so.
    var isOver: Bool {
        flags & (Self.known | Self.known << 1) == 0 && flags & (Self.heard | Self.heard << 1) == Self.heard * 3
    }

    func isKnown(at end: WireEnd) -> Bool { flags & Self.known << Self.shift(end) != 0 }

    func isClosed(by end: WireEnd) -> Bool { flags & Self.closed << Self.shift(end) != 0 }

    mutating func arrive(at end: WireEnd) { flags |= Self.known << Self.shift(end) }

    mutating func forget(at end: WireEnd) { flags &= ~(Self.known << Self.shift(end)) }

    /// The end writes no more; a stream that both sides closed ends without a word.
    mutating func close(by end: WireEnd) {
        flags |= Self.closed << Self.shift(end)
        if flags & Self.heard << Self.shift(end) != 0 { forget(at: end) }
    }

    mutating func hearClose(at end: WireEnd) {
        flags |= Self.heard << Self.shift(end)
        if isClosed(by: end) { forget(at: end) }
    }

    private static func shift(_ end: WireEnd) -> UInt8 { end.isDialer ? 0 : 1 }
}

/// What a stream carries, as far as the accounts care; the name of its protocol.
struct StreamKind: Hashable, Sendable {
    /// Its place in `StreamKinds.names`.
    let index: UInt8
    let traffic: TrafficKind
}

/// The protocols that streams were opened for, in the order in which they were first named.
struct StreamKinds: Sendable {
    private(set) var names: [String] = []

    mutating func kind(of name: String) -> StreamKind {
        let index = names.firstIndex(of: name) ?? names.count
        if index == names.count { names.append(name) }
        precondition(index < 256, "more protocols than any node speaks")
        let isGossip = name.hasPrefix("/meshsub/") || name.hasPrefix("/floodsub/")
        let other = name.hasPrefix("/rialto/market/") ? TrafficKind.market : .exchange
        return StreamKind(index: UInt8(index), traffic: isGossip ? .gossipControl : other)
    }

    func name(of kind: StreamKind) -> String { names[Int(kind.index)] }
}
