internal import Market
internal import Synchronization

/// The records that nodes of a run have read, each there once, however many nodes hold it.
///
/// What a node reads from its store after a restart, and what reconciliation brings, would otherwise be a copy of its own: of a
/// day's leases some 25 MB for every node that was ever down.
final class RecordMemo: Sendable {
    private struct Shelf {
        var records: [[UInt8]: SignedRecord] = [:]
        /// At this count those are let go that no node holds any more.
        var limit: Int
    }

    private let leastLimit: Int
    private let shelf: Mutex<Shelf>

    /// Up to `leastLimit` records are kept without a look at who still holds them.
    init(leastLimit: Int = 4_096) {
        self.leastLimit = leastLimit
        shelf = Mutex(Shelf(limit: leastLimit))
    }

    /// How many records are kept.
    var count: Int { shelf.withLock { $0.records.count } }

    /// Reads an envelope as `SignedRecord.init(envelope:)` does; equal bytes give the same object while anybody holds it.
    ///
    /// Costs one lookup; every doubling of what is held costs one walk over it.
    func read(_ envelope: [UInt8]) throws(RecordError) -> SignedRecord {
        if let known = shelf.withLock({ $0.records[envelope] }) { return known }
        let record = try SignedRecord(envelope: envelope)
        shelf.withLock { shelf in
            if shelf.records.count >= shelf.limit { letGo(of: &shelf) }
            shelf.records[record.envelope] = record
        }
        return record
    }

    /// Whom no node holds is gone for good or comes again as bytes; what is left decides when to look next, not what is read.
    private func letGo(of shelf: inout Shelf) {
        var unheld: [[UInt8]] = []
        var index = shelf.records.startIndex
        while index != shelf.records.endIndex {
            if isKnownUniquelyReferenced(&shelf.records.values[index]) { unheld.append(shelf.records[index].key) }
            shelf.records.formIndex(after: &index)
        }
        for envelope in unheld { shelf.records[envelope] = nil }
        shelf.limit = max(leastLimit, 2 * shelf.records.count)
    }
}
