internal import Cryptography
internal import OrderedCollections

/// Old bookings of one account, gathered in one: what a table of bookings needs so that it does not grow for ever.
///
/// It is written first, and then applied: balances are the same before, between and after.
public struct CreditFold: Hashable, Sendable {
    /// For each account the booking that stands for its past.
    public internal(set) var carried: [CreditEntry] = []
    /// The leases whose bookings it holds.
    public internal(set) var folded: [LeaseID] = []

    public init() {}
}

extension CreditLedger {
    /// How long a lease's booking is kept by itself, in milliseconds: the longest lease, ninety days, and the time in which its receipt is
    /// waited for.
    public static let foldMilliseconds: Int64 = 100 * 86_400_000
    /// Bookings that are gathered at once.
    public static let foldCountMax = 4_096

    /// Bookings to gather that nothing can follow any more; `nil` if there are none.
    ///
    /// O(bookings), once in an hour.
    public func fold(at now: Int64, unless isHeld: (LeaseID) -> Bool) -> CreditFold? {
        var (fold, sums): (CreditFold, OrderedDictionary<Account, Int64>) = (CreditFold(), [:])
        for (lease, entry) in bookings where entry.at + Self.foldMilliseconds <= now && !isHeld(lease) {
            guard fold.folded.count < Self.foldCountMax else { break }
            let account = Account(peer: entry.peer, unit: entry.unit)
            let past = Self.past(of: account)
            guard lease != past else { continue }
            let (sum, overflow) = (sums[account] ?? bookings[past]?.sumMicros ?? 0)
                .addingReportingOverflow(entry.sumMicros)
            // More than a record may name stays as it is.
            guard !overflow, abs(sum) <= RecordAmount.microsMax else { continue }
            sums[account] = sum
            fold.folded.append(lease)
        }
        guard !fold.folded.isEmpty else { return nil }
        fold.carried = sums.map { account, sum in
            let past = Self.past(of: account)
            return CreditEntry(
                key: SettlementKey(lease: past, nonce: (bookings[past]?.key.nonce ?? 0) + 1),
                peer: account.peer,
                unit: account.unit,
                cumulativeMicros: abs(sum),
                isDebt: sum < 0,
                at: now
            )
        }
        return fold
    }

    /// What stands for the past of an account in place of a lease, whose id is a hash too, of something else.
    private static func past(of account: Account) -> LeaseID {
        let digest = SHA256.hash(Array("rialto credit past".utf8) + account.peer.bytes + Array(account.unit.utf8))
        guard let value = Bytes16(digest.prefix(Bytes16.byteCount)) else {
            preconditionFailure("SHA-256 has 32 bytes")
        }
        return LeaseID(value)
    }
}
