internal import DequeModule
internal import Identity
internal import OrderedCollections
internal import Primitives

/// Turns the wish to be connected with a peer into dials: which address, when, how many at once.
///
/// Wishes for one peer are one job. A job resolves names, orders what it finds (near first, then both families in turn), and
/// tries the next address when one fails or 250 ms have passed without a success ("happy eyeballs", RFC 8305). The first
/// connection that is fully upgraded wins; the other attempts of the job are dropped.
struct DialMachine: Sendable {
    enum Input: Sendable {
        /// `named` are the addresses of the request, `known` those of the address book.
        case connect(ConnectRequestID, PeerID?, named: [Multiaddr], known: [Multiaddr])
        /// Nobody waits for an answer to this wish any more.
        case cancel(ConnectRequestID)
        /// Somebody told of further addresses of a peer that may be being dialled.
        case learned(PeerID, [Multiaddr])
        case resolved(ResolutionID, NameAnswer)
        /// TCP is through.
        case dialed(ConnectionID)
        /// The attempt, or its upgrade, came to nothing.
        case failed(ConnectionID, ConnectFailure)
        /// The attempt is an upgraded connection to this peer.
        case succeeded(ConnectionID, PeerID)
        /// A connection with the peer came about without us: it dialled.
        case connected(PeerID)
        case stop
        case deadlineReached
    }

    enum Output: Hashable, Sendable {
        case dial(ConnectionID, Endpoint, expecting: PeerID?)
        case abort(ConnectionID)
        case resolve(ResolutionID, NameQuery)
        case answered(ConnectRequestID, Result<PeerID, ConnectFailure>)
    }

    /// Names that are looked up at once, over all jobs.
    static let lookupCountMax = 16
    /// Those of them that strangers named: others wait for none of these.
    static let strangeLookupCountMax = 8
    /// Names that strangers have us look up for one job: a list, and what it leads to.
    static let strangeNamesPerJobMax = 2
    /// Attempts of one job, at once, at addresses that only strangers named.
    static let strangeAttemptsPerJobMax = 2

    let ownPeer: PeerID
    let config: DialConfig
    private(set) var backoff: DialBackoff
    private var strangers = StrangerDials()
    private var jobs: OrderedDictionary<UInt64, DialJob> = [:]
    private var jobOfPeer: [PeerID: UInt64] = [:]
    private var jobOfAttempt: [ConnectionID: UInt64] = [:]
    /// Those of the attempts that go where only strangers say that somebody is.
    private var strangeAttempts: Set<ConnectionID> = []
    private var jobOfLookup: [ResolutionID: UInt64] = [:]
    private var strangeLookups: Set<ResolutionID> = []
    private var nextJob: UInt64 = 0
    /// Even: the driver numbers with odd ones.
    private var nextConnection: UInt64 = 2
    private var nextResolution: UInt64 = 0
    private var isStopped = false
    private(set) var nextDeadline: Instant?

    init(ownPeer: PeerID, config: DialConfig) {
        self.ownPeer = ownPeer
        self.config = config
        backoff = DialBackoff(config: config.backoff)
    }

    var attemptCount: Int { jobOfAttempt.count }
    var jobCount: Int { jobs.count }

    mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .connect(let request, let peer, let named, let known):
            connect(request, to: peer, named: named, known: known, at: now, into: &outputs)
        case .cancel(let request): cancel(request, into: &outputs)
        case .learned(let peer, let addresses):
            if let job = jobOfPeer[peer] { takeUp(addresses, isTrusted: false, in: job, at: now) }
        case .resolved(let id, let answer):
            resolved(id, answer, at: now)
        case .dialed(let id):
            if let job = jobOfAttempt[id] { jobs[job]?.attempts[id]?.timeout = nil }
        case .failed(let id, let failure):
            failed(id, failure, at: now)
        case .succeeded(let id, let peer):
            succeeded(id, peer, into: &outputs)
        case .connected(let peer):
            if let job = jobOfPeer[peer] { finish(job, .success(peer), into: &outputs) }
        case .stop:
            isStopped = true
            for job in Array(jobs.keys) { finish(job, .failure(.shuttingDown), into: &outputs) }
        case .deadlineReached:
            expire(at: now, into: &outputs)
        }
        advance(at: now, into: &outputs)
        arm(at: now)
    }

    func checkInvariants() {
        assert(jobOfAttempt.count <= config.parallelMax && jobs.count <= config.queueMax + config.parallelMax)
        assert(jobs.values.reduce(0) { $0 + $1.attempts.count } == jobOfAttempt.count)
        assert(jobs.values.reduce(0) { $0 + $1.lookups.count } == jobOfLookup.count)
        assert(jobOfLookup.count <= Self.lookupCountMax && strangeLookups.count <= Self.strangeLookupCountMax)
        assert(strangeLookups.allSatisfy { jobOfLookup[$0] != nil })
        assert(
            strangeAttempts.count <= strangeAttemptCountMax && strangeAttempts.allSatisfy { jobOfAttempt[$0] != nil }
        )
        assert(jobs.values.allSatisfy { !$0.isExhausted && !$0.requests.isEmpty })
        assert(jobOfPeer.allSatisfy { jobs[$0.value]?.peer == $0.key })
        backoff.checkInvariants()
        strangers.checkInvariants()
    }

    // MARK: Requests

    private mutating func connect(
        _ request: ConnectRequestID,
        to wanted: PeerID?,
        named: [Multiaddr],
        known: [Multiaddr],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let peer = wanted ?? named.first { !$0.isRelayed }?.peerID
        if let refusal = refusal(of: peer) { return outputs.append(.answered(request, .failure(refusal))) }
        if let peer, let id = jobOfPeer[peer] {
            guard let count = jobs[id]?.requests.count, count < config.requestsPerPeerMax else {
                return outputs.append(.answered(request, .failure(.queueFull)))
            }
            jobs[id]?.requests.append(request)
            if !named.isEmpty { jobs[id]?.isStrange = false }
            takeUp(named, isTrusted: true, in: id, at: now)
            return
        }
        let isStrange = named.isEmpty && isStrange(known, of: peer)
        guard hasRoom(forStranger: isStrange) else {
            return outputs.append(.answered(request, .failure(.queueFull)))
        }
        let id = nextJob
        nextJob += 1
        let deadline = now.advanced(by: config.requestTimeout)
        jobs[id] = DialJob(peer: peer, request: request, isStrange: isStrange, deadline: deadline)
        if let peer { jobOfPeer[peer] = id }
        takeUp(named, isTrusted: true, in: id, at: now)
        takeUp(known, isTrusted: false, in: id, at: now)
    }

    private func refusal(of peer: PeerID?) -> ConnectFailure? {
        if isStopped { return .shuttingDown }
        return peer == ownPeer ? .selfDial : nil
    }

    /// Whether nobody but strangers say that the peer is at these addresses.
    private func isStrange(_ known: [Multiaddr], of peer: PeerID?) -> Bool {
        known.allSatisfy { address in
            guard let endpoint = address.tcpEndpoint else { return true }
            return strangers.limits(DialBackoff.Target(peer: peer, endpoint: endpoint))
        }
    }

    /// Strangers' words fill no more than half of the queue, whoever speaks and however much.
    private func hasRoom(forStranger isStrange: Bool) -> Bool {
        let waiting = jobs.values.count { $0.attempts.isEmpty }
        guard waiting < config.queueMax, jobs.count < config.queueMax + config.parallelMax else { return false }
        return !isStrange || jobs.values.count { $0.attempts.isEmpty && $0.isStrange } < config.queueMax / 2
    }

    private mutating func cancel(_ request: ConnectRequestID, into outputs: inout [Output]) {
        guard let id = jobs.elements.first(where: { $0.value.requests.contains(request) })?.key else { return }
        jobs[id]?.requests.removeAll { $0 == request }
        if jobs[id]?.requests.isEmpty == true { finish(id, .failure(.timedOut), into: &outputs) }
    }

    /// Sorts addresses into endpoints to try and names to look up.
    private mutating func takeUp(
        _ addresses: [Multiaddr],
        isTrusted: Bool,
        depth: Int = 0,
        in id: UInt64,
        at now: Instant
    ) {
        for address in addresses {
            guard let peer = jobs[id]?.peer else {
                takeUp(address, isTrusted: isTrusted, depth: depth, in: id, at: now)
                continue
            }
            if let named = address.peerID, named != peer, !address.isRelayed {
                jobs[id]?.note(.wrongPeer(named))
            } else {
                takeUp(address, isTrusted: isTrusted, depth: depth, in: id, at: now)
            }
        }
    }

    private mutating func takeUp(_ address: Multiaddr, isTrusted: Bool, depth: Int, in id: UInt64, at now: Instant) {
        switch address.dialTarget {
        case .endpoint(let endpoint):
            takeUp([endpoint], isTrusted: isTrusted, in: id, at: now)
        case .name(let name, let port, .any):
            look(up: .addresses(name), port: port, depth: depth, isTrusted: isTrusted, in: id)
        case .name(let name, let port, .ipv4):
            look(up: .ipv4Addresses(name), port: port, depth: depth, isTrusted: isTrusted, in: id)
        case .name(let name, let port, .ipv6):
            look(up: .ipv6Addresses(name), port: port, depth: depth, isTrusted: isTrusted, in: id)
        case .addressList(let name):
            look(up: .text(name), port: nil, depth: depth + 1, isTrusted: isTrusted, in: id)
        case .relayed:
            jobs[id]?.note(.relayUnsupported)
        case .unsupported:
            jobs[id]?.note(.noDialableAddress)
        }
    }

    private mutating func takeUp(_ endpoints: [Endpoint], isTrusted: Bool, in id: UInt64, at now: Instant) {
        guard var job = jobs[id] else { return }
        for endpoint in endpoints where endpoint.port > 0 && endpoint.address.scope != nil {
            if isTrusted, job.strange.remove(endpoint) != nil {
                // Strangers told of it first; from now on it is not their word that counts, nor their places.
                for (id, attempt) in job.attempts where attempt.endpoint == endpoint { strangeAttempts.remove(id) }
            }
            guard job.seen.count < config.endpointsPerPeerMax, !job.seen.contains(endpoint) else { continue }
            guard !backoff.isWaiting(DialBackoff.Target(peer: job.peer, endpoint: endpoint), at: now) else {
                job.note(.backoff)
                continue
            }
            job.seen.insert(endpoint)
            job.endpoints.append(endpoint)
            if !isTrusted { job.strange.insert(endpoint) }
        }
        job.endpoints = HappyOrder.ordered(job.endpoints) { $0.isExemptFromNetworkLimits }
        jobs[id] = job
    }

    // MARK: Names

    private mutating func look(up query: NameQuery, port: UInt16?, depth: Int, isTrusted: Bool, in id: UInt64) {
        let countMax = isTrusted ? config.resolutionsPerPeerMax : Self.strangeNamesPerJobMax
        guard depth <= config.resolutionDepthMax, let count = jobs[id]?.nameCount, count < countMax else {
            jobs[id]?.note(.resolution("too many names"))
            return
        }
        jobs[id]?.nameCount += 1
        jobs[id]?.names.append(DialJob.Name(query: query, port: port, depth: depth, isTrusted: isTrusted))
    }

    private mutating func resolved(_ resolution: ResolutionID, _ answer: NameAnswer, at now: Instant) {
        strangeLookups.remove(resolution)
        guard let id = jobOfLookup.removeValue(forKey: resolution),
            let name = jobs[id]?.lookups.removeValue(forKey: resolution)?.name
        else { return }
        switch answer {
        case .addresses(let addresses):
            guard let port = name.port else { break }
            let usable = addresses.prefix(config.addressesPerAnswerMax).filter { name.isTrusted || $0.scope == .global }
            takeUp(usable.map { Endpoint(address: $0, port: port) }, isTrusted: name.isTrusted, in: id, at: now)
        case .text(let lines):
            let prefix = "dnsaddr="
            let listed = lines.filter { $0.hasPrefix(prefix) }
                .compactMap { try? Multiaddr(text: String($0.dropFirst(prefix.count))) }
                .filter { jobs[id]?.peer == nil || $0.peerID == jobs[id]?.peer }
                .filter { name.isTrusted || $0.isDialable(learnedFrom: .farAway) }
            takeUp(
                Array(listed.prefix(config.addressesPerAnswerMax)),
                isTrusted: name.isTrusted,
                depth: name.depth,
                in: id,
                at: now
            )
        case .failed(let reason):
            return note(.resolution(reason), in: id)
        }
        if jobs[id]?.isExhausted == true { note(.resolution("no usable address"), in: id) }
    }

    private mutating func note(_ failure: ConnectFailure, in id: UInt64) {
        jobs[id]?.note(failure)
    }

    // MARK: Attempts

    private mutating func failed(_ connection: ConnectionID, _ failure: ConnectFailure, at now: Instant) {
        guard let id = close(connection), let attempt = jobs[id]?.attempts.removeValue(forKey: connection) else {
            return
        }
        switch failure {
        // Our own doing says nothing about the address.
        case .limited, .banned: break
        default: backoff.failed(DialBackoff.Target(peer: jobs[id]?.peer, endpoint: attempt.endpoint), at: now)
        }
        // Whoever names others at somebody's door only shows us who lives there.
        if case .wrongPeer(let peer) = failure {
            strangers.met(DialBackoff.Target(peer: peer, endpoint: attempt.endpoint))
        }
        jobs[id]?.note(failure)
        jobs[id]?.nextAttemptAt = nil
    }

    /// An attempt is over; gives its job.
    private mutating func close(_ connection: ConnectionID) -> UInt64? {
        strangeAttempts.remove(connection)
        return jobOfAttempt.removeValue(forKey: connection)
    }

    private mutating func succeeded(_ connection: ConnectionID, _ peer: PeerID, into outputs: inout [Output]) {
        guard let id = close(connection), let attempt = jobs[id]?.attempts.removeValue(forKey: connection) else {
            return
        }
        backoff.succeeded(DialBackoff.Target(peer: jobs[id]?.peer, endpoint: attempt.endpoint))
        strangers.met(DialBackoff.Target(peer: peer, endpoint: attempt.endpoint))
        finish(id, .success(peer), into: &outputs)
    }

    private mutating func finish(_ id: UInt64, _ result: Result<PeerID, ConnectFailure>, into outputs: inout [Output]) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        if let peer = job.peer { jobOfPeer[peer] = nil }
        for (connection, _) in job.attempts {
            _ = close(connection)
            outputs.append(.abort(connection))
        }
        for resolution in job.lookups.keys {
            jobOfLookup[resolution] = nil
            strangeLookups.remove(resolution)
        }
        outputs += job.requests.map { .answered($0, result) }
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        for id in Array(jobs.keys) {
            guard let job = jobs[id], job.nextDeadline <= now else { continue }
            guard now < job.deadline else {
                // Whoever was never dialled has not failed: our places were taken.
                let isUntried = job.attempts.isEmpty && !job.endpoints.isEmpty
                finish(id, .failure(job.failure ?? (isUntried ? .queueFull : .timedOut)), into: &outputs)
                continue
            }
            for (connection, attempt) in job.attempts {
                guard let timeout = attempt.timeout, timeout <= now else { continue }
                failed(connection, .timedOut, at: now)
                outputs.append(.abort(connection))
            }
            for (resolution, lookup) in job.lookups where lookup.timeout <= now {
                resolved(resolution, .failed("timed out"), at: now)
            }
        }
    }

    /// Starts what may start, oldest job first, and ends the jobs that have nothing left.
    private mutating func advance(at now: Instant, into outputs: inout [Output]) {
        for id in Array(jobs.keys) {
            startLookups(of: id, at: now, into: &outputs)
            startAttempts(of: id, at: now, into: &outputs)
            guard let job = jobs[id], job.isExhausted else { continue }
            finish(id, .failure(job.failure ?? .noAddresses), into: &outputs)
        }
    }

    private mutating func startLookups(of id: UInt64, at now: Instant, into outputs: inout [Output]) {
        while let index = nextName(of: id), let name = jobs[id]?.names.remove(at: index) {
            let resolution = ResolutionID(rawValue: nextResolution)
            nextResolution += 1
            jobOfLookup[resolution] = id
            if !name.isTrusted { strangeLookups.insert(resolution) }
            jobs[id]?.lookups[resolution] = (name, now.advanced(by: config.resolutionTimeout))
            outputs.append(.resolve(resolution, name.query))
        }
    }

    private func nextName(of id: UInt64) -> Int? {
        guard jobOfLookup.count < Self.lookupCountMax else { return nil }
        let mayBeStrange = strangeLookups.count < Self.strangeLookupCountMax
        return jobs[id]?.names.firstIndex { $0.isTrusted || mayBeStrange }
    }

    private mutating func startAttempts(of id: UInt64, at now: Instant, into outputs: inout [Output]) {
        while let job = jobs[id], let index = nextEndpoint(of: job, at: now) {
            guard job.attempts.isEmpty || job.nextAttemptAt.map({ $0 <= now }) ?? true else { return }
            let endpoint = job.endpoints[index]
            jobs[id]?.endpoints.remove(at: index)
            let isStrange = isStrange(endpoint, to: job)
            let connection = ConnectionID(rawValue: nextConnection)
            nextConnection += 2
            let isNear = endpoint.address.isExemptFromNetworkLimits
            let timeout = isNear ? config.nearTimeout : isStrange ? config.strangeTimeout : config.farTimeout
            jobOfAttempt[connection] = id
            if isStrange {
                strangeAttempts.insert(connection)
                strangers.dialled(endpoint, at: now)
            }
            jobs[id]?.attempts[connection] = DialJob.Attempt(endpoint: endpoint, timeout: now.advanced(by: timeout))
            jobs[id]?.nextAttemptAt = now.advanced(by: config.nextAddressDelay)
            outputs.append(.dial(connection, endpoint, expecting: job.peer))
        }
    }

    /// Which of its endpoints a job may try next: first where the operator or the application sends us, or where we have been.
    ///
    /// A stranger's word may lead into black holes that hold a place for as long as TCP waits: it gets two places of a job and half of
    /// all, so that whoever is known never waits for them. A host that was dialled within the minute is put off.
    private func nextEndpoint(of job: DialJob, at now: Instant) -> Int? {
        guard !job.endpoints.isEmpty, jobOfAttempt.count < config.parallelMax else { return nil }
        if let known = job.endpoints.firstIndex(where: { !isStrange($0, to: job) }) { return known }
        let ownCount = job.attempts.keys.count(where: strangeAttempts.contains)
        guard ownCount < Self.strangeAttemptsPerJobMax, strangeAttempts.count < strangeAttemptCountMax else {
            return nil
        }
        return job.endpoints.firstIndex { strangers.opening(of: $0) <= now }
    }

    private var strangeAttemptCountMax: Int { max(1, config.parallelMax / 2) }

    private func isStrange(_ endpoint: Endpoint, to job: DialJob) -> Bool {
        job.strange.contains(endpoint)
            && strangers.limits(DialBackoff.Target(peer: job.peer, endpoint: endpoint))
    }

    private mutating func arm(at now: Instant) {
        nextDeadline = jobs.values.map { min($0.nextDeadline, nextStart(of: $0, at: now) ?? $0.nextDeadline) }.min()
    }

    /// When a job may try the next of its endpoints, if time alone brings that about.
    private func nextStart(of job: DialJob, at now: Instant) -> Instant? {
        if nextEndpoint(of: job, at: now) != nil { return job.nextAttemptAt }
        return job.endpoints.map(strangers.opening).filter { $0 > now }.min()
    }
}
