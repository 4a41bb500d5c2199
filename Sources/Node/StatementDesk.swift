internal import Market
internal import OrderedCollections

/// What the node has signed besides offers and leases, and who waits for it.
struct StatementDesk: Sendable {
    /// What a signature is for.
    enum Purpose: Sendable {
        /// Told to everybody, and nobody waits for it.
        case announcement
        /// The same, and a command waits for it.
        case statement(CommandID)
        /// A request of ours; the command waits for it.
        case request(RequestID, CommandID)
        /// A bid on a request, for its renter alone.
        case privateBid
        /// Our storefront, for the hash table.
        case storefront
    }

    private var purposes: OrderedDictionary<UInt64, Purpose> = [:]
    private var nextNumber: UInt64 = 1

    /// Wishes of operators have the numbers of their commands; those of leases have the highest bit, these the third.
    private static let mark: UInt64 = 1 << 61

    mutating func sign(for purpose: Purpose) -> DeskRequestID {
        defer { nextNumber += 1 }
        purposes[nextNumber] = purpose
        return DeskRequestID(rawValue: Self.mark | nextNumber)
    }

    func isOurs(_ request: DeskRequestID) -> Bool { request.rawValue >> 61 == 1 }

    /// What the desk's answer is for.
    mutating func signed(_ request: DeskRequestID) -> Purpose? {
        purposes.removeValue(forKey: request.rawValue ^ Self.mark)
    }
}
