/// One direction of a node's access line, in constant space and time.
///
/// The queue is a debt of time that drains as time goes by: what arrives waits for the debt and then for its own transmission. Sends come in the order of
/// time, so that this is exactly the next instant at which the line is free. What is received is told here when it is sent, hence not
/// always in the order of its arrival; what comes early then finds the debt of the later one, and waits at most for real transmissions.
struct AccessLine: Hashable, Sendable {
    private var debt = 0
    private var lastArrival = Int64.min

    /// When a transmission that takes `busy` and could begin at `arrival` has ended; all in nanoseconds.
    mutating func pass(at arrival: Int64, busy: Int) -> Int64 {
        if arrival > lastArrival {
            let (idle, overflow) = arrival.subtractingReportingOverflow(lastArrival)
            debt = overflow ? 0 : max(0, debt - Int(idle))
            lastArrival = arrival
        }
        debt += busy
        return arrival + Int64(debt)
    }

    /// How long so many bytes take at a rate in bits per second.
    static func transmission(byteCount: Int, bitsPerSecond: Int) -> Int {
        let product = UInt64(byteCount).multipliedFullWidth(by: 8_000_000_000)
        return Int(UInt64(bitsPerSecond).dividingFullWidth(product).quotient)
    }
}
