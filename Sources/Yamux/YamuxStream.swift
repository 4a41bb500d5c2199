internal import Primitives

/// What the machine knows of one stream.
///
/// A stream leaves the table when both sides have closed and the application has consumed what arrived, or at a reset.
struct YamuxStream: Sendable {
    enum WriteSide: Sendable {
        case open
        /// FIN follows the queued bytes → `closed`.
        case closing
        /// FIN is sent.
        case closed
    }

    let isInbound: Bool
    /// Whether the peer's ACK to our SYN is still to come.
    var isUnacknowledged: Bool
    var writeSide = WriteSide.open
    var isRemoteClosed = false

    /// What the peer may send beyond what the application has taken; it grows while the application is quick.
    var window = YamuxConfig.initialWindowByteCount
    /// When the peer last got credit.
    var creditedAt: Instant?
    /// What the peer may still send.
    var receiveWindow = YamuxConfig.initialWindowByteCount
    /// What was delivered and is not consumed.
    var unread = 0
    /// What was consumed and is not granted again.
    var uncredited = 0

    /// What we may still send.
    ///
    /// Credit is kept in full, never cut: a peer that grants 64 MiB and returns credit after half of it
    /// would wait for ever for a sender who forgot three quarters. Nothing is ever allocated for it.
    var sendWindow = YamuxConfig.initialWindowByteCount
    var queue = YamuxByteQueue()
    /// Whether the owner was told to stop writing.
    var isCongested = false
    /// Whether the id stands in the machine's turn list.
    var isInTurn = false

    init(isInbound: Bool) {
        self.isInbound = isInbound
        isUnacknowledged = !isInbound
    }

    var isFinished: Bool { writeSide == .closed && isRemoteClosed && unread == 0 }

    /// Whether a turn would send something.
    var isSendable: Bool {
        queue.isEmpty ? writeSide == .closing : sendWindow > 0
    }

    /// Whether the peer should get credit: half of the window is consumed, and the peer still sends.
    var isCreditDue: Bool {
        !isRemoteClosed && uncredited >= window / 2
    }

    /// Adds the peer's credit in 64 bits; `false` if the window would pass 32 bits.
    mutating func grant(_ credit: Int) -> Bool {
        guard sendWindow + credit <= Int(UInt32.max) else { return false }
        sendWindow += credit
        return true
    }

    /// Takes the credit that is due, and more if the window grows.
    mutating func takeCredit(growingBy growth: Int, at now: Instant) -> Int {
        let credit = uncredited + growth
        window += growth
        creditedAt = now
        receiveWindow += credit
        uncredited = 0
        return credit
    }
}
