public import Primitives

/// What a loop did since it was started; for metrics.
public struct LoopStatistics: Hashable, Sendable {
    /// Inputs that the machine handled.
    public var inputCount = 0
    /// Turns in which it handled at least one.
    public var stepCount = 0
    /// The longest of these turns: how long a peer may have waited for another.
    public var longestStep = Duration.zero
    public var signatureCheckCount = 0
    public var ticketCount = 0
    public var failedTicketCount = 0
    public var commandCount = 0
    /// From the wish for a batch of signature checks to its verdicts.
    public var verifications = Histogram(bounds: [0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.05, 0.1, 0.5, 1])
    public var receivedByteCount: UInt64 = 0
    public var sentByteCount: UInt64 = 0
    /// When the loop last proved that it turns, which it does twice a second.
    public var turnedAt = Instant.zero
    /// TCP connections that are dialled, open or closing.
    public var connectionCount = 0
}
