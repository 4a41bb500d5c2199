public import Identity
public import Market

/// One record as it is kept: what finds it, what ages it, and the bytes that prove it.
public struct StoredRecord: Hashable, Sendable {
    public let id: RecordID
    public let subject: SubjectKey
    public let sequence: UInt64
    /// Unix time in milliseconds.
    public let expiresAt: Int64
    /// Unix time in milliseconds at which this node first accepted it.
    public let receivedAt: Int64
    /// The signed envelope as it travels.
    public let envelope: [UInt8]

    public init(
        id: RecordID,
        subject: SubjectKey,
        sequence: UInt64,
        expiresAt: Int64,
        receivedAt: Int64,
        envelope: [UInt8]
    ) {
        self.id = id
        self.subject = subject
        self.sequence = sequence
        self.expiresAt = expiresAt
        self.receivedAt = receivedAt
        self.envelope = envelope
    }
}

/// A peer that was reached once, to be tried again after a restart.
public struct StoredPeer: Hashable, Sendable {
    public let peer: PeerID
    public let addresses: [Multiaddr]
    /// Unix time in milliseconds.
    public let lastSeen: Int64

    public init(peer: PeerID, addresses: [Multiaddr], lastSeen: Int64) {
        self.peer = peer
        self.addresses = addresses
        self.lastSeen = lastSeen
    }
}

/// One write that the node asks for.
///
/// Facts, own records, rows of own tables and their deletion are *own state*: they are durable before the ticket returns (`synchronous=FULL`). Everything
/// else is *cache*: what the network said, disposable.
public enum StoreChange: Hashable, Sendable {
    case setFact(name: String, value: [UInt8])
    case putOwnRecord(StoredRecord)
    case deleteOwnRecord(SubjectKey)
    case putRecord(StoredRecord)
    case deleteRecord(RecordID)
    case putFloor(SubjectFloor)
    case deleteFloor(SubjectKey)
    case putPeer(StoredPeer)
    case deletePeer(PeerID)
    case putRow(StoredRow)
    case deleteRow(OwnTable, key: [UInt8])

    /// Whether losing this write could make the node contradict itself.
    public var isOwnState: Bool {
        switch self {
        case .setFact, .putOwnRecord, .deleteOwnRecord, .putRow, .deleteRow: true
        case .putRecord, .deleteRecord, .putFloor, .deleteFloor, .putPeer, .deletePeer: false
        }
    }
}

/// Everything that a store held when it was opened, in a fixed order.
public struct RestoredState: Sendable {
    /// Own facts by name, ascending.
    public var facts: [(name: String, value: [UInt8])]
    public var ownRecords: [StoredRecord]
    public var records: [StoredRecord]
    public var floors: [SubjectFloor]
    public var peers: [StoredPeer]
    /// By table, then key, ascending.
    public var rows: [StoredRow]

    /// What a home directory that was made just now holds.
    public static let empty = RestoredState(facts: [], ownRecords: [], records: [], floors: [], peers: [])

    func fact(_ name: String) -> [UInt8]? { facts.first { $0.name == name }?.value }

    public init(
        facts: [(name: String, value: [UInt8])],
        ownRecords: [StoredRecord],
        records: [StoredRecord],
        floors: [SubjectFloor],
        peers: [StoredPeer],
        rows: [StoredRow] = []
    ) {
        self.facts = facts
        self.ownRecords = ownRecords
        self.records = records
        self.floors = floors
        self.peers = peers
        self.rows = rows
    }
}

/// Why a write did not become durable.
public enum StoreFailure: Error, Hashable, Sendable {
    case diskFull
    case inputOutput(String)
    case corrupt(String)
    /// The file was written by a newer version of the program, whose schema has this number.
    case newerVersion(Int)
    /// Another process holds the home directory.
    case locked
    case readOnly
}
