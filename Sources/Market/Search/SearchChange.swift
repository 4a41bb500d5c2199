internal import OrderedCollections

/// What of a result a watcher would notice: its id, which version of the offer it is, and the facts beside the offer.
public struct SearchRowKey: Hashable, Sendable {
    public let id: ListingID
    /// The offer's record; a new version has a new one.
    public let record: RecordID
    public let machineRecord: RecordID?
    public let liveness: Liveness

    public init(_ row: SearchRow) {
        id = row.id
        record = row.listing.record.id
        machineRecord = row.listing.machineRecord?.id
        liveness = row.liveness
    }
}

/// One line of `rialto search --watch`.
public enum SearchChange: Hashable, Sendable {
    case appeared(ListingID)
    case changed(ListingID)
    case gone(ListingID)

    /// What happened between two results: first what is gone, in the previous order, then the rest, in the next order.
    ///
    /// A row that only moved up or down is not a change.
    public static func between(_ previous: [SearchRowKey], _ next: [SearchRowKey]) -> [SearchChange] {
        var known: OrderedDictionary<ListingID, SearchRowKey> = [:]
        for key in previous where known[key.id] == nil { known[key.id] = key }
        var current: OrderedSet<ListingID> = []
        var changes: [SearchChange] = []
        for key in next where current.append(key.id).inserted {
            guard let before = known[key.id] else {
                changes.append(.appeared(key.id))
                continue
            }
            if before != key { changes.append(.changed(key.id)) }
        }
        return known.keys.filter { !current.contains($0) }.map { .gone($0) } + changes
    }
}
