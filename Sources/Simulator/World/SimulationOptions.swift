public import Primitives

/// How a run is done; none of it changes what happens in it, except where it ends.
public struct SimulationOptions: Sendable {
    /// Whether every signature is computed, instead of once for each record.
    public var computesSignatures = false
    /// Events from here on are kept as lines of text.
    public var transcriptFrom: Instant?
    /// More lines than this are not kept.
    public var transcriptCountMax = 100_000
    /// Whether the result lists every honest publication and every lookup.
    public var collectsPublications = true
    public var stopsAtFirstFailure = false
    /// No run goes on beyond this much virtual time.
    public var virtualLimit: Duration?
    /// After so many events the machine that was fed last checks its invariants, which walk whole tables; 0: never.
    public var invariantStride = 256

    public init() {}
}
