internal import Cryptography
internal import Market
internal import Node
internal import Synchronization

/// The walks of this node over the market's receipts, kept while they are good enough.
///
/// Making them costs a tenth of a second over a hundred thousand receipts, and in a busy market receipts come all the time. So walks
/// that the market has outrun serve on until twenty times as long has passed as they took: trust then costs at most a twentieth of
/// one core, and a small market is always seen as it is.
final class TrustCache: Sendable {
    private static let restFactor = 20

    private struct Made {
        let viewer: Ed25519.PublicKey
        let version: UInt64
        let auditors: Set<Ed25519.PublicKey>
        let walks: TrustWalks
        let restsUntil: ContinuousClock.Instant
    }

    private let made = Mutex<Made?>(nil)

    /// The walks over a snapshot's receipts, or over slightly older ones; `nil` if the snapshot is nobody's.
    func walks(_ snapshot: MarketSnapshot, auditors: Set<Ed25519.PublicKey>) -> TrustWalks? {
        guard let viewer = snapshot.viewer else { return nil }
        // Whoever asks meanwhile waits for the same walks instead of making them a second time.
        return made.withLock { made in
            let started = ContinuousClock.now
            if let made, made.viewer == viewer.key, made.auditors == auditors,
                made.version == snapshot.statements.trustVersion || started < made.restsUntil
            {
                return made.walks
            }
            let graph = TrustGraph(me: viewer.key, statements: snapshot.statements, auditors: auditors)
            let walks = TrustWalks(graph, seed: viewer.walkSeed)
            let ended = ContinuousClock.now
            made = Made(
                viewer: viewer.key,
                version: snapshot.statements.trustVersion,
                auditors: auditors,
                walks: walks,
                restsUntil: ended + started.duration(to: ended) * Self.restFactor
            )
            return walks
        }
    }
}
