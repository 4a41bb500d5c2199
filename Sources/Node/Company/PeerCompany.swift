internal import Identity
internal import Kademlia
internal import OrderedCollections
internal import Primitives
internal import Swarm

/// Keeps the node in company that it chose itself: eight outbound peers in as many networks, two of them anchors.
///
/// An attacker who fills all of a node's connections decides what it sees. So whoever comes by itself never counts and is never
/// protected; the node dials from its tables, one peer of each network, half of them from those that it has reached before; the two
/// longest of its company are dialled first after a restart; and every two minutes a feeler looks whether somebody that it only
/// heard of is there, so that the tables hold those who are (Heilman et al., 2015, §7; Bitcoin Core, `doc/files.md`, "anchors.dat").
struct PeerCompany: Sendable {
    enum Input: Sendable {
        case started(CompanyRecord, remembered: [StoredPeer])
        /// Somebody in the network `source` told of peers.
        case heard([KademliaPeer], source: IPGroup)
        /// A connection to or from the endpoint.
        case connected(PeerID, Direction, Endpoint)
        /// A connected peer's own word on where it may be dialled.
        case identified(PeerID, [Multiaddr])
        /// The peer is of another network: no company for us.
        case isElsewhere(PeerID)
        case disconnected(PeerID)
        case connectAnswered(ConnectRequestID, Result<PeerID, ConnectFailure>)
        case deadlineReached
    }

    enum Output: Hashable, Sendable {
        case connect(ConnectRequestID, PeerID, [Multiaddr])
        /// An anchor of before the restart, which was at the first of these addresses.
        case reconnect(ConnectRequestID, PeerID, [Multiaddr])
        /// A feeler has seen enough.
        case disconnect(PeerID)
        case protect(PeerID, Bool)
        case remember(CompanyRecord)
    }

    static let outboundCount = 8
    static let anchorCount = 2
    /// Between two dials while company is missing, and between two feelers.
    static let dialInterval = Duration.milliseconds(500)
    static let feelerInterval = Duration.seconds(120)
    /// How long the tables may grow before they are looked at again in vain.
    static let idleInterval = Duration.seconds(5)
    static let dialCountMax = 4
    /// How long a peer that could not be reached rests.
    static let restTime = Duration.seconds(120)
    /// And one that was there before, while company is missing: perhaps a cut has healed.
    static let triedRestTime = Duration.seconds(30)
    static let restingCountMax = 1_024
    /// Newcomers that wait until the peer whose place they would take has been tested (Bitcoin Core: 10).
    static let contestCountMax = 10
    static let rememberInterval = Duration.seconds(600)

    private enum Purpose: Sendable {
        case company
        /// The same, of before the restart.
        case anchor
        /// Whether somebody is there; `challenger` gets its place if not.
        case feeler(challenger: Challenger?)
    }

    /// Somebody that waits for a place, and where it was reached.
    private struct Challenger: Sendable {
        let peer: PeerID
        let endpoint: Endpoint
    }

    private struct Dial: Sendable {
        let peer: PeerID
        let purpose: Purpose
    }

    private(set) var tables: AddressTables
    /// Whom we dialled, for whatever reason: searches of the hash table go to whoever was named to us.
    private(set) var outbound: OrderedDictionary<PeerID, IPGroup> = [:]
    /// Those of them whom a draw from the tables chose, in the order of the choice.
    private(set) var members: OrderedDictionary<PeerID, IPGroup> = [:]
    private var connected: [PeerID: Endpoint] = [:]
    private(set) var anchors: [PeerID] = []
    /// Where those that we dialled can be found again.
    private var addresses: [PeerID: [Multiaddr]] = [:]
    private var returning: [CompanyRecord.Member] = []
    private var dials: OrderedDictionary<ConnectRequestID, Dial> = [:]
    private var resting: OrderedDictionary<PeerID, Instant> = [:]
    /// Who waits for whose place.
    private var contests: OrderedDictionary<PeerID, Challenger> = [:]
    private var dialAt: Instant?
    private var feelerAt: Instant?
    private var rememberAt: Instant?
    private var isStarted = false
    private var remembered = CompanyRecord([])
    private var random: SeededRandom
    private let requestIDs: ClosedRange<UInt64>
    private var nextRequest: UInt64

    init(requestIDs: ClosedRange<UInt64>, random: SeededRandom) {
        var random = random
        tables = AddressTables(salt: random.bytes(16))
        self.requestIDs = requestIDs
        nextRequest = requestIDs.lowerBound
        self.random = random
    }

    func owns(_ request: ConnectRequestID) -> Bool { requestIDs.contains(request.rawValue) }

    var nextDeadline: Instant? { earliest(dialAt, earliest(feelerAt, rememberAt)) }

    mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .started(let record, let stored):
            start(record, stored, at: now)
            // At once: where we have been goes before seeds, who are dialled next, and before all that they and others will tell.
            for _ in returning { dialForCompany(at: now, into: &outputs) }
        case .heard(let peers, let source):
            for peer in peers { tables.heard(of: peer.id, at: peer.addresses, from: source) }
        case .connected(let peer, let direction, let endpoint):
            connected[peer] = endpoint
            if direction == .outbound { outbound[peer] = IPGroup(endpoint.address) }
        case .identified(let peer, let told): identified(peer, told)
        case .isElsewhere(let peer):
            tables.forget(peer)
            members[peer] = nil
            addresses[peer] = nil
        case .disconnected(let peer):
            connected[peer] = nil
            outbound[peer] = nil
            members[peer] = nil
            addresses[peer] = nil
        case .connectAnswered(let request, let result): answered(request, result, at: now, into: &outputs)
        case .deadlineReached: expire(at: now, into: &outputs)
        }
        chooseAnchors(at: now, into: &outputs)
        arm(at: now)
    }

    private mutating func start(_ record: CompanyRecord, _ stored: [StoredPeer], at now: Instant) {
        isStarted = true
        returning = record.members.filter(\.isAnchor)
        // Anchors too: one failed dial is no reason to forget them.
        for member in record.members {
            guard let endpoint = member.addresses.first?.tcpEndpoint else { continue }
            _ = tables.reached(member.peer, on: endpoint, at: member.addresses)
        }
        // Those may have come by themselves, and what they said of themselves may be wrong.
        for peer in stored { tables.heard(of: peer.peer, at: peer.addresses, from: .exempt) }
        feelerAt = now.advanced(by: random.jittered(Self.feelerInterval, by: 0.5))
    }

    private mutating func identified(_ peer: PeerID, _ told: [Multiaddr]) {
        guard let endpoint = connected[peer] else { return }
        guard outbound[peer] != nil else {
            return tables.heard(of: peer, at: told, from: IPGroup(endpoint.address), isOwnWord: true)
        }
        addresses[peer] = AddressTables.bounded(told, reachedOn: endpoint)
        reached(peer, on: endpoint, at: told)
    }

    /// Whoever was reached gets a place, or waits until whoever would give it its place has been tested.
    private mutating func reached(_ peer: PeerID, on endpoint: Endpoint, at addresses: [Multiaddr]) {
        guard let incumbent = tables.reached(peer, on: endpoint, at: addresses) else { return }
        contest(Challenger(peer: peer, endpoint: endpoint), incumbent)
    }

    private mutating func contest(_ challenger: Challenger, _ incumbent: PeerID) {
        guard contests.count < Self.contestCountMax else { return }
        contests[incumbent] = challenger
    }

    // MARK: Dials

    /// Company in distinct networks; those that are exempt, at home or in a laboratory, count each.
    private var companyCount: Int {
        Set(members.values.lazy.filter { !$0.isExempt }).count + members.values.count(where: \.isExempt)
    }

    var isEnough: Bool { companyCount >= Self.outboundCount }

    private var missingCount: Int {
        let underWay = dials.values.count { if case .feeler = $0.purpose { false } else { true } }
        return Self.outboundCount - companyCount - underWay
    }

    private mutating func dialForCompany(at now: Instant, into outputs: inout [Output]) {
        guard missingCount > 0, dials.count < Self.dialCountMax else { return }
        while let anchor = returning.first {
            returning.removeFirst()
            guard mayJoin(anchor.peer) else { continue }
            return invite(anchor.peer, at: anchor.addresses, for: .anchor, now: now, into: &outputs)
        }
        // Half of the company was there before: a crowd that appears at once gets the other half at most.
        let triedCount = members.keys.count { tables.entries[$0]?.place.isTried == true }
        let prefersTried = triedCount < Self.outboundCount / 2 || random.chance(1, in: 2)
        guard let peer = draw(tried: prefersTried, at: now) ?? draw(tried: !prefersTried, at: now) else {
            dialAt = now.advanced(by: Self.idleInterval)
            return
        }
        invite(peer, at: tables.entries[peer]?.addresses ?? [], for: .company, now: now, into: &outputs)
    }

    /// Nobody joins who came by itself: it would have chosen us.
    private func mayJoin(_ peer: PeerID) -> Bool {
        members[peer] == nil && (connected[peer] == nil || outbound[peer] != nil)
    }

    /// Takes in whom we have dialled already, and dials everybody else.
    private mutating func invite(
        _ peer: PeerID,
        at addresses: [Multiaddr],
        for purpose: Purpose,
        now: Instant,
        into outputs: inout [Output]
    ) {
        guard outbound[peer] != nil else { return dial(peer, at: addresses, for: purpose, into: &outputs) }
        if !join(peer) { rest(peer, until: now.advanced(by: Self.restTime)) }
    }

    /// Takes in whom we have dialled, unless somebody of its network is there: where it was reached counts, not where it was said
    /// to be.
    private mutating func join(_ peer: PeerID) -> Bool {
        guard let network = outbound[peer], network.isExempt || !members.values.contains(network) else { return false }
        members[peer] = network
        return true
    }

    private mutating func rest(_ peer: PeerID, until instant: Instant) {
        if resting.count >= Self.restingCountMax { resting.removeFirst() }
        resting[peer] = instant
    }

    /// Somebody to dial in a network where we have nobody yet.
    private mutating func draw(tried: Bool, at now: Instant) -> PeerID? {
        let networks = Set(members.values)
        let dialled = Set(dials.values.lazy.map(\.peer))
        var generator = random
        defer { random = generator }
        return tables.draw(tried: tried, using: &generator) { peer, entry in
            mayJoin(peer) && !dialled.contains(peer) && (resting[peer] ?? .zero) <= now
                && (entry.group.isExempt || !networks.contains(entry.group))
        }
    }

    private mutating func feel(at now: Instant, into outputs: inout [Output]) {
        feelerAt = now.advanced(by: random.jittered(Self.feelerInterval, by: 0.5))
        guard dials.count < Self.dialCountMax else { return }
        if let (incumbent, challenger) = contests.elements.first {
            contests.removeFirst()
            // Whoever is connected is there.
            guard connected[incumbent] == nil, let entry = tables.entries[incumbent] else { return }
            return dial(incumbent, at: entry.addresses, for: .feeler(challenger: challenger), into: &outputs)
        }
        let dialled = Set(dials.values.lazy.map(\.peer))
        var generator = random
        let drawn = tables.draw(tried: false, using: &generator) { peer, _ in
            connected[peer] == nil && !dialled.contains(peer) && (resting[peer] ?? .zero) <= now
        }
        random = generator
        guard let drawn, let entry = tables.entries[drawn] else { return }
        dial(drawn, at: entry.addresses, for: .feeler(challenger: nil), into: &outputs)
    }

    private mutating func dial(
        _ peer: PeerID,
        at addresses: [Multiaddr],
        for purpose: Purpose,
        into outputs: inout [Output]
    ) {
        let request = ConnectRequestID(rawValue: nextRequest)
        nextRequest = nextRequest == requestIDs.upperBound ? requestIDs.lowerBound : nextRequest + 1
        dials[request] = Dial(peer: peer, purpose: purpose)
        if case .anchor = purpose {
            outputs.append(.reconnect(request, peer, addresses))
        } else {
            outputs.append(.connect(request, peer, addresses))
        }
    }

    private mutating func answered(
        _ request: ConnectRequestID,
        _ result: Result<PeerID, ConnectFailure>,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let dial = dials.removeValue(forKey: request) else { return }
        let isThere = (try? result.get()) == dial.peer
        var isUntried = false
        if case .failure(let failure) = result { isUntried = failure.saysNothingOfPeer }
        if !isThere {
            if !isUntried { tables.failed(dial.peer) }
            // Where somebody was once is soon tried again, unless that has come to nothing often enough.
            let wasThere = tables.entries[dial.peer]?.place.isTried == true && !tables.isHopeless(dial.peer)
            rest(dial.peer, until: now.advanced(by: wasThere ? Self.triedRestTime : Self.restTime))
        }
        guard case .feeler(let challenger) = dial.purpose else {
            guard isThere, outbound[dial.peer] != nil, !join(dial.peer) else { return }
            rest(dial.peer, until: now.advanced(by: Self.restTime))
            outputs.append(.disconnect(dial.peer))
            return
        }
        if isThere {
            // Whoever came by itself meanwhile has shown nothing.
            guard outbound[dial.peer] != nil, let endpoint = connected[dial.peer] else { return }
            reached(dial.peer, on: endpoint, at: tables.entries[dial.peer]?.addresses ?? [])
            // It has shown that it is there; whoever is needed is dialled as company.
            if missingCount <= 0 { outputs.append(.disconnect(dial.peer)) }
        } else if let challenger, isUntried {
            contest(challenger, dial.peer)
        } else if let challenger, let entry = tables.entries[challenger.peer] {
            tables.forget(dial.peer)
            _ = tables.reached(challenger.peer, on: challenger.endpoint, at: entry.addresses)
        }
    }

    // MARK: Anchors

    /// The two longest of our own choice, in two networks.
    private mutating func chooseAnchors(at now: Instant, into outputs: inout [Output]) {
        var (chosen, networks): ([PeerID], Set<IPGroup>) = ([], [])
        for (peer, network) in members where chosen.count < Self.anchorCount && addresses[peer] != nil {
            if network.isExempt || networks.insert(network).inserted { chosen.append(peer) }
        }
        guard chosen != anchors else { return }
        for peer in anchors where !chosen.contains(peer) { outputs.append(.protect(peer, false)) }
        for peer in chosen where !anchors.contains(peer) { outputs.append(.protect(peer, true)) }
        anchors = chosen
        // Not at every change: at the start they change with every connection.
        if rememberAt == nil { rememberAt = now.advanced(by: Self.dialInterval * 10) }
    }

    /// What is to be found again after a restart; those of before stay while there are no anchors, for a cut is no reason to
    /// forget them.
    private mutating func remember(at now: Instant, into outputs: inout [Output]) {
        rememberAt = now.advanced(by: Self.rememberInterval)
        guard !anchors.isEmpty else { return }
        var members = anchors.map { CompanyRecord.Member(peer: $0, addresses: addresses[$0] ?? [], isAnchor: true) }
        for peer in tables.triedPeers where !anchors.contains(peer) {
            guard let entry = tables.entries[peer] else { continue }
            members.append(CompanyRecord.Member(peer: peer, addresses: entry.addresses, isAnchor: false))
        }
        let record = CompanyRecord(members)
        guard record != remembered else { return }
        remembered = record
        outputs.append(.remember(record))
    }

    // MARK: Time

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        resting.removeAll { $0.value <= now }
        if let due = dialAt, due <= now {
            dialAt = nil
            dialForCompany(at: now, into: &outputs)
        }
        if let due = feelerAt, due <= now { feel(at: now, into: &outputs) }
        if let due = rememberAt, due <= now { remember(at: now, into: &outputs) }
    }

    private mutating func arm(at now: Instant) {
        guard isStarted, missingCount > 0, !returning.isEmpty || !tables.entries.isEmpty else {
            dialAt = nil
            return
        }
        if dialAt == nil { dialAt = now.advanced(by: random.jittered(Self.dialInterval, by: 0.5)) }
    }

    func checkInvariants() {
        tables.checkInvariants()
        precondition(dials.count <= Self.dialCountMax && contests.count <= Self.contestCountMax)
        precondition(resting.count <= Self.restingCountMax && anchors.count <= Self.anchorCount)
        precondition(addresses.count <= outbound.count && members.keys.allSatisfy { outbound[$0] != nil })
    }
}
