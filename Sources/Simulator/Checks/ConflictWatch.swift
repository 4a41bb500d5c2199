internal import Market
internal import Primitives

/// Who knows that somebody signed two bodies for one subject and sequence.
///
/// A node knows it when it holds both bodies, a conflict record that names them, or a higher sequence, which settles the matter.
struct ConflictWatch: Sendable {
    struct Conflict: Sendable {
        let subject: Int
        let sequence: UInt64
        /// When the second body first reached anybody.
        let since: Instant
        /// When all honest nodes that were up knew.
        var knownAt: Instant?
        var ignorant: Int?
    }

    private(set) var conflicts: [Conflict] = []
    /// Those that somebody may not know yet.
    private var unknown: [Int] = []

    /// A record that nobody has seen before is there.
    mutating func appeared(_ number: Int, in registry: RecordRegistry, at now: Instant) {
        let record = registry[number]
        guard record.kind != .conflict else { return }
        let rivals = registry.heldRecords(about: record.subject).filter { other in
            other != number && registry[other].sequence == record.sequence
        }
        let isOpen = conflicts.contains { $0.subject == record.subject && $0.sequence == record.sequence }
        guard !rivals.isEmpty, !isOpen else { return }
        unknown.append(conflicts.count)
        conflicts.append(Conflict(subject: record.subject, sequence: record.sequence, since: now))
    }

    /// `nodes` are the honest ones that are up, with the instant since when.
    mutating func second(
        _ registry: RecordRegistry,
        conflictsOver: (Int) -> [Int],
        nodes: [(node: Int, since: Instant)],
        at now: Instant
    ) {
        var left: [Int] = []
        for number in unknown {
            let conflict = conflicts[number]
            let about = registry.heldRecords(about: conflict.subject)
            let rivals = about.filter { registry[$0].sequence == conflict.sequence }
            let settling = about.filter { registry[$0].sequence > conflict.sequence } + conflictsOver(conflict.subject)
            let concerned = nodes.filter { $0.since <= conflict.since }
            let ignorant = concerned.first { node, _ in
                if settling.contains(where: { registry[$0].holders.contains(node) }) { return false }
                return rivals.count { registry[$0].holders.contains(node) } < 2
            }
            conflicts[number].ignorant = ignorant?.node
            // That nobody is left who should know is no knowledge.
            if ignorant == nil, !concerned.isEmpty {
                conflicts[number].knownAt = now
            } else {
                left.append(number)
            }
        }
        unknown = left
    }
}
