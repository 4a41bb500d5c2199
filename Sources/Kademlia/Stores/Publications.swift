internal import OrderedCollections
internal import Primitives

/// What we ourselves have put into the network and keep there: each is published again when its time has come.
struct Publications: Sendable {
    /// Eight keys for each of sixteen segments, and as many more.
    static let countMax = 256

    enum Content: Hashable, Sendable {
        case provided
        case value([UInt8])
    }

    private struct Entry: Sendable {
        let content: Content
        var dueAt: Instant
        /// How often it has come due.
        var repeatCount = 0
        /// How often in a row nobody has kept it.
        var failureCount = 0
    }

    private var entries: OrderedDictionary<[UInt8], Entry> = [:]

    /// When the first is due.
    private(set) var nextDeadline: Instant?

    func isProvided(_ key: [UInt8]) -> Bool { entries[key]?.content == .provided }

    /// Returns whether there was a place.
    mutating func keep(_ content: Content, for key: [UInt8], dueAt: Instant) -> Bool {
        guard entries[key] != nil || entries.count < Self.countMax else { return false }
        entries[key] = Entry(content: content, dueAt: dueAt)
        arm()
        return true
    }

    mutating func withdraw(_ key: [UInt8]) {
        entries[key] = nil
        arm()
    }

    /// The next entry that is due, put off until `again`, which is told how often it has come due.
    mutating func takeDue(
        at now: Instant,
        again: ([UInt8], Content, Int) -> Instant
    ) -> (key: [UInt8], content: Content)? {
        guard let (key, entry) = entries.elements.first(where: { $0.value.dueAt <= now }) else { return nil }
        entries[key]?.repeatCount = min(entry.repeatCount + 1, 1_000)
        entries[key]?.dueAt = again(key, entry.content, entry.repeatCount + 1)
        arm()
        return (key, entry.content)
    }

    /// Nobody has kept it, or somebody has: after a failure it comes due sooner, at intervals that double until they are its own.
    ///
    /// A network that was away for a minute must not cost the hours until the next time.
    mutating func published(_ key: [UInt8], isKept: Bool, at now: Instant) {
        guard let entry = entries[key] else { return }
        guard !isKept else {
            entries[key]?.failureCount = 0
            return
        }
        let pause = KademliaLimits.hurriedInterval * (1 << min(entry.failureCount, 16))
        entries[key]?.failureCount += 1
        entries[key]?.dueAt = min(entry.dueAt, now.advanced(by: pause))
        arm()
    }

    private mutating func arm() {
        nextDeadline = entries.values.lazy.map(\.dueAt).min()
    }

    func checkInvariants() {
        precondition(entries.count <= Self.countMax)
    }
}
