import Cryptography
import Market
import Primitives

/// How far one peer is trusted, asked of a graph of 100,000 countersigned receipts that is drawn already.
struct TrustWorkload: Workload {
    /// Renters, and behind them providers; some are both.
    static let renterCount = 5_000
    static let providers = 4_000..<6_000
    static let day: Int64 = 86_400_000

    let rows = [Row.trust]
    let receiptCount: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let peers = (0..<Self.providers.upperBound).map { number in
            Ed25519.PrivateKey(seed: SHA256.hash(Array("peer \(number)".utf8))).publicKey
        }
        var random = SeededRandom(seed: [UInt8](repeating: 3, count: SeededRandom.seedByteCount))
        let evidence = (0..<receiptCount).map { number in
            TrustEvidence(
                renter: number.isMultiple(of: 50) ? peers[0] : peers[1 + random.below(Self.renterCount - 1)],
                provider: peers[random.below(Self.providers.count) + Self.providers.lowerBound],
                unit: "USD",
                paidMicros: Int64(1 + random.below(20_000_000)),
                outcome: random.chance(9, in: 10) ? TrustEvidence.full : 0,
                at: MarketSample.now - Int64(random.below(90)) * Self.day
            )
        }
        let graph = TrustGraph(me: peers[0], evidence: evidence)
        var scores: [Double] = []
        let durations = Self.providers.prefix(7).map { provider in
            seconds { scores.append(TrustWalks(graph, seed: 1).score(of: peers[provider]).value) }
        }
        guard scores.allSatisfy({ $0 > 0 && $0 < 1 }) else { throw BenchFailure("a trust is out of bounds") }
        return Figures(values: [.trust: median(durations) * 1e3])
    }
}
