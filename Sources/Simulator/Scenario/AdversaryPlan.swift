/// So many nodes are not honest.
public struct AdversaryPlan: Hashable, Sendable {
    public var role: AdversaryRole
    public var quota: Quota

    public init(role: AdversaryRole, quota: Quota) {
        self.role = role
        self.quota = quota
    }
}

public enum AdversaryRole: Hashable, Sendable {
    /// Speaks every protocol and forwards nothing.
    case silent
    /// Honest, then silent from an instant after the build-up (covert flash).
    case covert(at: Duration)
    /// Publishes validly signed records far above every rate.
    case spammer(perSecond: Int)
    /// Publishes records whose signature is broken.
    case forger(perSecond: Int)
    /// Signs two bodies for one subject and sequence, and gives each half of its peers another.
    case equivocator
    /// Sends again what it once heard.
    case replayer(perSecond: Int)
    /// Leases one device to two renters at once, and tells each half of its peers of another.
    case doubleBooker
    /// Tells whoever compares books with it of records that do not exist.
    case phantom
    /// Shows whoever searches in a segment that it follows an empty shelf.
    case censor
}
