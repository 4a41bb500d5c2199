internal import Primitives

/// Whether the node's own clock may be trusted after it was set by a lot.
///
/// Whoever sets a node's clock could make it sign what is long over, or valid far too long. So after a large step nothing is signed until
/// the clocks of peers that we chose ourselves agree with the new time, or the operator does. Peers never move the clock.
struct ClockDoubt: Sendable {
    /// Smaller steps are a time service at work.
    static let stepMillisecondsMax: Int64 = 5 * 60_000
    /// What records may be ahead of their reader.
    static let differenceMillisecondsMax: Int64 = 120_000
    /// The median of fewer is one peer's word.
    static let witnessCountMin = 3

    private(set) var isRaised = false

    /// Whether the doubt has begun or ended, now that the clock was set.
    ///
    /// `offset` is the median of the peers' clocks against the new time.
    mutating func stepped(by milliseconds: Int64, offset: (milliseconds: Int64, count: Int)?) -> Bool {
        let wasRaised = isRaised
        if milliseconds.magnitude > UInt64(Self.stepMillisecondsMax) { isRaised = true }
        if Self.agrees(offset) { isRaised = false }
        return isRaised != wasRaised
    }

    /// The operator vouches for the clock.
    mutating func settle() { isRaised = false }

    private static func agrees(_ offset: (milliseconds: Int64, count: Int)?) -> Bool {
        guard let offset, offset.count >= witnessCountMin else { return false }
        return offset.milliseconds.magnitude < UInt64(differenceMillisecondsMax)
    }
}
