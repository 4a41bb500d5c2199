internal import Cryptography
internal import Identity
internal import Market
internal import Node
internal import Primitives

/// One node's disk: what survives a crash, and what does not.
///
/// Own state is durable when its ticket returns and not before. The cache is in the system's hands at once, so that the end of the
/// process leaves it whole, but reaches the disk only now and then: a crash that loses unsynced writes takes the newest of it
/// away. Records are kept as the bytes that all nodes share; a node's own part is their places and its own times.
struct VirtualStore: Sendable {
    /// How long a commit with `synchronous=FULL` takes: an ordinary solid-state disk's flush (an admitted guess).
    static let commitTime = Duration.milliseconds(4)
    /// How often the cache reaches the disk: the checkpoints of a write-ahead log (an admitted guess).
    static let syncInterval = Duration.seconds(5)
    /// The shell forgets peers that it has not seen for long; here the oldest go first.
    static let peerCountMax = 256

    private enum CacheWrite: Sendable {
        case put(SharedRecordID, receivedAt: Int64)
        case delete(SharedRecordID)
        case putFloor(SubjectFloor)
        case deleteFloor(SubjectKey)
    }

    /// A commit that is under way.
    private struct Pending: Sendable {
        let ticket: Ticket
        let changes: [StoreChange]
    }

    private var facts: [(name: String, value: [UInt8])] = []
    private var ownRecords: [StoredRecord] = []
    private var rows: [StoredRow] = []
    private var pending: [Pending] = []
    private var records: [SharedRecordID: Int64] = [:]
    private var floors: [SubjectKey: SubjectFloor] = [:]
    private var peers: [StoredPeer] = []
    private var unsynced: [CacheWrite] = []
    private var syncedAt = Instant.zero
    /// Whether every write fails at present.
    var isFull = false

    /// Whether no node of the run ever starts again with this store, so that its cache need not be kept.
    let keepsCache: Bool

    init(keepsCache: Bool) {
        self.keepsCache = keepsCache
    }

    // MARK: Writing

    /// Takes a group of writes; own state becomes durable with `committed`, the cache is taken at once.
    mutating func begin(_ ticket: Ticket, _ changes: [StoreChange], at now: Instant, in library: inout RecordLibrary) {
        if changes.contains(where: \.isOwnState) {
            pending.append(Pending(ticket: ticket, changes: changes.filter(\.isOwnState)))
        }
        guard keepsCache else { return }
        sync(at: now, in: &library)
        for change in changes { note(change, in: &library) }
    }

    mutating func committed(_ ticket: Ticket) {
        guard let index = pending.firstIndex(where: { $0.ticket == ticket }) else { return }
        for change in pending.remove(at: index).changes { applyOwn(change) }
    }

    mutating func failed(_ ticket: Ticket) {
        pending.removeAll { $0.ticket == ticket }
    }

    private mutating func applyOwn(_ change: StoreChange) {
        switch change {
        case .setFact(let name, let value):
            facts.removeAll { $0.name == name }
            facts.insert((name: name, value: value), at: facts.firstIndex { $0.name > name } ?? facts.endIndex)
        case .putOwnRecord(let record):
            ownRecords.removeAll { $0.subject == record.subject }
            ownRecords.append(record)
        case .deleteOwnRecord(let subject): ownRecords.removeAll { $0.subject == subject }
        case .putRow(let row): rows.put(row)
        case .deleteRow(let table, let key): rows.remove(key, of: table)
        case .putRecord, .deleteRecord, .putFloor, .deleteFloor, .putPeer, .deletePeer: break
        }
    }

    private mutating func note(_ change: StoreChange, in library: inout RecordLibrary) {
        switch change {
        case .setFact, .putOwnRecord, .deleteOwnRecord, .putRow, .deleteRow: break
        case .putRecord(let record):
            unsynced.append(.put(library.borrow(record), receivedAt: record.receivedAt))
        case .deleteRecord(let id):
            if let id = library.id(of: id) { unsynced.append(.delete(id)) }
        case .putFloor(let floor): unsynced.append(.putFloor(floor))
        case .deleteFloor(let subject): unsynced.append(.deleteFloor(subject))
        case .putPeer(let peer):
            peers.removeAll { $0.peer == peer.peer }
            if peers.count == Self.peerCountMax { peers.removeFirst() }
            peers.append(peer)
        case .deletePeer(let peer): peers.removeAll { $0.peer == peer }
        }
    }

    private mutating func sync(at now: Instant, in library: inout RecordLibrary) {
        guard syncedAt.advanced(by: Self.syncInterval) <= now else { return }
        syncedAt = now
        applyUnsynced(in: &library)
    }

    private mutating func applyUnsynced(in library: inout RecordLibrary) {
        for write in unsynced {
            switch write {
            case .put(let id, let receivedAt):
                if let known = records.updateValue(receivedAt, forKey: id) {
                    records[id] = min(known, receivedAt)
                    library.giveBack(id)
                }
            case .delete(let id):
                if records.removeValue(forKey: id) != nil { library.giveBack(id) }
            case .putFloor(let floor): floors[floor.subject] = floor
            case .deleteFloor(let subject): floors[subject] = nil
            }
        }
        unsynced.removeAll(keepingCapacity: true)
    }

    // MARK: Crashing

    /// The process ended: what was not committed is gone, and with `losesUnsynced` what had not reached the disk.
    mutating func crash(losesUnsynced: Bool, in library: inout RecordLibrary) {
        pending = []
        if losesUnsynced {
            for case .put(let id, _) in unsynced { library.giveBack(id) }
            unsynced = []
        } else {
            applyUnsynced(in: &library)
        }
        unsynced = []
    }

    /// Everything is gone for good.
    mutating func wipe(in library: inout RecordLibrary) {
        crash(losesUnsynced: true, in: &library)
        for id in records.keys.sorted() { library.giveBack(id) }
        (facts, ownRecords, rows, records, floors, peers) = ([], [], [], [:], [:], [])
    }

    /// Everything that the store holds, in a fixed order, as the shell would read it.
    func restored(from library: RecordLibrary) -> RestoredState {
        RestoredState(
            facts: facts,
            ownRecords: ownRecords,
            records: records.map { library.record($0.key, receivedAt: $0.value) }.sorted { $0.id < $1.id },
            floors: floors.values.sorted { $0.subject < $1.subject },
            peers: peers,
            rows: rows
        )
    }
}

/// Names a record that several stores share.
struct SharedRecordID: Hashable, Comparable, Sendable {
    let place: UInt32

    static func < (left: SharedRecordID, right: SharedRecordID) -> Bool { left.place < right.place }
}

/// The records of all stores, each kept once.
struct RecordLibrary: Sendable {
    private struct Book: Sendable {
        var record: StoredRecord?
        var borrowers = 0
    }

    private var books: [Book] = []
    private var places: [RecordID: UInt32] = [:]
    private var free: [UInt32] = []

    /// How many records some store holds.
    var count: Int { places.count }

    /// One store more holds this record.
    mutating func borrow(_ record: StoredRecord) -> SharedRecordID {
        if let place = places[record.id] {
            books[Int(place)].borrowers += 1
            return SharedRecordID(place: place)
        }
        let place = free.popLast() ?? UInt32(books.count)
        if Int(place) == books.count { books.append(Book()) }
        books[Int(place)] = Book(record: record, borrowers: 1)
        places[record.id] = place
        return SharedRecordID(place: place)
    }

    mutating func giveBack(_ id: SharedRecordID) {
        books[Int(id.place)].borrowers -= 1
        guard books[Int(id.place)].borrowers == 0, let record = books[Int(id.place)].record else { return }
        places[record.id] = nil
        books[Int(id.place)] = Book()
        free.append(id.place)
    }

    func id(of record: RecordID) -> SharedRecordID? { places[record].map(SharedRecordID.init) }

    func record(_ id: SharedRecordID, receivedAt: Int64) -> StoredRecord {
        guard let record = books[Int(id.place)].record else {
            preconditionFailure("a store holds a record that is gone")
        }
        return StoredRecord(
            id: record.id,
            subject: record.subject,
            sequence: record.sequence,
            expiresAt: record.expiresAt,
            receivedAt: receivedAt,
            envelope: record.envelope
        )
    }
}
