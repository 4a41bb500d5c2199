public import Identity
public import Primitives

/// A request that we made; the owner opens a stream for it.
public struct KademliaRequestID: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// A request of another peer; the owner's number for it.
public struct KademliaInboundID: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// A command of the owner; the owner's number for it, which the result carries.
public struct KademliaCommandID: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What a node wants from the network.
public enum KademliaCommand: Hashable, Sendable {
    case findPeer(PeerID)
    /// The nearest servers to a key, as many as k.
    case closestPeers([UInt8])
    /// Say that we provide a key, and say it again until `withdraw`.
    case provide([UInt8])
    case findProviders([UInt8])
    /// Store a value that the validator takes, and store it again until it expires or is withdrawn.
    case putValue(KademliaValue)
    /// The best value of a key; the search ends once `quorum` holders answered with a valid one.
    case getValue([UInt8], quorum: Int)
    /// Stop publishing a key; what others hold of it expires.
    case withdraw([UInt8])
}

/// How a command ended.
public enum KademliaResult: Hashable, Sendable {
    case peer(KademliaPeer)
    case closest([KademliaPeer])
    /// So many peers were told that we provide it.
    case provided(peerCount: Int)
    /// Those who were named most often come first; none may be believed before it has shown the goods.
    case providers([FoundProvider])
    /// So many peers hold the value now.
    case stored(peerCount: Int)
    case value([UInt8])
    case withdrawn
    case failed(KademliaFailure)
}

/// Who is said to provide a key, and the network of the connection on which that was said: its own where it told us itself.
public struct FoundProvider: Hashable, Sendable {
    public let peer: KademliaPeer
    public let source: IPGroup

    public init(peer: KademliaPeer, source: IPGroup) {
        (self.peer, self.source) = (peer, source)
    }
}

public enum KademliaFailure: Error, Hashable, Sendable {
    /// The table is empty: nobody can be asked.
    case noPeers
    case notFound
    /// Nobody took what was to be stored.
    case notStored
    /// Empty, or longer than a key may be.
    case malformedKey
    /// The validator does not take it, or a better one is known here.
    case refusedValue
    /// Too many commands wait, or too much is published already.
    case busy
}

extension KademliaMachine {
    public enum Input: Sendable {
        /// Once, before all else but `clock`, `ownAddresses` and `mode`.
        case started
        case clock(unixMilliseconds: Int64)
        /// Where we may be reached, as providers' records and answers say it.
        case ownAddresses([Multiaddr])
        /// What the owner wants of values has changed: those that it shuns are dropped.
        case validator(any ValueValidator)
        /// The owner changes it rarely: others learn of it by identify alone.
        case mode(KademliaMode)
        /// A connected peer said what it speaks; `isServer` if this protocol is among it.
        case identified(KademliaPeer, isServer: Bool, from: IPAddress?)
        case disconnected(PeerID)
        case command(KademliaCommandID, KademliaCommand)
        /// The answer to a request, and the address of the connection on which it came.
        case response(KademliaRequestID, [UInt8], from: IPAddress?)
        /// A request without a response was written.
        case delivered(KademliaRequestID)
        /// The peer could not be reached, refused the protocol, or closed the stream.
        case requestFailed(KademliaRequestID)
        /// We did not get to ask, for a reason of our own: the peer is as good as it was.
        case requestNotSent(KademliaRequestID)
        /// A request of another peer, without its length prefix.
        case inbound(KademliaInboundID, PeerID, [UInt8], from: IPAddress?)
        case deadlineReached
    }

    public enum Output: Hashable, Sendable {
        /// Send to the peer, dialled if need be; answered by `response`, `delivered` or `requestFailed`.
        case request(KademliaRequestID, KademliaPeer, [UInt8], expectsResponse: Bool)
        /// More is said of where a peer is to whom a request is under way.
        case learned(KademliaPeer)
        /// Nobody waits any longer: give up the dial, reset the stream.
        case cancel(KademliaRequestID)
        case respond(KademliaInboundID, [UInt8])
        /// The request has no response; the stream may carry the next one.
        case accept(KademliaInboundID)
        /// Reset the stream.
        case refuse(KademliaInboundID)
        case finished(KademliaCommandID, KademliaResult)
        /// A search is over, a command's or one of upkeep; told before `finished`.
        case searched(LookupSummary)
        case peerAdded(PeerID)
        case peerRemoved(PeerID)
    }
}
