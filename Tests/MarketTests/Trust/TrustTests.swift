import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Trust` {
    typealias S = RecordSamples
    let me = RecordSamples.key(0).publicKey

    /// Numbered peers without the cost of real keys.
    static func peer(_ number: Int) -> Ed25519.PublicKey {
        var bytes = [UInt8](repeating: 0, count: 32)
        for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        bytes[31] = 1
        return Ed25519.PublicKey(bytes) ?? { preconditionFailure("32 bytes") }()
    }

    func paid(
        _ renter: Ed25519.PublicKey,
        _ provider: Ed25519.PublicKey,
        _ amount: Int64 = 5_000_000,
        outcome: Int64 = TrustEvidence.full,
        at: Int64 = S.start
    ) -> TrustEvidence {
        TrustEvidence(renter: renter, provider: provider, unit: "USD", paidMicros: amount, outcome: outcome, at: at)
    }

    func score(
        _ peer: Ed25519.PublicKey,
        _ evidence: [TrustEvidence],
        auditors: Set<Ed25519.PublicKey> = [],
        culprits: Set<Ed25519.PublicKey> = []
    ) -> TrustScore {
        let graph = TrustGraph(me: me, evidence: evidence, auditors: auditors, culprits: culprits)
        return TrustWalks(graph, seed: 7).score(of: peer)
    }

    @Test func `a stranger is neutral-low and wide, never zero`() {
        let stranger = score(Self.peer(1), [])
        #expect(stranger.value == 0.3 && stranger.width > 0.2 && stranger.leasesByMe == 0)
        #expect(stranger.directShare == nil && stranger.indirectShare == nil && !stranger.isProven)
    }

    @Test func `my own leases count first, good ones for it and bad ones against it`() {
        let peer = Self.peer(1)
        let good = score(peer, (0..<3).map { _ in paid(me, peer) })
        // (0.3 · 2 + 3) / (2 + 3)
        #expect(good.value == 0.72 && good.leasesByMe == 3 && good.directShare == 1)
        let bad = score(peer, (0..<3).map { _ in paid(me, peer, outcome: 0) })
        #expect(abs(bad.value - 0.12) < 1e-9 && bad.directShare == 0)
        #expect(good.width < score(Self.peer(2), []).width)
    }

    @Test func `whom my providers rent from well is trusted more than a stranger, less than my own`() {
        let (near, far) = (Self.peer(1), Self.peer(2))
        let evidence = [paid(me, near), paid(me, Self.peer(3)), paid(near, far), paid(Self.peer(3), far)]
        let indirect = score(far, evidence)
        #expect(indirect.value > 0.6 && indirect.pathCount == 2 && !indirect.isCarriedByOne)
        #expect(indirect.indirectShare == 1 && indirect.reach > 0.5)
        let failing = score(far, evidence + [paid(near, far, outcome: 0, at: S.start + 1)])
        #expect(failing.value < indirect.value)
    }

    @Test func `a path that one peer carries is worth a fifth`() {
        let (near, far) = (Self.peer(1), Self.peer(2))
        let carried = score(far, [paid(me, near), paid(near, far)])
        #expect(carried.isCarriedByOne && carried.reach < 0.2)
    }

    @Test func `a thousand identities that trade among themselves gain less than three paid leases`() {
        let honest = Self.peer(1)
        var evidence = (0..<3).map { _ in paid(me, honest) }
        for number in 0..<1_000 {
            for step in 1...5 {
                evidence.append(paid(Self.peer(1_000 + number), Self.peer(1_000 + (number + step * 7) % 1_000)))
            }
            // They also pay the honest one, which buys them no way back.
            evidence.append(paid(Self.peer(1_000 + number), honest, 1))
        }
        let graph = TrustGraph(me: me, evidence: evidence)
        let walks = TrustWalks(graph, seed: 3)
        let trusted = walks.score(of: honest).value
        for number in stride(from: 0, to: 1_000, by: 37) {
            let sybil = walks.score(of: Self.peer(1_000 + number))
            #expect(sybil.value == 0.3 && sybil.reach == 0 && sybil.value < trusted)
        }
        // One whom I once paid may pay them; all that it carries is worth little.
        let tricked = TrustWalks(TrustGraph(me: me, evidence: evidence + [paid(honest, Self.peer(1_000))]), seed: 3)
        #expect(tricked.score(of: Self.peer(1_000)).value < trusted)
    }

    @Test func `money beyond the cap buys nothing, in one epoch`() {
        let (rich, poor, far) = (Self.peer(1), Self.peer(2), Self.peer(3))
        func reach(_ amount: Int64) -> Double {
            score(rich, [paid(me, rich, amount), paid(me, poor), paid(rich, far, 1)]).reach
        }
        #expect(reach(10_000_000) == reach(9_000_000_000))
        #expect(reach(10_000_000) > reach(1_000_000))
    }

    @Test func `dust weighs dust, and one slanderer whom walks reach costs a little`() {
        let (friend, other) = (Self.peer(1), Self.peer(2))
        let good = (0..<3).map { _ in paid(me, friend) } + [paid(me, other)]
        let before = score(friend, good).value
        #expect(before == 0.72)
        let praised = score(friend, good + [paid(other, friend, 1)])
        #expect(praised.indirectShare == 1 && abs(praised.value - before) < 0.001)
        let dust = score(friend, good + [paid(other, friend, 1, outcome: 0)])
        #expect(dust.indirectShare == 0 && before - dust.value < 0.001)
        let real = score(friend, good + [paid(other, friend, outcome: 0)])
        #expect(real.isCarriedByOne && before - real.value > 0.05 && before - real.value < 0.2)
    }

    @Test func `a proof leaves nothing`() {
        let peer = Self.peer(1)
        let proven = score(peer, (0..<9).map { _ in paid(me, peer) }, culprits: [peer])
        #expect(proven.value == 0 && proven.isProven && proven.leasesByMe == 9)
    }

    @Test func `auditors open a way for newcomers`() {
        let (auditor, newcomer) = (Self.peer(1), Self.peer(2))
        let attested = [(auditor: auditor, provider: newcomer, share: TrustEvidence.full)]
        let graph = TrustGraph(me: me, evidence: [], attested: attested, auditors: [auditor])
        let score = TrustWalks(graph, seed: 1).score(of: newcomer)
        #expect(score.value > 0.3 && score.attesterCount == 1)
        let unasked = TrustGraph(me: me, evidence: [], attested: attested)
        #expect(TrustWalks(unasked, seed: 1).score(of: newcomer).value == 0.3)
    }

    @Test func `the same seed walks the same way, and the order of evidence decides little`() {
        var random = S.random(5)
        var evidence = (0..<200).map { _ in paid(Self.peer(random.below(30)), Self.peer(random.below(30))) }
        evidence += (0..<5).map { paid(me, Self.peer($0)) }
        let first = score(Self.peer(9), evidence)
        #expect(score(Self.peer(9), evidence) == first)
        random.shuffle(&evidence)
        #expect(abs(score(Self.peer(9), evidence).value - first.value) < 0.02)
    }

    @Test func `a countersigned receipt is evidence, its code the outcome`() throws {
        let receipt = try S.signed(.receipt(S.receipt(code: .notAsDescribed)), by: S.key(1), sequence: 1)
        let body = try #require(CountersignatureBody(receipt))
        let evidence = try #require(TrustEvidence(try S.signed(.countersignature(body), by: S.key(2), sequence: 1)))
        #expect(evidence.renter == S.key(2).publicKey && evidence.provider == S.key(1).publicKey)
        #expect(evidence.outcome == 0 && evidence.paidMicros == 350_000)
        #expect(TrustEvidence(receipt) == nil)
    }
}
