/// Why a session is over.
///
/// The owner then closes the connection.
public enum YamuxEnd: Error, Hashable, Sendable {
    /// We said go-away and the last stream has closed.
    case goneAway
    /// The peer said go-away: normally, and the last stream has closed; or for an error, at once.
    case remoteGoAway(YamuxGoAwayCode)
    case protocolError(YamuxProtocolError)
    /// The peer asked for more than its share of work that costs it nothing.
    case flooded(YamuxFlood)
    /// A ping and then silence.
    case keepaliveTimeout
}

/// The reason that a go-away frame carries.
public enum YamuxGoAwayCode: Hashable, Sendable {
    case normal
    case protocolError
    case internalError
    /// A code that the specification does not name.
    case other(UInt32)

    init(rawValue: UInt32) {
        switch rawValue {
        case 0: self = .normal
        case 1: self = .protocolError
        case 2: self = .internalError
        default: self = .other(rawValue)
        }
    }

    var rawValue: UInt32 {
        switch self {
        case .normal: 0
        case .protocolError: 1
        case .internalError: 2
        case .other(let code): code
        }
    }
}

/// Which rule of the protocol the peer broke.
public enum YamuxProtocolError: Error, Hashable, Sendable {
    case version(UInt8)
    case frameType(UInt8)
    case flags(UInt16)
    /// A stream's frame without a stream, or a session's frame with one.
    case streamNotAllowed(UInt32)
    /// The peer opened a stream whose id only we may use.
    case parity(YamuxStreamID)
    /// The peer opened a stream a second time.
    case streamReused(YamuxStreamID)
    /// The peer sent more than the window holds.
    case windowExceeded(YamuxStreamID)
    /// The peer granted more credit than 32 bits hold (CVE-2026-31814).
    case windowOverflow(YamuxStreamID)
    /// The peer sent bytes behind its own end of stream.
    case dataAfterClose(YamuxStreamID)
}

/// What a peer did too often.
public enum YamuxFlood: Hashable, Sendable {
    case streams
    case pings
    /// It does not read, yet asks for answers.
    case answers
}

/// Why a stream ended on our side, without the peer's doing or ours.
public enum YamuxResetReason: Hashable, Sendable {
    /// The owner wrote more than the send buffers hold.
    case sendBufferFull
    /// Its bytes would have passed the cap on unread bytes of the connection.
    case unreadBytesFull
}

/// Why `open` made no stream.
public enum YamuxOpenRefusal: Error, Hashable, Sendable {
    /// Too many streams wait for their acknowledgement.
    case backlogFull
    /// Too many of our streams are open.
    case tooManyStreams
    /// The socket is full and so is half of the queue that waits for it.
    case congested
    /// One side has said go-away.
    case goingAway
    /// The session has used up its 2³¹ ids; a new connection has new ones.
    case identifiersExhausted
    /// The session is over.
    case ended
}
