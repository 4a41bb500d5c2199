public import Cryptography
public import Market

/// One lease of this node, as its owner looks at it; amounts in micros, times in milliseconds since the Unix epoch.
public struct LeaseSummary: Hashable, Sendable {
    /// The lease as both signed it.
    public let record: SignedRecord
    public let body: LeaseBody
    /// Whether this node provides the GPUs; else it rents them.
    public let isProvider: Bool
    public let standing: LeaseStanding
    /// Why each party closed it, if it did; an open lease has neither.
    public let providerCode: CloseCode?
    public let renterCode: CloseCode?
    /// Since when use is counted: when the renter heard that the GPUs can be used, as this party knows it.
    public let readyAt: Int64?
    public let closedAt: Int64?
    /// When an interruptible lease is to yield to a better bid; `nil` if none is known.
    public let reclaimAt: Int64?
    /// As this party knows it: the provider's meter, the renter's promises.
    public let owedMicros: Int64
    public let paidMicros: Int64
    /// What is run, opened; `nil` if the box cannot be opened.
    public let terms: LeaseTerms?
    /// Whether it was squared up, and under what name; `nil` before it is due, and on credit.
    public let settlement: Settlement?
    public let receipt: SignedRecord?
    public let countersignature: SignedRecord?

    public var lease: LeaseID { body.lease }
    public var counterparty: Ed25519.PublicKey { isProvider ? body.renter : body.provider }
    /// The effective close code: the provider's, if both have said one.
    public var code: CloseCode? { providerCode ?? renterCode }
}

/// What a peer owes us, or we owe it, in one unit.
public struct CreditBalance: Hashable, Sendable {
    public let peer: Ed25519.PublicKey
    public let unit: String
    /// Positive if the peer owes us.
    public let micros: Int64
}

/// What this node will and will not do as a provider, and when its leases count as ready.
public struct LeasePolicy: Hashable, Sendable {
    public var counter = CounterPolicy()
    /// Whether a lease is ready only when the operator says so (`readyLease`); else as soon as it is made.
    public var awaitsReady = false
    /// Whether requests of renters are answered with bids.
    public var bidsOnRequests = true

    public init() {}
}
