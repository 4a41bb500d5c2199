internal import Node
internal import Primitives

/// The lowest sequence that each subject may still have at one node: what it held, and which floors it wrote.
///
/// What the store has acknowledged must bind the next life too, unless the life ended with unsynced writes lost.
struct Floors: Sendable {
    /// By the number of the subject; 0: nothing known.
    private var lowest: [UInt64] = []
    private var durable: [UInt64] = []
    private var unacknowledged: [Ticket: [(subject: Int, lowest: UInt64)]] = [:]

    /// The lowest sequence that the node may take for this subject.
    func lowest(of subject: Int) -> UInt64 { subject < lowest.count ? lowest[subject] : 0 }

    mutating func raise(_ subject: Int, to sequence: UInt64) { Self.raise(&lowest, subject, to: sequence) }

    /// What was raised with this write counts for the next life once it is acknowledged.
    mutating func wrote(_ ticket: Ticket, _ raised: [(subject: Int, lowest: UInt64)]) {
        if !raised.isEmpty { unacknowledged[ticket] = raised }
    }

    mutating func acknowledged(_ ticket: Ticket) {
        for (subject, sequence) in unacknowledged.removeValue(forKey: ticket) ?? [] {
            Self.raise(&durable, subject, to: sequence)
        }
    }

    mutating func failed(_ ticket: Ticket) { unacknowledged[ticket] = nil }

    /// A new life begins: with all that was acknowledged, or, where writes were lost, with what the store gave back.
    mutating func restart(losesUnsynced: Bool, restored: [(subject: Int, lowest: UInt64)]) {
        unacknowledged = [:]
        if losesUnsynced { durable = [] }
        for (subject, sequence) in restored { Self.raise(&durable, subject, to: sequence) }
        lowest = durable
    }

    private static func raise(_ floors: inout [UInt64], _ subject: Int, to sequence: UInt64) {
        while floors.count <= subject { floors.append(0) }
        floors[subject] = max(floors[subject], sequence)
    }
}
