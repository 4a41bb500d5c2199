internal import DequeModule
internal import Identity
internal import Primitives

/// The messages that were judged lately, so that none is judged, delivered or forwarded twice.
///
/// An id enters by a verdict alone (accept, reject, final ignore), never by a drop for a full queue.
struct SeenCache: Sendable {
    enum Verdict: Hashable, Sendable { case accepted, rejected, ignored }

    struct Entry: Sendable {
        let key: MessageKey
        let verdict: Verdict
        let since: Instant
        /// Who brought a copy, while that still counts (score component P3).
        var deliverers: [PeerID]
    }

    /// Another copy of a judged message.
    struct Copy {
        let verdict: Verdict
        let since: Instant
        /// Whether its bringer brought none before; only asked of accepted messages.
        let isFirst: Bool
    }

    let timeToLive: Duration
    let countMax: Int
    /// In the order of their verdicts; every entry has a number, the first `firstNumber`.
    private var entries: Deque<Entry> = []
    private var firstNumber = 0
    private var numbers: [MessageKey: Int] = [:]
    /// Hashes of the youngest entries' ids, each at its number modulo their count.
    ///
    /// Nearly all copies come soon after the first one, and here they are found in one line of memory, the table takes several.
    private var youngest = InlineArray<16, UInt32>(repeating: 0)

    init(timeToLive: Duration, countMax: Int) {
        precondition(countMax > 0)
        self.timeToLive = timeToLive
        self.countMax = countMax
    }

    var count: Int { entries.count }

    subscript(key: MessageKey) -> Entry? { index(of: key).map { entries[$0] } }

    func contains(_ key: MessageKey) -> Bool { numbers[key] != nil }

    private func index(of key: MessageKey) -> Int? {
        let hash = key.id.shortHash
        for age in 0..<min(youngest.count, entries.count) {
            let index = entries.count - 1 - age
            if youngest[(firstNumber + index) % youngest.count] == hash && entries[index].key == key { return index }
        }
        return numbers[key].map { $0 - firstNumber }
    }

    /// Remembers a verdict from `now` on; the oldest gives way when the cache is full.
    mutating func insert(_ key: MessageKey, _ verdict: Verdict, deliverers: [PeerID], at now: Instant) {
        guard numbers[key] == nil else { return }
        if entries.count == countMax { removeFirst() }
        let number = firstNumber + entries.count
        numbers[key] = number
        youngest[number % youngest.count] = key.id.shortHash
        entries.append(Entry(key: key, verdict: verdict, since: now, deliverers: deliverers))
    }

    /// Notes that `peer` brought a copy; `nil` of a message that is not judged.
    mutating func noteCopy(of key: MessageKey, from peer: PeerID) -> Copy? {
        guard let index = index(of: key) else { return nil }
        let isFirst = entries[index].verdict == .accepted && !entries[index].deliverers.contains(peer)
        if isFirst { entries[index].deliverers.append(peer) }
        return Copy(verdict: entries[index].verdict, since: entries[index].since, isFirst: isFirst)
    }

    mutating func expire(at now: Instant) {
        while let oldest = entries.first?.since, oldest.advanced(by: timeToLive) <= now { removeFirst() }
    }

    private mutating func removeFirst() {
        guard let oldest = entries.popFirst() else { return }
        numbers[oldest.key] = nil
        firstNumber += 1
    }

    func checkInvariants() {
        assert(entries.count == numbers.count && entries.count <= countMax)
        assert(entries.first.map { numbers[$0.key] == firstNumber } ?? true)
    }
}
