internal import Cryptography
internal import Market
internal import Primitives

// What attackers of reputation gain in the eyes of one honest renter; each figure is of a town in which everybody rents a little.
extension Validation {
    /// Identities that trade among themselves, pay an honest provider a little, and bribe one honest peer into renting from them.
    func trustSybils(seed: UInt64) -> [Metric] {
        var town = TrustTown(peerCount: count("peers"), seed: seed)
        let honest = town.befriend(leaseCount: 3)
        let identities = (0..<count("identities")).map { town.identity($0) }
        for (number, identity) in identities.enumerated() {
            for step in 1...3 { town.pay(identity, identities[(number + step * 7) % identities.count]) }
            town.pay(identity, honest, micros: 1)
        }
        town.pay(town.peer(1), identities[0])
        let walks = town.walks
        let trusts = identities.map { walks.score(of: $0).value }
        let trusted = walks.score(of: honest).value
        return [
            Metric("honest_trust", trusted),
            Metric("sybil_trust_highest", trusts.max() ?? 0),
            Metric("sybils_above_honest", Double(trusts.count { $0 >= trusted })),
            Metric("sybils_above_newcomer", Double(trusts.count { $0 > TrustTown.newcomer })),
        ]
    }

    /// A provider that failed me leaves its name behind.
    func trustWhitewashing(seed: UInt64) -> [Metric] {
        var town = TrustTown(peerCount: count("peers"), seed: seed)
        let honest = town.befriend(leaseCount: 3)
        let (cheat, fresh) = (town.identity(0), town.identity(1))
        for _ in 0..<3 { town.pay(town.me, cheat, outcome: 0) }
        let walks = town.walks
        return [
            Metric("cheat_trust", walks.score(of: cheat).value),
            Metric("whitewash_gain", walks.score(of: fresh).value - TrustTown.newcomer),
            Metric("fresh_below_honest", walks.score(of: honest).value - walks.score(of: fresh).value),
        ]
    }

    /// Strangers say the worst of an honest provider: as attesters, and as customers who paid next to nothing and complained.
    func trustSlander(seed: UInt64) -> [Metric] {
        var town = TrustTown(peerCount: count("peers"), seed: seed)
        let honest = town.befriend(leaseCount: 3)
        let before = town.walks.score(of: honest).value
        for number in 0..<count("identities") {
            town.pay(town.identity(number), honest, micros: 1, outcome: 0)
            town.attest(town.identity(number), honest, share: 0)
        }
        let strangers = town.walks.score(of: honest).value
        // One peer that walks do reach joins in, at the price of a real lease.
        town.pay(town.peer(1), honest, outcome: 0)
        return [
            Metric("slander_loss", before - strangers),
            Metric("slander_loss_by_one_reached", before - town.walks.score(of: honest).value),
        ]
    }

    /// A provider rents from itself under other names, however much; one of the names once served me well.
    func trustSelfDealing(seed: UInt64) -> [Metric] {
        var town = TrustTown(peerCount: count("peers"), seed: seed)
        let honest = town.befriend(leaseCount: 3)
        let dealer = town.identity(0)
        for number in 1...count("identities") {
            for epoch in 0..<3 { town.pay(town.identity(number), dealer, micros: 1_000_000_000, epoch: epoch) }
        }
        let alone = town.walks.score(of: dealer).value
        town.pay(town.me, town.identity(1))
        let walks = town.walks
        let trusted = walks.score(of: honest).value
        return [
            Metric("self_dealer_gain", alone - TrustTown.newcomer),
            Metric("self_dealer_below_honest", trusted - walks.score(of: dealer).value),
        ]
    }
}

/// A town in which everybody rents from a few others, and one renter looks at it.
private struct TrustTown {
    static let newcomer = Double(TrustConfig().priorTrust) / 1_000_000
    private static let epoch = TrustConfig().epochMilliseconds

    let me: Ed25519.PublicKey
    private var random: SimulationRandom
    private let seed: UInt64
    private var evidence: [TrustEvidence] = []
    private var attested: [(auditor: Ed25519.PublicKey, provider: Ed25519.PublicKey, share: Int64)] = []

    init(peerCount: Int, seed: UInt64) {
        (self.seed, random) = (seed, RandomStreams(seed: seed).fast(.workload))
        me = Self.key(0, 0)
        for renter in 0..<peerCount {
            for _ in 0..<3 {
                let provider = random.below(peerCount)
                guard provider != renter, provider != 0 else { continue }
                pay(peer(renter), peer(provider), outcome: random.below(10) == 0 ? 0 : TrustEvidence.full)
            }
        }
    }

    /// The honest peers; the renter who looks is the first.
    func peer(_ number: Int) -> Ed25519.PublicKey { Self.key(0, number) }

    /// The attackers' names.
    func identity(_ number: Int) -> Ed25519.PublicKey { Self.key(1, number) }

    /// A provider that nobody knows but the renter, who has rented from it so often.
    mutating func befriend(leaseCount: Int) -> Ed25519.PublicKey {
        let friend = Self.key(2, 0)
        for _ in 0..<leaseCount { pay(me, friend) }
        return friend
    }

    mutating func pay(
        _ renter: Ed25519.PublicKey,
        _ provider: Ed25519.PublicKey,
        micros: Int64 = 5_000_000,
        outcome: Int64 = TrustEvidence.full,
        epoch: Int = 0
    ) {
        evidence.append(
            TrustEvidence(
                renter: renter,
                provider: provider,
                unit: "USD",
                paidMicros: micros,
                outcome: outcome,
                at: Int64(epoch) * Self.epoch
            )
        )
    }

    mutating func attest(_ attester: Ed25519.PublicKey, _ provider: Ed25519.PublicKey, share: Int64) {
        attested.append((attester, provider, share))
    }

    var walks: TrustWalks {
        TrustWalks(TrustGraph(me: me, evidence: evidence, attested: attested), seed: seed)
    }

    private static func key(_ kind: UInt8, _ number: Int) -> Ed25519.PublicKey {
        let bytes = [kind] + (0..<8).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
        guard let key = Ed25519.PublicKey(bytes + [UInt8](repeating: 0, count: 32 - bytes.count)) else {
            preconditionFailure("thirty-two bytes")
        }
        return key
    }
}
