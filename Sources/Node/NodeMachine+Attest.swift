internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

/// Probes under way, and what came of earlier ones.
struct ProbeDesk: Sendable {
    /// Providers that are looked for at a time.
    static let perRound = 8

    var ledger = ProbeLedger()
    /// Who is being dialled, by the number of the request.
    var dialled: OrderedDictionary<ConnectRequestID, Ed25519.PublicKey> = [:]
    /// Who waits for the word about a provider.
    var waiting: OrderedDictionary<Ed25519.PublicKey, CommandID> = [:]
    private(set) var nextDeadline: Instant?
    private var nextNumber = NodeMachine.RequestRange.probes.lowerBound

    mutating func stop() { nextDeadline = nil }

    mutating func arm(_ interval: Duration?, at now: Instant) { nextDeadline = interval.map { now.advanced(by: $0) } }

    mutating func draw(for provider: Ed25519.PublicKey) -> ConnectRequestID {
        defer { nextNumber += 1 }
        let request = ConnectRequestID(rawValue: nextNumber)
        dialled[request] = provider
        return request
    }
}

// What this node attests of providers: whether they answer, and how its own leases with them went.
extension NodeMachine {
    private static let attestationMilliseconds: Int64 = 30 * 86_400_000

    /// Looks for some of the providers in the market, and tells what a day of looking has shown.
    mutating func probe(at now: Instant) {
        guard let due = probes.nextDeadline, due <= now else { return }
        probes.arm(config.probeInterval, at: now)
        let wall = wall.unixMilliseconds(at: now)
        let listings = book.listings.filter { $0.provider != key.publicKey && $0.liveness(at: wall) != .gone }
        guard desk.isSigning, !listings.isEmpty else { return }
        for listing in random.sample(listings, ProbeDesk.perRound) { probe(listing.provider, at: now) }
        for (provider, window) in probes.ledger.takeDue(at: wall) {
            guard let marketClass = marketClass(of: provider) else { continue }
            attest(AttestationBody(uptimeOf: provider, in: marketClass, window), at: now, for: .announcement)
            if let body = outcomes(of: provider, in: marketClass) { attest(body, at: now, for: .announcement) }
        }
    }

    private mutating func probe(_ provider: Ed25519.PublicKey, at now: Instant) {
        let remote = PeerID(publicKey: provider)
        if isConnected(to: remote) {
            return probes.ledger.note(provider, isAnswered: true, at: wall.unixMilliseconds(at: now))
        }
        guard !probes.dialled.values.contains(provider) else { return }
        learnAddresses(of: remote)
        work.append(.swarm(.connect(probes.draw(for: provider), remote, [])))
    }

    /// A dial of ours has ended; says whether it was a probe.
    mutating func probeAnswered(
        _ request: ConnectRequestID,
        _ isAnswered: Bool,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Bool {
        guard let provider = probes.dialled.removeValue(forKey: request) else { return false }
        probes.ledger.note(provider, isAnswered: isAnswered, at: wall.unixMilliseconds(at: now))
        if let command = probes.waiting.removeValue(forKey: provider) {
            attest(provider, command, at: now, into: &outputs)
        }
        return true
    }

    // MARK: On demand

    /// Looks for a provider now, and tells the market what is known of it.
    mutating func attest(
        askedFor provider: Ed25519.PublicKey,
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard provider != key.publicKey else { return outputs.append(.answer(id, .failed(.ownKey))) }
        guard marketClass(of: provider) != nil else {
            return outputs.append(.answer(id, .failed(.unknownOffer)))
        }
        guard probes.waiting[provider] == nil else { return outputs.append(.answer(id, .failed(.tooMany(limit: 1)))) }
        probe(provider, at: now)
        guard probes.dialled.values.contains(provider) else { return attest(provider, id, at: now, into: &outputs) }
        probes.waiting[provider] = id
    }

    private mutating func attest(
        _ provider: Ed25519.PublicKey,
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let marketClass = marketClass(of: provider), let window = probes.ledger.window(of: provider) else {
            return outputs.append(.answer(id, .failed(.unknownOffer)))
        }
        if let body = outcomes(of: provider, in: marketClass) { attest(body, at: now, for: .announcement) }
        attest(AttestationBody(uptimeOf: provider, in: marketClass, window), at: now, for: .statement(id))
    }

    private mutating func attest(_ body: AttestationBody, at now: Instant, for purpose: StatementDesk.Purpose) {
        let expiresAt = wall.unixMilliseconds(at: now) + Self.attestationMilliseconds
        state(.attestation(body), expiresAt: expiresAt, for: purpose)
    }

    /// How our own leases with it went.
    private func outcomes(of provider: Ed25519.PublicKey, in marketClass: MarketClass) -> AttestationBody? {
        let own = records(of: key.publicKey) { $0.kind == .countersignature }
        return AttestationBody(
            outcomesOf: provider,
            in: marketClass,
            own.compactMap { record in TrustEvidence(record).map { (id: record.id, evidence: $0) } }
        )
    }

    /// A class in which the provider is known: that of its presence, else of an offer.
    private func marketClass(of provider: Ed25519.PublicKey) -> MarketClass? {
        MarketClass.allCases.sorted().first { book.current(.presence(of: provider, in: $0)) != nil }
            ?? book.listings.first { $0.provider == provider }?.offer.marketClass
    }
}
