internal import Multistream

/// What a connection knows of one of its streams.
struct ConnectionStream: Sendable {
    enum Phase: Sendable {
        /// The protocol is not agreed on. → `open`.
        case negotiating(MultistreamMachine)
        /// We took the agreement for granted and use the stream; the peer's word is still to come. → `open`.
        case lazy(MultistreamMachine)
        case open
    }

    let direction: Direction
    var phase: Phase
    /// Bytes that were delivered and not consumed.
    var unread = 0
    var isWriteClosed = false
    var isRemoteClosed = false

    var isOpen: Bool {
        if case .open = phase { true } else { false }
    }
}
