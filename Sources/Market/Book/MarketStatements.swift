public import Cryptography

/// What the market has said beside its rows: who paid whom, what others attest, what was leased, what is asked and bid.
///
/// Arrays in no particular order; copying them is a reference, so that another thread may read them while the book moves on.
public struct MarketStatements: Sendable {
    /// Countersigned receipts.
    public var receipts: [TrustEvidence] = []
    public var attestations: [HeldAttestation] = []
    public var leases: [LeasedSlots] = []
    /// Requests of renters.
    public var requests: [SignedRecord] = []
    /// Public bids, on offers and on requests.
    public var bids: [SignedRecord] = []
    /// Whom a proof says to have leased a device twice.
    public var culprits: Set<Ed25519.PublicKey> = []
    /// Rises whenever receipts, attestations or culprits change.
    public var trustVersion: UInt64 = 0

    public init() {}
}

/// An attestation, and whose word it is.
public struct HeldAttestation: Hashable, Sendable {
    public let attester: Ed25519.PublicKey
    public let body: AttestationBody
    /// Milliseconds since the Unix epoch.
    public let issuedAt: Int64

    public init(attester: Ed25519.PublicKey, body: AttestationBody, issuedAt: Int64) {
        (self.attester, self.body, self.issuedAt) = (attester, body, issuedAt)
    }

    /// Reads an attestation whose signature holds; `nil` for every other record, and for praise of oneself.
    public init?(_ record: SignedRecord) {
        guard case .attestation(let body) = record.record.body, body.provider != record.author else { return nil }
        self.init(attester: record.author, body: body, issuedAt: record.record.issuedAt)
    }
}

/// What a lease says about prices: which devices, for how much, since when.
public struct LeasedSlots: Hashable, Sendable {
    public let lease: LeaseID
    public let provider: Ed25519.PublicKey
    public let renter: Ed25519.PublicKey
    public let machine: MachineID
    public let marketClass: MarketClass
    /// Ascending.
    public let slots: [Int]
    public let unit: String
    /// For one GPU and one hour.
    public let gpuHourMicros: Int64
    /// `[start, end)` as agreed, in milliseconds since the Unix epoch.
    public let startAt: Int64
    public let endAt: Int64

    /// Reads a lease; `nil` for every other record, and where somebody rents from itself.
    public init?(_ record: SignedRecord) {
        guard case .lease(let lease) = record.record.body, lease.body.renter != lease.body.provider else { return nil }
        let body = lease.body
        (self.lease, provider, renter) = (body.lease, body.provider, body.renter)
        (machine, marketClass, slots) = (body.machine, body.marketClass, body.slots.map(\.number))
        (unit, gpuHourMicros) = (body.price.unit, body.price.gpuHourMicros)
        (startAt, endAt) = (body.startAt, body.endAt)
    }
}

/// Values by subject, laid out as an array that others may share.
struct SubjectList<Value: Sendable>: Sendable {
    private(set) var values: [Value] = []
    private var subjects: [SubjectKey] = []
    private var places: [SubjectKey: Int] = [:]

    /// Puts a value in the place of the subject's last one, or takes it away; returns whether there is or was one.
    @discardableResult
    mutating func set(_ value: Value?, of subject: SubjectKey) -> Bool {
        switch (value, places[subject]) {
        case (nil, nil): return false
        case (let value?, let place?): values[place] = value
        case (let value?, nil):
            places[subject] = values.count
            values.append(value)
            subjects.append(subject)
        case (nil, let place?):
            places[subject] = nil
            let (last, lastSubject) = (values.removeLast(), subjects.removeLast())
            guard place < values.count else { break }
            (values[place], subjects[place]) = (last, lastSubject)
            places[lastSubject] = place
        }
        return true
    }

    /// Checks that every index says the same; for tests and the simulator.
    func checkInvariants() {
        assert(values.count == subjects.count && places.count == subjects.count)
        assert(subjects.enumerated().allSatisfy { places[$0.element] == $0.offset })
    }
}
