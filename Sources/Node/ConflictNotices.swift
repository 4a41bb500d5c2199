internal import Market
internal import OrderedCollections
internal import Primitives

/// Conflicts that this node found and has not told yet.
///
/// Every node that holds both bodies finds the same conflict at once; each waits a random while, so that the first word spares the
/// others theirs.
struct ConflictNotices: Sendable {
    static let waitMax = Duration.seconds(10)
    /// A guess: more at once is an attack, and the rest is found again when its records return.
    static let countMax = 1_024

    private var due: OrderedDictionary<SubjectKey, Instant> = [:]

    var nextDeadline: Instant? { due.values.min() }

    mutating func found(_ subject: SubjectKey, at now: Instant, random: inout SeededRandom) {
        guard due[subject] == nil, due.count < Self.countMax else { return }
        due[subject] = now.advanced(by: Self.waitMax * random.unit())
    }

    /// The subjects whose wait is over, each once.
    mutating func due(at now: Instant) -> [SubjectKey] {
        let ready = due.elements.filter { $0.value <= now }.map(\.key)
        for subject in ready { due[subject] = nil }
        return ready
    }
}
