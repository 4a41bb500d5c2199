/// What an operator should know, although the store works.
public enum StoreWarning: Hashable, Sendable, CustomStringConvertible {
    /// The cache was damaged; what it held comes back from the network.
    case cacheSetAside(path: String, reason: String)
    /// Rows that no version of the program writes, or more than there may be, were left out.
    case rowsLeftOut(table: String, count: Int)

    public var description: String {
        switch self {
        case .cacheSetAside(let path, let reason):
            "the cache was damaged (\(reason)); it is now \(path) and a new one fills itself from the network"
        case .rowsLeftOut(let table, let count):
            "\(count) rows of \(table) were left out, because they are not what this program writes"
        }
    }
}
