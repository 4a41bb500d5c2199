internal import OrderedCollections

/// One device of a machine, as the counter keeps its books.
public struct SlotKey: Hashable, Comparable, Sendable {
    public let machine: MachineID
    public let slot: Int

    public init(machine: MachineID, slot: Int) {
        (self.machine, self.slot) = (machine, slot)
    }

    public static func < (left: SlotKey, right: SlotKey) -> Bool {
        left.machine != right.machine ? left.machine < right.machine : left.slot < right.slot
    }
}

/// An award that is durable: its devices are held until it lapses, is let go, or becomes a lease.
public struct HeldAward: Hashable, Sendable {
    public let body: LeaseBody
    /// Milliseconds since the Unix epoch.
    public let heldUntil: Int64
    /// As the bidder sealed them: what the lease is to run.
    public let sealedTerms: [UInt8]

    public init(body: LeaseBody, heldUntil: Int64, sealedTerms: [UInt8] = []) {
        self.body = body
        self.heldUntil = heldUntil
        self.sealedTerms = sealedTerms
    }
}

/// One durable step of the counter; the steps of one write happen together or not at all.
public enum CounterChange: Hashable, Sendable {
    case putAward(HeldAward)
    case dropAward(LeaseID)
    /// The award became this lease; it is the newest of its slots.
    case putLease(SignedRecord, sealedTerms: [UInt8])
    /// The lease was closed before its end; the record is the provider's or the renter's lease state.
    case putClose(LeaseID, SignedRecord)
    /// The lease has ended and is no slot's newest.
    case dropLease(LeaseID)
}

/// What the counter must find again after a crash; a pure fold of its changes.
public struct CounterFacts: Hashable, Sendable {
    private(set) var awards: OrderedDictionary<LeaseID, HeldAward> = [:]
    /// An ended lease that is no slot's newest is forgotten; those that are, are bounded by the slots.
    private(set) var leases: OrderedDictionary<LeaseID, SignedRecord> = [:]
    private(set) var closes: OrderedDictionary<LeaseID, SignedRecord> = [:]

    /// Sealed still, so that a hook gets them after a crash too.
    private(set) var terms: OrderedDictionary<LeaseID, [UInt8]> = [:]

    public init() {}

    /// Awards that hold devices, oldest first.
    public var openAwards: [HeldAward] { Array(awards.values) }

    public mutating func apply(_ change: CounterChange) {
        switch change {
        case .putAward(let award): awards[award.body.lease] = award
        case .dropAward(let lease): awards[lease] = nil
        case .putLease(let record, let sealedTerms):
            guard let body = Self.body(of: record) else { return }
            awards[body.lease] = nil
            leases[body.lease] = record
            terms[body.lease] = sealedTerms
        case .putClose(let lease, let record): if leases[lease] != nil { closes[lease] = record }
        case .dropLease(let lease):
            leases[lease] = nil
            closes[lease] = nil
            terms[lease] = nil
        }
    }

    public static func body(of record: SignedRecord) -> LeaseBody? {
        guard case .lease(let lease) = record.record.body else { return nil }
        return lease.body
    }

    /// The newest lease of each slot: the one that no other of the slot's leases follows.
    ///
    /// The chain of `previous` links decides and not the clock, which may have been set back; where a link is missing, since one in
    /// between was forgotten, the later of those that nobody follows.
    func newest() -> OrderedDictionary<SlotKey, LeaseID> {
        var followed: OrderedDictionary<SlotKey, Set<LeaseID>> = [:]
        for record in leases.values {
            guard let body = Self.body(of: record) else { continue }
            for slot in body.slots {
                guard let previous = slot.previous else { continue }
                followed[SlotKey(machine: body.machine, slot: slot.number), default: []].insert(previous)
            }
        }
        var newest: OrderedDictionary<SlotKey, LeaseID> = [:]
        for (lease, record) in leases {
            guard let body = Self.body(of: record) else { continue }
            for slot in body.slots {
                let key = SlotKey(machine: body.machine, slot: slot.number)
                guard followed[key]?.contains(lease) != true else { continue }
                let other = newest[key].flatMap { leases[$0] }
                if other.map({ $0.record.issuedAt <= record.record.issuedAt }) ?? true { newest[key] = lease }
            }
        }
        return newest
    }

    /// The agreed end of a lease that nobody has closed.
    func openEnd(of lease: LeaseID) -> Int64? {
        closes[lease] == nil ? leases[lease].flatMap(Self.body)?.endAt : nil
    }

    /// Whether a lease still has its devices.
    func isRunning(_ lease: LeaseID, at wall: Int64) -> Bool {
        guard let body = leases[lease].flatMap(Self.body), closes[lease] == nil else { return false }
        return wall < body.endAt
    }
}
