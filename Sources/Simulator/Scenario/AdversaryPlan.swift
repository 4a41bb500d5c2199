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
    /// Knows only its own kind: whatever is looked up in the hash table, it names others of them, as nearest and as providers, and
    /// gives values that nobody signed. It passes nothing on.
    case poisoner
    /// Its peer id is ground to lie nearer to one key than any honest node's, and whoever asks it there learns of its own kind alone.
    case hider(HiddenThing)
    /// Its peer id is ground so that it has custody of the market's first segment, in which it shows an empty shelf.
    case squatter
    /// Advertises itself under every key by which nodes find each other, and passes nothing on.
    case flooder
    /// Names two victims' doors, that of the first node and that of nobody, as the addresses of ever new peers: in the answers of the
    /// hash table, and as its own in advertisements, in identify and in the record of its addresses that it signs.
    case reflector
    /// A poisoner that dials every honest node besides, for ever and again whenever it is let go, so that their connections are full of
    /// its kind.
    case crowder
}

/// Around what peer ids are ground.
public enum HiddenThing: String, Hashable, Sendable, CaseIterable {
    /// The first of the keys of the first provider's storefront.
    case storefront
    /// The first of the keys by which nodes find the market's first segment.
    case segment
}
