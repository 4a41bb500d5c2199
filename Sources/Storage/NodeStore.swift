public import Node
internal import GRDB
internal import Synchronization

/// What a node keeps across restarts: its own state in one file, the network's in another.
///
/// May be used from any thread; commits exclude each other.
public final class NodeStore: Sendable {
    private struct Cache: Sendable {
        var database: CacheDatabase
        var warnings: [StoreWarning] = []
    }

    private let own: OwnDatabase
    private let cache: Mutex<Cache>
    private let lock: HomeLock

    private init(own: OwnDatabase, cache: CacheDatabase, lock: HomeLock) {
        (self.own, self.lock) = (own, lock)
        self.cache = Mutex(Cache(database: cache))
    }

    /// Opens the store in a home directory, which it locks until the last reference is dropped, and reads everything back.
    public static func open(
        directory: String
    ) throws(StoreFailure) -> (NodeStore, RestoredState, [StoreWarning]) {
        try open(directory: directory, limits: StoreLimits())
    }

    package static func open(
        directory: String,
        limits: StoreLimits
    ) throws(StoreFailure) -> (NodeStore, RestoredState, [StoreWarning]) {
        let lock = try lock(directory)
        var warnings: [StoreWarning] = []
        let own = try OwnDatabase(directory: directory)
        try own.file.setPageCountMax(limits.pageCountMax)
        var state = RestoredState.empty
        try own.file.read { database in
            let facts = try FactTable.load(database, countMax: limits.factCountMax)
            let records = try OwnRecordTable.load(database, countMax: limits.ownRecordCountMax)
            state.facts = warnings.noting(FactTable.name, facts)
            state.ownRecords = warnings.noting(OwnRecordTable.name, records)
            for table in RowTable.all {
                let rows = try table.load(database, countMax: limits.rowCountMax)
                state.rows += warnings.noting(table.name, rows)
            }
        }
        var cache = CacheDatabase(directory: directory, limits: limits)
        let file = try cache.opened(warnings: &warnings)
        do throws(StoreFailure) {
            try restore(file, limits, into: &state, &warnings)
        } catch .corrupt(let reason) {
            try cache.discard(reason: reason, warnings: &warnings)
            _ = try cache.opened(warnings: &warnings)
            (state.records, state.floors, state.peers) = ([], [], [])
        }
        return (NodeStore(own: own, cache: cache, lock: lock), state, warnings)
    }

    private static func lock(_ directory: String) throws(StoreFailure) -> HomeLock {
        let lock: HomeLock?
        do throws(HomeError) {
            try HomeDirectory.prepare(directory)
            lock = try HomeLock.acquire(in: directory)
        } catch {
            throw .inputOutput(error.description)
        }
        guard let lock else { throw .locked }
        return lock
    }

    private static func restore(
        _ file: DatabaseFile,
        _ limits: StoreLimits,
        into state: inout RestoredState,
        _ warnings: inout [StoreWarning]
    ) throws(StoreFailure) {
        try file.read { database in
            let records = try RecordTable.load(database, countMax: limits.recordCountMax)
            let floors = try FloorTable.load(database, countMax: limits.floorCountMax)
            let peers = try PeerTable.load(database, countMax: limits.peerCountMax)
            state.records = warnings.noting(RecordTable.name, records)
            state.floors = warnings.noting(FloorTable.name, floors)
            state.peers = warnings.noting(PeerTable.name, peers)
        }
    }

    /// Makes the changes durable, in their order: own state first and by itself, then the cache.
    ///
    /// One transaction for each file, so all changes of a file come or none. After a failure the whole list may be committed again.
    public func commit(_ changes: [StoreChange]) -> Result<Void, StoreFailure> {
        let ownChanges = changes.filter(\.isOwnState)
        let cacheChanges = changes.filter { !$0.isOwnState }
        return cache.withLock { cache in
            Result { () throws(StoreFailure) in
                if !ownChanges.isEmpty { try own.file.transaction { try Self.apply(ownChanges, $0) } }
                if !cacheChanges.isEmpty { try Self.commit(cacheChanges, to: &cache) }
            }
        }
    }

    private static func commit(_ changes: [StoreChange], to cache: inout Cache) throws(StoreFailure) {
        do throws(StoreFailure) {
            try write(changes, to: &cache)
        } catch .corrupt(let reason) {
            try cache.database.discard(reason: reason, warnings: &cache.warnings)
            try write(changes, to: &cache)
        }
    }

    private static func write(_ changes: [StoreChange], to cache: inout Cache) throws(StoreFailure) {
        let countMax = cache.database.limits.peerCountMax
        let file = try cache.database.opened(warnings: &cache.warnings)
        try file.transaction { database in
            try apply(changes, database)
            let hasPeers = changes.contains { if case .putPeer = $0 { true } else { false } }
            if hasPeers { try PeerTable.trim(database, countMax: countMax) }
        }
    }

    private static func apply(_ changes: [StoreChange], _ database: Database) throws {
        for change in changes {
            switch change {
            case .setFact(let name, let value): try FactTable.put(database, name: name, value: value)
            case .putOwnRecord(let record): try OwnRecordTable.put(database, record)
            case .deleteOwnRecord(let subject): try OwnRecordTable.delete(database, subject)
            case .putRecord(let record): try RecordTable.put(database, record)
            case .deleteRecord(let id): try RecordTable.delete(database, id)
            case .putFloor(let floor): try FloorTable.put(database, floor)
            case .deleteFloor(let subject): try FloorTable.delete(database, subject)
            case .putPeer(let peer): try PeerTable.put(database, peer)
            case .deletePeer(let peer): try PeerTable.delete(database, peer)
            case .putRow(let row): try RowTable(row.table).put(database, key: row.key, value: row.value)
            case .deleteRow(let table, let key): try RowTable(table).delete(database, key: key)
            }
        }
    }

    /// What happened since the last call that an operator should know.
    public func takeWarnings() -> [StoreWarning] {
        cache.withLock { cache in
            defer { cache.warnings = [] }
            return cache.warnings
        }
    }

    /// Copies own state to a new file while the node runs.
    ///
    /// The key is a file of its own, to be copied with it.
    public func backup(to path: String) throws(StoreFailure) {
        try own.backUp(to: path)
    }

    /// For tests: SQLite's numbers for how durable the own file and the cache are.
    package func durability() throws(StoreFailure) -> [Int] {
        let file = try openedCache()
        return [try own.file.synchronousLevel(), try file.synchronousLevel()]
    }

    /// For tests: how many pages each file may have from now on.
    package func setPageCountMax(own ownCount: Int, cache cacheCount: Int) throws(StoreFailure) {
        try own.file.setPageCountMax(ownCount)
        let file = try openedCache()
        try file.setPageCountMax(cacheCount)
    }

    private func openedCache() throws(StoreFailure) -> DatabaseFile {
        let opened = cache.withLock { cache in
            Result { () throws(StoreFailure) in try cache.database.opened(warnings: &cache.warnings) }
        }
        return try opened.get()
    }
}

extension [StoreWarning] {
    /// The rows, after a note of those that were left out.
    fileprivate mutating func noting<Row>(
        _ table: String,
        _ loaded: (elements: [Row], leftOutCount: Int)
    ) -> [Row] {
        if loaded.leftOutCount > 0 { append(.rowsLeftOut(table: table, count: loaded.leftOutCount)) }
        return loaded.elements
    }
}
