internal import Cryptography
internal import Market
internal import OrderedCollections

/// What the rows of the own tables say, put together; rows that cannot be read are counted, not guessed.
struct RestoredLeases {
    struct Lease {
        var stored: StoredLease
        var body: LeaseBody
        var words: [LeaseWord: SignedRecord] = [:]
        var meter: [UInt8]?
        var receipt: StoredReceipt?
        var settlement: Settlement?
        /// When the operator takes the GPUs back, in milliseconds since the Unix epoch.
        var reclaimAt: Int64?
    }

    /// In the order in which they were signed.
    private(set) var leases: OrderedDictionary<LeaseID, Lease> = [:]
    private(set) var bids: [StoredBid] = []
    private(set) var credit: [CreditEntry] = []
    private(set) var facts = CounterFacts()
    /// Keys of rows that are neither an award nor a bid: such a row holds nothing, for an award that counts has become a lease.
    private(set) var unreadableAwards: [[UInt8]] = []
    /// Of the tables without which a slot might be leased twice.
    private(set) var unreadableCount = 0
    /// Of the others: what they said is gone.
    private(set) var damagedCount = 0

    init(_ rows: [StoredRow], own: Ed25519.PublicKey) {
        for row in rows where row.table == .leases { read(lease: row.value) }
        leases.sort { left, right in
            let (one, other) = (left.value.stored.record.record, right.value.stored.record.record)
            return one.issuedAt != other.issuedAt ? one.issuedAt < other.issuedAt : left.key < right.key
        }
        var awards: [HeldAward] = []
        for row in rows {
            switch row.table {
            case .leases: break
            case .awards:
                if let award = try? HeldAward(stored: row.value), award.body.provider == own {
                    awards.append(award)
                } else if let bid = try? StoredBid(stored: row.value), bid.record.author == own {
                    bids.append(bid)
                } else {
                    unreadableAwards.append(row.key)
                }
            case .leaseStates: read(word: row)
            case .vouchers: if let id = LeaseID(row.key) { leases[id]?.meter = row.value }
            case .receipts, .settlements, .credit:
                do throws(RecordError) {
                    try read(money: row)
                } catch {
                    damagedCount += 1
                }
            }
        }
        for (id, lease) in leases where lease.body.provider == own {
            facts.apply(.putLease(lease.stored.record, sealedTerms: lease.stored.sealedTerms))
            if let close = lease.words[.providerClose] ?? lease.words[.renterClose] {
                facts.apply(.putClose(id, close))
            }
        }
        // A lease takes its award off the table; who was cut between the two is mended here.
        for award in awards where leases[award.body.lease] == nil { facts.apply(.putAward(award)) }
    }

    private mutating func read(lease bytes: [UInt8]) {
        guard let stored = try? StoredLease(stored: bytes), let body = CounterFacts.body(of: stored.record) else {
            unreadableCount += 1
            return
        }
        leases[body.lease] = Lease(stored: stored, body: body)
    }

    private mutating func read(money row: StoredRow) throws(RecordError) {
        guard let id = LeaseID(row.key) else { throw .missing("lease_id") }
        switch row.table {
        case .receipts: leases[id]?.receipt = try StoredReceipt(stored: row.value)
        case .settlements: leases[id]?.settlement = try Settlement(stored: row.value)
        default: credit.append(try CreditEntry(stored: row.value))
        }
    }

    private mutating func read(word row: StoredRow) {
        if let id = LeaseID(row.key.prefix(16)), row.key.last == LeaseWord.notice.rawValue, row.value.count == 8 {
            leases[id]?.reclaimAt = Int64(clamping: row.value.reduce(UInt64(0)) { $0 << 8 | UInt64($1) })
            return
        }
        guard let id = LeaseID(row.key.prefix(16)), let word = row.key.last.flatMap(LeaseWord.init),
            let record = try? SignedRecord(envelope: row.value), record.kind == .leaseState
        else {
            unreadableCount += 1
            return
        }
        leases[id]?.words[word] = record
    }
}

/// What may be said of a lease besides its receipt; the last byte of a row's key.
enum LeaseWord: UInt8, Hashable, Sendable, CaseIterable {
    case active = 0
    case providerClose = 1
    case renterClose = 2
    /// The operator's notice: when, in eight bytes, the most significant first.
    case notice = 3
}

extension StoredRow {
    /// A lease state as it is kept.
    init(saying record: SignedRecord, of lease: LeaseID) {
        var word = LeaseWord.active
        if case .leaseState(let state) = record.record.body, state.standing == .closed {
            word = record.author == state.provider ? .providerClose : .renterClose
        }
        self.init(.leaseStates, key: lease.bytes + [word.rawValue], value: record.envelope)
    }

    /// The operator's notice as it is kept; `at` in milliseconds since the Unix epoch.
    init(noticeOf lease: LeaseID, at: Int64) {
        let value = (0..<8).map { UInt8(truncatingIfNeeded: at >> (56 - 8 * $0)) }
        self.init(.leaseStates, key: lease.bytes + [LeaseWord.notice.rawValue], value: value)
    }
}
