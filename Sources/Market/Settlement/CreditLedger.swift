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
    /// What the lease has come to so far, in micros: a later booking of the lease adds the difference.
    public let cumulativeMicros: Int64
    /// Whether we owe it to the peer.
    public let isDebt: Bool
    /// Milliseconds since the Unix epoch.
    public let at: Int64

    /// The nonce of a lease's last booking, that of its receipt: above those of all vouchers.
    public static let lastNonce = UInt64(Int64.max)

    var sumMicros: Int64 { isDebt ? -cumulativeMicros : cumulativeMicros }
}

/// Bilateral mutual credit: serve to earn credit with peers who know you.
///
/// No coin, no custody; a balance is a memory of two.
///
/// Each (lease, nonce) is booked once, whatever crashes between asking and answering: `booking` says what to store, and only what
/// `apply` was told is stored counts.
public struct CreditLedger: Hashable, Sendable {
    public struct Account: Hashable, Sendable {
        public let peer: Ed25519.PublicKey
        public let unit: String
    }

    /// Leases whose newest booking is remembered; of more, that which was booked first goes.
    public static let entryCountMax = 1_000_000

    private(set) var balances: OrderedDictionary<Account, Int64> = [:]
    /// The newest booking of each lease: an older nonce or a lower amount is one that was booked.
    private var newest: OrderedDictionary<LeaseID, CreditEntry> = [:]

    var bookings: OrderedDictionary<LeaseID, CreditEntry> { newest }

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
        return entry(voucher.amountMicros, voucher.nonce, lease, by: me, at: now)
    }

    /// The booking that a receipt asks for under which both have signed: what it says was paid, whatever was promised before.
    ///
    /// It is the last of its lease; `nil` if the books say the same already.
    public func booking(
        of receipt: ReceiptBody,
        for lease: LeaseBody,
        by me: Ed25519.PublicKey,
        at now: Int64
    ) -> CreditEntry? {
        guard receipt.lease == lease.lease, me == lease.provider || me == lease.renter, lease.provider != lease.renter,
            (0...lease.capMicros).contains(receipt.paidMicros),
            newest[lease.lease]?.cumulativeMicros ?? 0 != receipt.paidMicros
        else { return nil }
        return entry(receipt.paidMicros, CreditEntry.lastNonce, lease, by: me, at: now)
    }

    private func entry(
        _ amountMicros: Int64,
        _ nonce: UInt64,
        _ lease: LeaseBody,
        by me: Ed25519.PublicKey,
        at now: Int64
    ) -> CreditEntry {
        CreditEntry(
            key: SettlementKey(lease: lease.lease, nonce: nonce),
            peer: me == lease.provider ? lease.renter : lease.provider,
            unit: lease.price.unit,
            cumulativeMicros: amountMicros,
            isDebt: me == lease.renter,
            at: now
        )
    }

    /// Counts a booking that is stored; a second time, or after a newer one, it changes nothing.
    public mutating func apply(_ entry: CreditEntry) {
        let known = newest[entry.key.lease]
        if let known, entry.key.nonce <= known.key.nonce { return }
        // Against what is booked now: two vouchers may have been on their way to the disk at once.
        let change = entry.sumMicros - (known?.sumMicros ?? 0)
        let account = Account(peer: entry.peer, unit: entry.unit)
        let (sum, overflow) = balance(with: entry.peer, unit: entry.unit).addingReportingOverflow(change)
        balances[account] = overflow ? (change > 0 ? .max : .min) : sum
        newest[entry.key.lease] = entry
        if newest.count > Self.entryCountMax { newest.removeFirst() }
    }

    /// Takes a fold that is stored into the books: no balance changes.
    public mutating func apply(_ fold: CreditFold) {
        let folded = Set(fold.folded)
        newest.removeAll { folded.contains($0.key) }
        for entry in fold.carried { newest[entry.key.lease] = entry }
    }
}
