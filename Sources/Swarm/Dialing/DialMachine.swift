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
    private var nextJob: UInt64 = 0
    /// Even: the driver numbers with odd ones.
    private var nextConnection: UInt64 = 2
    private var nextResolution: UInt64 = 0
    private var isStopped = false
    private(set) var nextDeadline: Instant?

    init(ownPeer: PeerID, config: DialConfig, exemptsLocalAddresses: Bool) {
        self.ownPeer = ownPeer
        self.config = config
        backoff = DialBackoff(config: config.backoff, exemptsLocalAddresses: exemptsLocalAddresses)
    }

    var attemptCount: Int { jobOfAttempt.count }
    var jobCount: Int { jobs.count }

    mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .connect(let request, let peer, let named, let known):
            connect(request, to: peer, named: named, known: known, at: now, into: &outputs)
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
        assert(jobOfLookup.count <= Self.lookupCountMax)
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
            takeUp(named, isTrusted: true, in: id, at: now)
            return
        }
        let waiting = jobs.values.count { $0.attempts.isEmpty }
        guard waiting < config.queueMax, jobs.count < config.queueMax + config.parallelMax else {
            return outputs.append(.answered(request, .failure(.queueFull)))
        }
        let id = nextJob
        nextJob += 1
        jobs[id] = DialJob(peer: peer, request: request, deadline: now.advanced(by: config.requestTimeout))
        if let peer { jobOfPeer[peer] = id }
        takeUp(named, isTrusted: true, in: id, at: now)
        takeUp(known, isTrusted: false, in: id, at: now)
    }

    private func refusal(of peer: PeerID?) -> ConnectFailure? {
        if isStopped { return .shuttingDown }
        return peer == ownPeer ? .selfDial : nil
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
            let target = DialBackoff.Target(peer: job.peer, endpoint: endpoint)
            guard !backoff.isWaiting(target, isStrange: !isTrusted, at: now) else {
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
        guard depth <= config.resolutionDepthMax, let count = jobs[id]?.nameCount, count < config.resolutionsPerPeerMax
        else {
            jobs[id]?.note(.resolution("too many names"))
            return
        }
        jobs[id]?.nameCount += 1
        jobs[id]?.names.append(DialJob.Name(query: query, port: port, depth: depth, isTrusted: isTrusted))
    }

    private mutating func resolved(_ resolution: ResolutionID, _ answer: NameAnswer, at now: Instant) {
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
                .filter { name.isTrusted || $0.isDialable(learnedFrom: Self.stranger) }
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

    /// Somebody in no network of ours (TEST-NET-1, RFC 5737).
    private static let stranger = IPAddress(192, 0, 2, 1)

    // MARK: Attempts

    private mutating func failed(_ connection: ConnectionID, _ failure: ConnectFailure, at now: Instant) {
        guard let id = close(connection), let attempt = jobs[id]?.attempts.removeValue(forKey: connection) else {
            return
        }
        switch failure {
        // Our own doing says nothing about the address.
        case .limited, .banned: break
        default:
            let target = DialBackoff.Target(peer: jobs[id]?.peer, endpoint: attempt.endpoint)
            let isStrange = jobs[id]?.strange.contains(attempt.endpoint) == true
            backoff.failed(target, isStrange: isStrange, at: now)
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
        strangers.reached(attempt.endpoint)
        finish(id, .success(peer), into: &outputs)
    }

    private mutating func finish(_ id: UInt64, _ result: Result<PeerID, ConnectFailure>, into outputs: inout [Output]) {
        guard let job = jobs.removeValue(forKey: id) else { return }
        if let peer = job.peer { jobOfPeer[peer] = nil }
        for (connection, _) in job.attempts {
            _ = close(connection)
            outputs.append(.abort(connection))
        }
        for resolution in job.lookups.keys { jobOfLookup[resolution] = nil }
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
        while jobOfLookup.count < Self.lookupCountMax, let name = jobs[id]?.names.popFirst() {
            let resolution = ResolutionID(rawValue: nextResolution)
            nextResolution += 1
            jobOfLookup[resolution] = id
            jobs[id]?.lookups[resolution] = (name, now.advanced(by: config.resolutionTimeout))
            outputs.append(.resolve(resolution, name.query))
        }
    }

    private mutating func startAttempts(of id: UInt64, at now: Instant, into outputs: inout [Output]) {
        while let job = jobs[id], let index = nextEndpoint(of: job) {
            guard job.attempts.isEmpty || job.nextAttemptAt.map({ $0 <= now }) ?? true else { return }
            let endpoint = job.endpoints[index]
            jobs[id]?.endpoints.remove(at: index)
            let isStrange = isStrange(endpoint, to: job)
            if isStrange, !strangers.take(endpoint, at: now) {
                jobs[id]?.putOff(endpoint)
                continue
            }
            let connection = ConnectionID(rawValue: nextConnection)
            nextConnection += 2
            let timeout = endpoint.address.isExemptFromNetworkLimits ? config.nearTimeout : config.farTimeout
            jobOfAttempt[connection] = id
            if isStrange { strangeAttempts.insert(connection) }
            jobs[id]?.attempts[connection] = DialJob.Attempt(endpoint: endpoint, timeout: now.advanced(by: timeout))
            jobs[id]?.nextAttemptAt = now.advanced(by: config.nextAddressDelay)
            outputs.append(.dial(connection, endpoint, expecting: job.peer))
        }
    }

    /// Which of its endpoints a job may try next: first where the operator or the application sends us, or where we have been.
    ///
    /// A stranger's word may lead into black holes that hold a place for as long as TCP waits: it gets two places of a job and half of
    /// all, so that whoever is known never waits for them.
    private func nextEndpoint(of job: DialJob) -> Int? {
        guard !job.endpoints.isEmpty, jobOfAttempt.count < config.parallelMax else { return nil }
        if let known = job.endpoints.firstIndex(where: { !isStrange($0, to: job) }) { return known }
        let ownCount = job.attempts.keys.count(where: strangeAttempts.contains)
        let hasPlace = ownCount < Self.strangeAttemptsPerJobMax && strangeAttempts.count < strangeAttemptCountMax
        return hasPlace ? 0 : nil
    }

    private var strangeAttemptCountMax: Int { max(1, config.parallelMax / 2) }

    private func isStrange(_ endpoint: Endpoint, to job: DialJob) -> Bool {
        job.strange.contains(endpoint) && strangers.limits(endpoint)
    }

    private mutating func arm(at now: Instant) {
        nextDeadline = jobs.values.map { job in
            guard let next = job.nextAttemptAt, nextEndpoint(of: job) != nil else { return job.nextDeadline }
            return min(job.nextDeadline, next)
        }.min()
    }
}
