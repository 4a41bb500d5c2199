public import Cryptography
internal import OrderedCollections

/// What a settled lease is known by: the lease and the nonce of the voucher that was settled.
public struct SettlementKey: Hashable, Comparable, Sendable {
    public let lease: LeaseID
    public let nonce: UInt64

    public init(lease: LeaseID, nonce: UInt64) {
        (self.lease, self.nonce) = (lease, nonce)
    }

    public static func < (left: SettlementKey, right: SettlementKey) -> Bool {
        left.lease != right.lease ? left.lease < right.lease : left.nonce < right.nonce
    }
}

/// One booking of mutual credit; positive if the peer owes us.
public struct CreditEntry: Hashable, Sendable {
    public let key: SettlementKey
    public let peer: Ed25519.PublicKey
    public let unit: String
    /// What this booking adds, in micros.
    public let changeMicros: Int64
    /// The voucher's cumulative amount, so that a later voucher of the lease adds the difference.
    public let cumulativeMicros: Int64
    /// Milliseconds since the Unix epoch.
    public let at: Int64
}

/// Bilateral mutual credit: serve to earn credit with peers who know you.
///
/// No coin, no custody; a balance is a memory of two.
///
/// Each (lease, nonce) is booked once, whatever crashes between asking and answering: `book` says what to store, and counts only
/// what `apply` was told is stored.
public struct CreditLedger: Hashable, Sendable {
    public struct Account: Hashable, Sendable {
        public let peer: Ed25519.PublicKey
        public let unit: String
    }

    /// Bookings that are remembered one by one; a lease's oldest nonces go first, since its newest covers them.
    public static let entryCountMax = 1_000_000

    private(set) var balances: OrderedDictionary<Account, Int64> = [:]
    /// The newest booking of each lease: an older nonce or a lower amount is one that was booked.
    private var newest: OrderedDictionary<LeaseID, CreditEntry> = [:]

    public init() {}

    /// Every account with its balance in micros, in the order of their first bookings.
    public var accounts: [(account: Account, balanceMicros: Int64)] {
        balances.elements.map { (account: $0.key, balanceMicros: $0.value) }
    }

    public func balance(with peer: Ed25519.PublicKey, unit: String) -> Int64 {
        balances[Account(peer: peer, unit: unit)] ?? 0
    }

    /// The booking that a voucher asks for; `nil` if it, or a higher one of its lease, is booked already.
    ///
    /// As the lease's provider the voucher is the peer's debt, as its renter ours.
    public func booking(
        of voucher: Voucher,
        for lease: LeaseBody,
        by me: Ed25519.PublicKey,
        at now: Int64
    ) -> CreditEntry? {
        guard voucher.lease == lease.lease, me == lease.provider || me == lease.renter, lease.provider != lease.renter,
            (0...lease.capMicros).contains(voucher.amountMicros)
        else { return nil }
        let known = newest[lease.lease]
        guard known.map({ voucher.nonce > $0.key.nonce && voucher.amountMicros > $0.cumulativeMicros }) ?? true else {
            return nil
        }
        let change = voucher.amountMicros - (known?.cumulativeMicros ?? 0)
        return CreditEntry(
            key: SettlementKey(lease: lease.lease, nonce: voucher.nonce),
            peer: me == lease.provider ? lease.renter : lease.provider,
            unit: lease.price.unit,
            changeMicros: me == lease.provider ? change : -change,
            cumulativeMicros: voucher.amountMicros,
            at: now
        )
    }

    /// Counts a booking that is stored; a second time, or after a newer one, it changes nothing.
    public mutating func apply(_ entry: CreditEntry) {
        if let known = newest[entry.key.lease], entry.key.nonce <= known.key.nonce { return }
        let account = Account(peer: entry.peer, unit: entry.unit)
        let (sum, overflow) = balance(with: entry.peer, unit: entry.unit).addingReportingOverflow(entry.changeMicros)
        balances[account] = overflow ? (entry.changeMicros > 0 ? .max : .min) : sum
        newest[entry.key.lease] = entry
        if newest.count > Self.entryCountMax { newest.removeFirst() }
    }
}
