internal import Identity
internal import Market
public import Node

/// A store in memory that keeps what was committed, and fails when it is told to.
public struct TestStore: Sendable {
    public private(set) var committed = RestoredState.empty
    /// What every commit fails with; `nil` while the disk is well.
    public var failure: StoreFailure?

    public init() {}

    mutating func commit(_ changes: [StoreChange]) -> StoreFailure? {
        if let failure { return failure }
        for change in changes { apply(change) }
        return nil
    }

    private mutating func apply(_ change: StoreChange) {
        switch change {
        case .setFact(let name, let value):
            committed.facts.removeAll { $0.name == name }
            let place = committed.facts.firstIndex { $0.name > name } ?? committed.facts.endIndex
            committed.facts.insert((name: name, value: value), at: place)
        case .putOwnRecord(let record):
            committed.ownRecords.removeAll { $0.subject == record.subject }
            committed.ownRecords.append(record)
        case .deleteOwnRecord(let subject): committed.ownRecords.removeAll { $0.subject == subject }
        case .putRecord(let record):
            committed.records.removeAll { $0.id == record.id }
            committed.records.append(record)
        case .deleteRecord(let id): committed.records.removeAll { $0.id == id }
        case .putFloor(let floor):
            committed.floors.removeAll { $0.subject == floor.subject }
            committed.floors.append(floor)
        case .deleteFloor(let subject): committed.floors.removeAll { $0.subject == subject }
        case .putPeer(let peer):
            committed.peers.removeAll { $0.peer == peer.peer }
            committed.peers.append(peer)
        case .deletePeer(let peer): committed.peers.removeAll { $0.peer == peer }
        case .putRow(let row): committed.rows.put(row)
        case .deleteRow(let table, let key): committed.rows.remove(key, of: table)
        }
    }
}
