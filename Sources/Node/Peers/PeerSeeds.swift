internal import OrderedCollections
public import Identity
public import Primitives
public import Swarm

/// Keeps the node in company: dials the configured seeds for ever, and remembered peers while company is scarce.
///
/// Seeds are re-contacted without end, so that two halves of a network that started apart merge as soon as one seed is up. A seed
/// that fails waits 5 s, then twice as long each time, up to 5 min, with jitter, so that a restarted seed is not trampled; but while the
/// node has few peers, 20 s at most, so that a small network that was cut in two is whole again soon after the cut heals. Once the
/// node has company enough it lets go of its seeds and comes back every ten minutes: everybody knows them, and they have no room
/// for everybody.
public struct PeerSeeds: Sendable {
    public enum Input: Sendable {
        case started(seeds: [Multiaddr], remembered: [StoredPeer])
        case connected(PeerID)
        case disconnected(PeerID)
        /// The connected peer is of another network; whatever answers there may change.
        case isElsewhere(PeerID)
        case connectAnswered(ConnectRequestID, Result<PeerID, ConnectFailure>)
        /// Whether the node has company enough without its seeds.
        case company(isEnough: Bool)
        case deadlineReached
    }

    public enum Output: Sendable {
        case connect(ConnectRequestID, PeerID?, [Multiaddr])
        /// The seed is not needed any longer, unless for something else.
        case release(PeerID)
    }

    static let retryMin = Duration.seconds(5)
    static let retryMax = Duration.seconds(300)
    /// With a dial of 15 s that the cut swallowed, and the comparison of books, still less than a minute.
    static let scarceRetryMax = Duration.seconds(20)
    /// How long a visit to a seed lasts at least, and between two of them, while there is company enough.
    static let visitMin = Duration.seconds(10)
    static let visitInterval = Duration.seconds(600)
    /// How many peers are company enough to leave remembered ones in peace: the outbound share of a mesh.
    static let companyCount = 8
    static let seedCountMax = 64
    static let rememberedCountMax = 256

    fileprivate enum State: Sendable {
        case resting(until: Instant)
        case dialing(ConnectRequestID)
        case connected(since: Instant)
        /// Company enough: the seed may have been let go of already.
        case visited
    }

    fileprivate struct Candidate: Sendable {
        let peer: PeerID?
        let addresses: [Multiaddr]
        let isSeed: Bool
        var state: State
        var failures = 0
        /// Whether it has been there in this life.
        var wasThere = false
        /// Whether it was of another network the last time.
        var isElsewhere = false
        /// Who answered at an address that names no peer.
        var answeredBy: PeerID?

        var identity: PeerID? { peer ?? answeredBy }
    }

    private var candidates: [Candidate] = []
    private var connectedPeers: OrderedSet<PeerID> = []
    private(set) var hasCompany = false
    private var random: SeededRandom
    private let requestIDs: ClosedRange<UInt64>
    private var nextRequestID: UInt64

    public init(requestIDs: ClosedRange<UInt64>, random: SeededRandom) {
        self.requestIDs = requestIDs
        nextRequestID = requestIDs.lowerBound
        self.random = random
    }

    public func owns(_ request: ConnectRequestID) -> Bool { requestIDs.contains(request.rawValue) }

    /// Whether the peer answers where the operator has named a seed.
    func isSeed(_ peer: PeerID) -> Bool { candidates.contains { $0.isSeed && $0.identity == peer } }

    /// Whether the operator has named this very peer: neither an address, where anybody may answer, nor somebody remembered.
    func isNamed(_ peer: PeerID) -> Bool { candidates.contains { $0.isSeed && $0.peer == peer } }

    /// When `deadlineReached` is due; `nil` while nobody waits to be dialled.
    public private(set) var nextDeadline: Instant?

    private var earliestRest: Instant? {
        var deadline: Instant?
        let isScarce = scarceCount > 0
        for candidate in candidates {
            switch candidate.state {
            case .resting(let until):
                if candidate.isSeed || isScarce { deadline = earliest(deadline, until) }
            case .connected(let since):
                guard candidate.isSeed, hasCompany else { continue }
                deadline = earliest(deadline, since.advanced(by: Self.visitMin))
            case .dialing, .visited: continue
            }
        }
        return deadline
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        defer { nextDeadline = earliestRest }
        switch input {
        case .started(let seeds, let remembered):
            candidates = Self.candidates(seeds: seeds, remembered: remembered, at: now)
            dialDue(at: now, into: &outputs)
        case .connected(let peer):
            connectedPeers.append(peer)
            for index in candidates.indices where candidates[index].identity == peer {
                met(index, at: now)
            }
        case .isElsewhere(let peer):
            for index in candidates.indices where candidates[index].identity == peer {
                candidates[index].isElsewhere = true
            }
        case .company(let isEnough):
            hasCompany = isEnough
            hurryIfScarce(at: now)
        case .disconnected(let peer):
            connectedPeers.remove(peer)
            for index in candidates.indices where candidates[index].identity == peer { rest(index, at: now) }
            hurryIfScarce(at: now)
        case .connectAnswered(let request, let result):
            guard let index = candidates.firstIndex(where: { $0.isDialing(request) }) else { return }
            answered(index, result, at: now)
        case .deadlineReached:
            dialDue(at: now, into: &outputs)
            endVisits(at: now, into: &outputs)
        }
    }

    private mutating func endVisits(at now: Instant, into outputs: inout [Output]) {
        guard hasCompany else { return }
        for index in candidates.indices where candidates[index].isSeed {
            guard case .connected(let since) = candidates[index].state, let peer = candidates[index].identity,
                since.advanced(by: Self.visitMin) <= now
            else { continue }
            candidates[index].state = .visited
            outputs.append(.release(peer))
        }
    }

    private static func candidates(seeds: [Multiaddr], remembered: [StoredPeer], at now: Instant) -> [Candidate] {
        let configured = seeds.prefix(seedCountMax).map { seed in
            Candidate(peer: seed.peerID, addresses: [seed], isSeed: true, state: .resting(until: now))
        }
        let known = Set(configured.compactMap(\.peer))
        let others = remembered.filter { !known.contains($0.peer) && !$0.addresses.isEmpty }
            .sorted { ($0.lastSeen, $0.peer) > ($1.lastSeen, $1.peer) }
            .prefix(rememberedCountMax)
            .map { Candidate(peer: $0.peer, addresses: $0.addresses, isSeed: false, state: .resting(until: now)) }
        return configured + others
    }

    /// How many remembered peers should be dialled beside those that are being dialled.
    private var scarceCount: Int {
        Self.companyCount - connectedPeers.count - candidates.count { !$0.isSeed && $0.isDialing }
    }

    private mutating func dialDue(at now: Instant, into outputs: inout [Output]) {
        var scarce = scarceCount
        for index in candidates.indices {
            let candidate = candidates[index]
            guard case .resting(let until) = candidate.state, until <= now else { continue }
            guard candidate.isSeed || scarce > 0 else { continue }
            if !candidate.isSeed { scarce -= 1 }
            let request = ConnectRequestID(rawValue: nextRequestID)
            nextRequestID = nextRequestID == requestIDs.upperBound ? requestIDs.lowerBound : nextRequestID + 1
            candidates[index].state = .dialing(request)
            outputs.append(.connect(request, candidate.peer, candidate.addresses))
        }
    }

    private mutating func answered(_ index: Int, _ result: Result<PeerID, ConnectFailure>, at now: Instant) {
        switch result {
        case .success(let peer):
            candidates[index].answeredBy = peer
            // The connection may have come and gone before the answer.
            if connectedPeers.contains(peer) {
                met(index, at: now)
            } else {
                rest(index, at: now)
            }
        case .failure:
            rest(index, at: now)
        }
    }

    private mutating func rest(_ index: Int, at now: Instant) {
        if hasCompany, candidates[index].isSeed, candidates[index].failures == 0 {
            let pause = random.jittered(Self.visitInterval, by: 0.2)
            candidates[index].state = .resting(until: now.advanced(by: pause))
            return
        }
        let doublings = candidates[index].isElsewhere ? 6 : min(candidates[index].failures, 6)
        candidates[index].failures += 1
        let longest = isScarce && candidates[index].isWorthATry ? Self.scarceRetryMax : Self.retryMax
        let wait = min(Self.retryMin * (1 << doublings), longest)
        candidates[index].state = .resting(until: now.advanced(by: random.jittered(wait, by: 0.2)))
    }

    private mutating func met(_ index: Int, at now: Instant) {
        candidates[index].state = .connected(since: now)
        (candidates[index].failures, candidates[index].wasThere) = (0, true)
        candidates[index].isElsewhere = false
    }

    private var isScarce: Bool { !hasCompany && connectedPeers.count < Self.companyCount }

    /// Few peers are left: whoever was to be tried much later is tried soon.
    private mutating func hurryIfScarce(at now: Instant) {
        guard isScarce else { return }
        let latest = now.advanced(by: Self.scarceRetryMax)
        for index in candidates.indices where candidates[index].isWorthATry {
            guard case .resting(let until) = candidates[index].state, until > latest else { continue }
            let wait = random.jittered(Self.scarceRetryMax, by: 0.2)
            candidates[index].state = .resting(until: min(until, now.advanced(by: wait)))
        }
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        precondition(candidates.count <= Self.seedCountMax + Self.rememberedCountMax)
    }
}

extension PeerSeeds.Candidate {
    /// Who was only remembered and never there may be gone for good.
    fileprivate var isWorthATry: Bool { !isElsewhere && (isSeed || wasThere) }

    fileprivate var isDialing: Bool {
        if case .dialing = state { true } else { false }
    }

    fileprivate func isDialing(_ request: ConnectRequestID) -> Bool {
        if case .dialing(request) = state { true } else { false }
    }
}
