package import Primitives
package import Swarm

/// Where programs of this machine meet: a path in the file system, or a TCP endpoint.
package enum LocalAddress: Hashable, Sendable {
    case path(String)
    case endpoint(Endpoint)
}

/// One stream between this process and another program, accepted (odd numbers, chosen here) or connected (even ones, chosen by
/// whoever asks), as with `ConnectionID`.
package struct LocalStreamID: Hashable, Comparable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    package static func < (left: LocalStreamID, right: LocalStreamID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// What happened at the streams to other programs.
package enum LocalInput: Hashable, Sendable {
    case accepted(LocalStreamID)
    case connected(LocalStreamID)
    /// Ends the id of a `connect`.
    case connectFailed(LocalStreamID, TransportFailure)
    case received(LocalStreamID, [UInt8])
    /// The program sends no more; it may still read.
    case remoteClosedWrite(LocalStreamID)
    /// What waits to be read by the program passed the high-water mark; and fell below the low one.
    case congested(LocalStreamID)
    case drained(LocalStreamID)
    /// The end of every accepted or connected stream, exactly once, also after `close`.
    case ended(LocalStreamID)
}

/// What to do at the streams to other programs, in order; what names a stream that is gone has no effect.
package enum LocalOutput: Hashable, Sendable {
    case connect(LocalStreamID, LocalAddress)
    case send(LocalStreamID, [UInt8])
    /// Sends what is queued, then our end of stream.
    case closeWrite(LocalStreamID)
    case pauseReading(LocalStreamID)
    case resumeReading(LocalStreamID)
    /// Sends what is queued, then closes; what arrives is dropped.
    case close(LocalStreamID)
}
