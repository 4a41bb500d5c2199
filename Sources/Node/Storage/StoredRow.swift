/// The tables of what this node agreed with others: own state, of which a crash may lose nothing.
///
/// A row is a key and the bytes of one value (`stored` of the market's types): the store need not understand it.
public enum OwnTable: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    /// Awards of ours that hold devices, and bids of ours that may come back as leases; by lease.
    case awards = 1
    /// Both signatures on it; by lease.
    case leases = 2
    /// Ready, closed by the provider, closed by the renter, the operator's notice; by lease and ``LeaseWord``.
    case leaseStates = 3
    /// How much was used, and the best voucher for it; by lease.
    case vouchers = 4
    /// What a lease left behind; by lease.
    case receipts = 5
    /// The newest booking of each lease.
    case credit = 6
    /// What a program is to settle, or has settled; by lease.
    case settlements = 7

    public static func < (left: OwnTable, right: OwnTable) -> Bool { left.rawValue < right.rawValue }
}

/// One row of an own table.
public struct StoredRow: Hashable, Sendable {
    /// A lease's id, and a byte that tells what is said of it.
    public static let keyByteCountMax = 17
    /// An award of 32 slots with sealed terms, or a receipt inside its countersignature, and room.
    public static let valueByteCountMax = 64 << 10

    public let table: OwnTable
    public let key: [UInt8]
    public let value: [UInt8]

    public init(_ table: OwnTable, key: [UInt8], value: [UInt8]) {
        (self.table, self.key, self.value) = (table, key, value)
    }
}

/// A store in memory: rows in the order in which the real one reads them.
extension [StoredRow] {
    private func place(of key: [UInt8], in table: OwnTable) -> (index: Int, isThere: Bool) {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            let row = self[middle]
            let precedes = row.table != table ? row.table < table : row.key.lexicographicallyPrecedes(key)
            if precedes { low = middle + 1 } else { high = middle }
        }
        return (low, low < count && self[low].table == table && self[low].key == key)
    }

    public mutating func put(_ row: StoredRow) {
        let (index, isThere) = place(of: row.key, in: row.table)
        if isThere { self[index] = row } else { insert(row, at: index) }
    }

    public mutating func remove(_ key: [UInt8], of table: OwnTable) {
        let (index, isThere) = place(of: key, in: table)
        if isThere { remove(at: index) }
    }
}
