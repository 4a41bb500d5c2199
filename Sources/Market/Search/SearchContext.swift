public import Cryptography

/// What a search knows beside the records: the time, and what this node measured or believes about providers.
public struct SearchContext: Sendable {
    /// Milliseconds since the Unix epoch.
    public var now: Int64
    /// Round trips to providers that this node is or was connected to.
    public var roundTrips: [Ed25519.PublicKey: Duration]
    /// Trust in providers, 0 … 1; a provider that is missing here has unknown trust.
    public var trust: [Ed25519.PublicKey: Thousandths]

    public init(
        now: Int64,
        roundTrips: [Ed25519.PublicKey: Duration] = [:],
        trust: [Ed25519.PublicKey: Thousandths] = [:]
    ) {
        self.now = now
        self.roundTrips = roundTrips
        self.trust = trust
    }
}
