internal import Market
internal import Primitives

/// Writes down what GPUs cost, ten minutes after the start and once an hour from then on.
///
/// The first look waits until the node has heard most of the market.
struct PriceWatch: Sendable {
    static let factName = "price-history"
    static let first = Duration.seconds(600)
    static let interval = Duration.seconds(3_600)

    private(set) var history: PriceHistory
    private(set) var nextDeadline: Instant?

    init(stored: [UInt8]) {
        history = PriceHistory(decoding: stored)
    }

    mutating func start(at now: Instant) { nextDeadline = now.advanced(by: Self.first) }

    mutating func stop() { nextDeadline = nil }

    /// Looks if it is time; returns the bytes to be stored if anything has changed.
    mutating func expire(at now: Instant, sample: () -> PriceSample) -> [UInt8]? {
        guard let due = nextDeadline, due <= now else { return nil }
        nextDeadline = now.advanced(by: Self.interval)
        let before = history
        history.note(sample())
        return history == before ? nil : history.encoded
    }
}
