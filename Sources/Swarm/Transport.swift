public import Primitives

/// One TCP connection, dialled or accepted.
///
/// The machine numbers what it dials with even numbers, the driver what it accepts with odd ones, so that neither has
/// to ask the other.
public struct ConnectionID: Hashable, Comparable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    public static func < (left: ConnectionID, right: ConnectionID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// One listening socket, numbered by the machine.
public struct ListenerID: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// One name that the driver resolves, numbered by the machine.
public struct ResolutionID: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// What the machine wants to know about a name; the driver asks off the loop.
public enum NameQuery: Hashable, Sendable {
    /// A and AAAA records.
    case addresses(String)
    /// A records alone.
    case ipv4Addresses(String)
    /// AAAA records alone.
    case ipv6Addresses(String)
    /// TXT records of `_dnsaddr.<name>`.
    case text(String)
}

/// What the driver found; at most `NameAnswer.countMax` entries.
public enum NameAnswer: Hashable, Sendable {
    public static let countMax = 64

    case addresses([IPAddress])
    case text([String])
    case failed(String)
}

/// Why a socket did not come to be or ceased.
public enum TransportFailure: Error, Hashable, Sendable {
    case refused
    case timedOut
    case unreachable
    case reset
    case addressInUse
    case addressNotAvailable
    case permissionDenied
    case tooManyDescriptors
    /// Any other error of the system, by its name.
    case system(String)
}

/// What happened at the sockets: the driver tells the machine.
public enum TransportInput: Hashable, Sendable {
    /// The socket is bound; the port is the real one if 0 was asked for.
    case listening(ListenerID, Endpoint)
    case listenFailed(ListenerID, TransportFailure)
    /// The addresses of this machine's interfaces: at start and whenever they change.
    case interfaces([IPAddress])
    case accepted(ConnectionID, local: Endpoint, remote: Endpoint)
    case dialed(ConnectionID, local: Endpoint, remote: Endpoint)
    /// Ends the id of a dial.
    case dialFailed(ConnectionID, TransportFailure)
    case received(ConnectionID, [UInt8])
    /// The bytes that wait to be sent passed the driver's high-water mark.
    case congested(ConnectionID)
    /// They fell below its low-water mark again.
    case drained(ConnectionID)
    /// The end of every accepted or dialled connection, exactly once, also after `close` and `abort`.
    case disconnected(ConnectionID, TransportFailure?)
    case resolved(ResolutionID, NameAnswer)
}

/// What the driver must do at the sockets, in order.
public enum TransportOutput: Hashable, Sendable {
    case listen(ListenerID, Endpoint)
    case stopListening(ListenerID)
    /// Dials from the listening port of the same family where there is one (SO_REUSEPORT), else from any.
    case dial(ConnectionID, Endpoint)
    case send(ConnectionID, [UInt8])
    case pauseReading(ConnectionID)
    case resumeReading(ConnectionID)
    /// Sends what is queued, then closes.
    case close(ConnectionID)
    /// Drops what is queued and closes at once.
    case abort(ConnectionID)
    case resolve(ResolutionID, NameQuery)
}
