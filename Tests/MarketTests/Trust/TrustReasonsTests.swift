import Cryptography
import Market
import Testing

@Suite struct `Reasons for trust` {
    typealias S = RecordSamples
    private let trust = Trust()

    @Test func `a newcomer is told how to rise`() {
        let score = trust.score(Trust.peer(1), [])
        #expect(score.summary == "newcomer")
        #expect(
            score.reasons() == [
                "you have never rented from it", "nobody whom you reach has paid it",
                "whoever is new begins at 0.3, and rises with every paid lease that goes well",
            ]
        )
        #expect(score.thousandths.count == 300)
    }

    @Test func `every part of a good name is named`() {
        let (near, other, far) = (Trust.peer(1), Trust.peer(3), Trust.peer(2))
        let evidence = [
            trust.paid(trust.me, near), trust.paid(trust.me, other), trust.paid(near, far), trust.paid(other, far),
            trust.paid(trust.me, far, outcome: 0),
        ]
        let score = trust.score(far, evidence)
        #expect(score.summary == "1 lease by you, 2 paths")
        let reasons = score.reasons()
        #expect(reasons[0] == "1 lease by you, 0 % went well")
        #expect(reasons[1] == "2 renters whom you reach have paid it, 100 % of the money went well")
        #expect(reasons[2].hasSuffix("% of your walks come by"))
        #expect(reasons.count == 3)
    }

    @Test func `a path through one peer and a proof say so`() {
        let (near, far) = (Trust.peer(1), Trust.peer(2))
        let carried = trust.score(far, [trust.paid(trust.me, near), trust.paid(near, far)])
        #expect(carried.summary == "1 path through one peer")
        #expect(carried.reasons().contains("all of them through one peer, whose word alone is worth 20 %"))
        let proven = trust.score(far, [trust.paid(trust.me, far)], culprits: [far])
        #expect(proven.summary == "leased a device twice" && proven.reasons().count == 1)
    }

    @Test func `an auditor's words count once, as their mean`() {
        let (auditor, peer) = (Trust.peer(1), Trust.peer(2))
        func value(_ shares: [Int64]) -> TrustScore {
            let attested = shares.map { (auditor: auditor, provider: peer, share: $0) }
            let graph = TrustGraph(me: trust.me, evidence: [], attested: attested, auditors: [auditor])
            return TrustWalks(graph, seed: 1).score(of: peer)
        }
        #expect(value([1_000_000, 0]).value == value([500_000]).value)
        #expect(value([1_000_000, 1_000_000]).attesterCount == 1)
        #expect(value([1_000_000]).value > value([0]).value)
    }
}
