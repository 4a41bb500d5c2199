internal import Identity
internal import Kademlia
internal import Primitives
internal import Swarm
internal import Gossipsub

/// A program that is connected with the daemon, and what its connection is for.
struct Program: Sendable {
    enum Role: Sendable {
        /// Requests come, answers go. → all others
        case asking
        /// A connection or a stream is on its way; requests behind it wait. → asking, piping
        case waiting(Wait)
        /// The hash table is searched; requests behind it wait. → asking
        case searching(Search)
        /// The connection is the stream, from now on to its end.
        case piping(StreamHandle)
        /// Messages of a topic go, until the program leaves.
        case subscribed(Topic)

        /// When a request that could not be answered at once is given up.
        var deadline: Instant? {
            switch self {
            case .waiting(let wait): wait.deadline
            case .searching(let search): search.deadline
            case .asking, .piping, .subscribed: nil
            }
        }
    }

    var role = Role.asking
    var frames = LengthPrefixedFrames(byteCountMax: ControlRequest.byteCountMax)
    /// The program reads more slowly than we write, or is not connected yet.
    var isCongested = false
    /// The peer reads the stream more slowly than the program writes.
    var isStreamCongested = false
    /// Bytes of the stream that went to the program and for which the peer has no new credit yet.
    var withheldByteCount = 0
    /// The program sends no more.
    var hasEnded = false
    /// The peer sends no more on the stream.
    var hasStreamEnded = false
    /// Whether the driver reads from it.
    var isRead = true

    /// Whether more of it should be read now.
    var shouldBeRead: Bool {
        switch role {
        case .asking: !isCongested
        case .waiting, .searching: false
        case .piping: !isStreamCongested
        case .subscribed: true
        }
    }
}

/// A question to the hash table.
struct Search: Sendable {
    let request: DHTRequest
    let command: KademliaCommandID
    let deadline: Instant
}

/// A request for a connection or a stream that cannot be answered at once.
struct Wait: Sendable {
    enum Goal: Sendable {
        case connection
        case stream([String])
    }

    enum Stage: Sendable {
        /// → identifying
        case connecting(ConnectRequestID)
        /// Connected; what the peer speaks is asked. → opening, or the end
        case identifying
        /// Its protocol is being agreed on.
        case opening(StreamRequestID)
    }

    let goal: Goal
    let peer: PeerID
    var stage: Stage
    let deadline: Instant
}
