/// One stream of a session; odd where the client opened it, even where the server did, never 0 and never used twice.
public struct YamuxStreamID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public let rawValue: UInt32

    public init(rawValue: UInt32) {
        self.rawValue = rawValue
    }

    public var description: String { "\(rawValue)" }

    public static func < (left: YamuxStreamID, right: YamuxStreamID) -> Bool {
        left.rawValue < right.rawValue
    }
}

/// Which end of the connection this is; it decides the parity of the streams that each side opens.
public enum YamuxRole: Hashable, Sendable {
    /// The side that dialled: odd streams.
    case client
    /// The side that listened: even streams.
    case server

    var other: YamuxRole { self == .client ? .server : .client }

    var firstStream: UInt32 { self == .client ? 1 : 2 }

    /// Whether a stream with this id was opened by a peer of this role.
    func opens(_ stream: YamuxStreamID) -> Bool {
        stream.rawValue % 2 == firstStream % 2
    }
}
