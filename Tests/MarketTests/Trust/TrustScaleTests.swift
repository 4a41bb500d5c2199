import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Trust at scale` {
    typealias S = RecordSamples

    /// A market of 100,000 receipts between 5,000 renters and 2,000 providers, some of them both.
    static func evidence(_ count: Int) -> [TrustEvidence] {
        var random = S.random(99)
        return (0..<count).map { number in
            let renter = number % 50 == 0 ? S.key(0).publicKey : Trust.peer(1 + random.below(5_000))
            return TrustEvidence(
                renter: renter,
                provider: Trust.peer(4_000 + random.below(2_000)),
                unit: "USD",
                paidMicros: Int64(1 + random.below(20_000_000)),
                outcome: random.chance(9, in: 10) ? TrustEvidence.full : 0,
                at: S.start + Int64(random.below(90)) * S.day
            )
        }
    }

    @Test func `one peer's trust is told from many receipts`() {
        #if DEBUG
        let evidence = Self.evidence(5_000)
        #else
        let evidence = Self.evidence(100_000)
        #endif
        let started = ContinuousClock.now
        let graph = TrustGraph(me: S.key(0).publicKey, evidence: evidence)
        let built = ContinuousClock.now
        let walks = TrustWalks(graph, seed: 1)
        let score = walks.score(of: Trust.peer(4_500))
        let ended = ContinuousClock.now
        #expect(score.value > 0 && score.value < 1)
        #if !DEBUG
        print("graph", started.duration(to: built), "walks and score", built.duration(to: ended))
        #expect(built.duration(to: ended) < .milliseconds(50))
        #else
        #expect(started <= built && built <= ended)
        #endif
    }
}
