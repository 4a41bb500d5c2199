public import Market

/// A lease that this party's program is to settle: answered with the command `settleLease`, however often it comes.
public struct SettlementOrder: Hashable, Sendable {
    public let lease: LeaseSummary
    /// With the key under which the rail takes it once.
    public let settlement: Settlement
    /// The renter's promise of the whole amount.
    public let voucher: SignedVoucher
    /// Whether the program may have been called with this key before.
    public let isRepeated: Bool
}
