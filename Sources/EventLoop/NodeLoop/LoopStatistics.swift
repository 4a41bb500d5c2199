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
    /// TCP connections that are dialled, open or closing.
    public var connectionCount = 0
}
