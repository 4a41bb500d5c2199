public import Cryptography
public import Market
public import Node
public import Primitives

/// What surrounds a node and the API serves: numbers, backups, settings, the end.
///
/// The program brings the real one; tests bring what they test.
public struct NodeShell: Sendable {
    public var facts: @Sendable () -> ShellFacts = { ShellFacts() }
    public var book: @Sendable () -> MetricsBook = { MetricsBook() }
    public var now: @Sendable () -> Instant = { .zero }
    /// Copies own state to a file that must not exist yet; may block.
    public var backup: @Sendable (String) throws(StoreFailure) -> Void = { _ throws(StoreFailure) in
        throw .inputOutput("this node cannot be backed up")
    }
    /// Reads the settings anew; throws `APIError` if they make no sense.
    public var reload: @Sendable () async throws -> ReloadView = { ReloadView(changed: [], needsRestart: []) }
    /// Somebody asked the node to stop; called after the answer is known.
    public var shutdown: @Sendable () -> Void = {}
    /// Below so many outbound peers a node is not ready: whoever came by itself may be one and the same.
    public var outboundPeerCountMin: @Sendable () -> Int = { 4 }

    /// Whose attestations this node weighs.
    public var auditors: @Sendable () -> Set<Ed25519.PublicKey> = { [] }

    /// What a provider's policy adds to an offer whose terms do not say it.
    public var offerDefaults: @Sendable () -> OfferDefaults = { OfferDefaults() }

    public init() {}
}

/// What an offer says unless its owner says otherwise.
public struct OfferDefaults: Hashable, Sendable {
    /// How long bids are compared, in seconds; 0 for first come, first served.
    public var awardWindowSeconds = 0
    public var runtimes: [String] = []
    public var settlement = SettlementRail.credit
    /// Whether a program is named that settles.
    public var settlesByProgram = false
    /// Bids below it are refused: millionths of each unit, for one GPU and one hour.
    public var floorMicros: [String: Int64] = [:]

    public init() {}
}
