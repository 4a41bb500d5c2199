internal import DequeModule
internal import Identity
internal import OrderedCollections
internal import Primitives

// What we want from others: commands become queries, queries become requests.
extension KademliaMachine {
    mutating func accept(
        _ command: KademliaCommand,
        _ id: KademliaCommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        do throws(KademliaFailure) {
            if let result = try resultAtOnce(of: command, at: now) {
                outputs.append(.finished(id, result))
                return
            }
            guard launch(try purpose(of: command, at: now), command: id, at: now, into: &outputs) else { throw .busy }
        } catch {
            outputs.append(.finished(id, .failed(error)))
        }
    }

    /// What can be said without asking anybody.
    private mutating func resultAtOnce(
        of command: KademliaCommand,
        at now: Instant
    ) throws(KademliaFailure) -> KademliaResult? {
        switch command {
        case .findPeer(let peer) where peer == own: return .peer(KademliaPeer(id: own, addresses: ownAddresses))
        case .findPeer(let peer): return connected[peer].map(KademliaResult.peer)
        case .withdraw(let key):
            publications.withdraw(key)
            return .withdrawn
        case .closestPeers, .provide, .findProviders, .putValue, .getValue:
            return nil
        }
    }

    private mutating func purpose(
        of command: KademliaCommand,
        at now: Instant
    ) throws(KademliaFailure) -> Query.Purpose {
        let purpose: Query.Purpose
        switch command {
        case .findPeer(let peer): purpose = .findPeer(peer)
        case .closestPeers(let key): purpose = .closest(key)
        case .provide(let key): purpose = .provide(key)
        case .findProviders(let key): purpose = .findProviders(key)
        case .putValue(let value): purpose = .putValue(value)
        case .getValue(let key, let quorum): purpose = .getValue(key, quorum: max(1, quorum))
        case .withdraw: preconditionFailure("a withdrawal asks nobody")
        }
        guard (1...KademliaMessage.keyByteCountMax).contains(purpose.key.count) else { throw .malformedKey }
        switch purpose {
        case .provide(let key):
            let dueAt = now.advanced(by: config.interval(of: key, .provided, after: 0))
            guard publications.keep(.provided, for: key, dueAt: dueAt) else { throw .busy }
        case .putValue(let value):
            guard let clock, let standing = judge(value, at: now) else { throw .refusedValue }
            let unixMilliseconds = clock.unixMilliseconds(at: now)
            let outcome = values.put(value.value, standing, for: value.key, unixMilliseconds: unixMilliseconds)
            guard outcome != .outdated else { throw .refusedValue }
            let dueAt = now.advanced(by: config.publishInterval)
            guard publications.keep(.value(value.value), for: value.key, dueAt: dueAt) else { throw .busy }
        case .findPeer, .closest, .refresh, .findProviders, .getValue:
            break
        }
        return purpose
    }

    /// From now on values are judged otherwise: what is shunned is neither held nor found any more.
    mutating func judge(by validator: any ValueValidator, at now: Instant) {
        self.validator = validator
        guard let unixMilliseconds = clock?.unixMilliseconds(at: now) else { return }
        values.drop { validator.shuns($0, unixMilliseconds: unixMilliseconds) }
        for (id, query) in queries where validator.shuns(query.purpose.key, unixMilliseconds: unixMilliseconds) {
            queries[id]?.dropValues()
        }
    }

    /// The standing of a value that may be kept now; `nil` for all others, and before the time is known.
    func judge(_ value: KademliaValue, at now: Instant) -> ValueStanding? {
        guard let clock, value.value.count <= config.valueByteCountMax else { return nil }
        let unixMilliseconds = clock.unixMilliseconds(at: now)
        guard !validator.shuns(value.key, unixMilliseconds: unixMilliseconds),
            let standing = validator.judge(value, unixMilliseconds: unixMilliseconds)
        else { return nil }
        let expiresIn = standing.expiresAtUnixMilliseconds.subtractingReportingOverflow(unixMilliseconds)
        guard !expiresIn.overflow, expiresIn.partialValue > 0,
            expiresIn.partialValue <= config.valueLifetimeMax.milliseconds
        else { return nil }
        return standing
    }

    /// Starts a query, or lets it wait for a place; returns `false` when too many wait.
    mutating func launch(
        _ purpose: Query.Purpose,
        command: KademliaCommandID?,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Bool {
        if queries.count < KademliaLimits.queryCountMax {
            begin(purpose, command: command, at: now, into: &outputs)
            return true
        }
        guard waitingCommands.count < KademliaLimits.waitingCommandCountMax else { return false }
        waitingCommands.append((command, purpose))
        return true
    }

    private mutating func begin(
        _ purpose: Query.Purpose,
        command: KademliaCommandID?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let id = QueryID(rawValue: nextQueryID)
        nextQueryID += 1
        var query = Query(
            purpose,
            command: command,
            limits: limits(of: purpose),
            own: own,
            // Twice as many as will be asked, lest every dead one leave a hole.
            seeds: known.closest(to: KademliaKey(hashing: purpose.key), count: 2 * config.k),
            startedAt: now,
            deadline: now.advanced(by: config.queryTimeout)
        )
        switch purpose {
        case .findProviders(let key):
            query.found(providers.sample(Query.providersPerAnswerMax, of: key, using: &random, at: now))
        case .getValue(let key, _):
            guard let clock else { break }
            let held = values.live(key, unixMilliseconds: clock.unixMilliseconds(at: now))
            if let held { query.found(held.value, held.standing, at: nil) }
        case .findPeer, .closest, .refresh, .provide, .putValue:
            break
        }
        queries[id] = query
        advance(id, at: now, into: &outputs)
    }

    private func limits(of purpose: Query.Purpose) -> LookupLimits {
        switch purpose {
        case .refresh(own.bytes):
            // Whoever hides a node from its neighbours hides all that they hold from it, and it from them.
            return config.careful
        case .refresh:
            return config.routing
        case .findPeer, .closest, .putValue, .getValue:
            // A peer that is there ends its search as soon as one path comes to it: with three liars next to it one path alone would end
            // with them (go-libp2p-kad-dht's resiliency of three). The others cost requests only where nobody is found.
            return config.careful
        case .provide, .findProviders:
            // Segments stand under eight keys, of which one is enough.
            return config.secure
        }
    }

    /// Asks whom the lookup names, until it waits or ends.
    mutating func advance(_ id: QueryID, at now: Instant, into outputs: inout [Output]) {
        guard queries[id]?.storing == nil else { return }
        while let step = queries[id]?.lookup.next() {
            switch step {
            case .wait: return
            case .finished: return end(id, at: now, into: &outputs)
            case .ask(let contact):
                guard queries[id]?.mayAsk(contact) == true else {
                    queries[id]?.lookup.failed(contact)
                    continue
                }
                guard let peer = queries[id]?.contacts.peer(contact), let bytes = queries[id]?.request,
                    let kind = queries[id]?.purpose.kind
                else { return }
                let request = RequestBook.Request(peer: peer, purpose: .lookup(id, contact), kind: kind)
                guard let number = requests.open(request, at: now) else {
                    queries[id]?.lookup.failed(contact)
                    continue
                }
                outputs.append(.request(number, peer, bytes, expectsResponse: true))
            }
        }
    }

    /// The search is over: what was to be stored goes to the nearest, everything else is done.
    mutating func end(_ id: QueryID, at now: Instant, into outputs: inout [Output]) {
        guard let purpose = queries[id]?.purpose, queries[id]?.storing == nil else {
            return conclude(id, at: now, into: &outputs)
        }
        let message: KademliaMessage
        switch purpose {
        case .provide(let key):
            let provider = KademliaPeer(id: own, addresses: ownAddresses)
            message = KademliaMessage(kind: .addProvider, key: key, providerPeers: [provider])
        case .putValue(let value):
            message = KademliaMessage(kind: .putValue, key: value.key, record: value)
        case .findPeer, .closest, .refresh, .findProviders, .getValue:
            return conclude(id, at: now, into: &outputs)
        }
        let holders = queries[id]?.nearest ?? []
        let sentCount = send(message, to: holders, purpose: .store(id), at: now, into: &outputs)
        queries[id]?.storing = (pending: sentCount, stored: 0)
        queries[id]?.sentCount = sentCount
        // Each request ends by then, and with the last of them the query.
        let deadline = now.advanced(by: config.requestTimeout)
        queries[id]?.deadline = deadline
        if sentCount == 0 { conclude(id, at: now, into: &outputs) }
    }

    /// One holder has confirmed or failed.
    mutating func stored(_ id: QueryID, _ isStored: Bool, at now: Instant, into outputs: inout [Output]) {
        guard let storing = queries[id]?.storing else { return }
        queries[id]?.storing = (storing.pending - 1, storing.stored + (isStored ? 1 : 0))
        if storing.pending == 1 { conclude(id, at: now, into: &outputs) }
    }

    private mutating func conclude(_ id: QueryID, at now: Instant, into outputs: inout [Output]) {
        guard let query = queries.removeValue(forKey: id) else { return }
        let key = KademliaKey(hashing: query.purpose.key)
        refresh.searched(bucket: ownKey.commonPrefixLength(with: key), at: now)
        if case .getValue(let key, _) = query.purpose, let best = query.best {
            let correction = KademliaMessage(
                kind: .putValue,
                key: key,
                record: KademliaValue(key: key, value: best.value)
            )
            let holders = query.outdatedHolders.prefix(KademliaLimits.correctionCountMax)
            _ = send(correction, to: Array(holders), purpose: .correction, at: now, into: &outputs)
        }
        let result = result(of: query)
        switch query.purpose {
        case .provide, .putValue:
            publications.published(query.purpose.key, isKept: query.storing?.stored ?? 0 > 0, at: now)
        case .findPeer, .closest, .refresh, .findProviders, .getValue: break
        }
        outputs.append(.searched(LookupSummary(query, result, at: now)))
        if let command = query.command { outputs.append(.finished(command, result)) }
        if case .refresh = query.purpose { continueRefresh(at: now, into: &outputs) }
        while queries.count < KademliaLimits.queryCountMax, let (command, purpose) = waitingCommands.popFirst() {
            begin(purpose, command: command, at: now, into: &outputs)
        }
    }

    private func result(of query: Query) -> KademliaResult {
        let nobody = query.lookup.requestCount == 0
        switch query.purpose {
        case .findPeer(let target):
            // Whoever only uses the network cannot answer: what others say of its addresses is what there is.
            guard let peer = query.contacts.peer(named: target), !peer.addresses.isEmpty else {
                return .failed(nobody ? .noPeers : .notFound)
            }
            return .peer(peer)
        case .closest, .refresh:
            return nobody ? .failed(.noPeers) : .closest(query.nearest)
        case .findProviders:
            let found = query.rankedProviders
            return found.isEmpty ? .failed(nobody ? .noPeers : .notFound) : .providers(found)
        case .getValue:
            return query.best.map { .value($0.value) } ?? .failed(nobody ? .noPeers : .notFound)
        case .provide, .putValue:
            let stored = query.storing?.stored ?? 0
            guard stored > 0 else { return .failed(nobody ? .noPeers : .notStored) }
            if case .provide = query.purpose { return .provided(peerCount: stored) }
            return .stored(peerCount: stored)
        }
    }

    /// Sends one message to many; returns to how many.
    private mutating func send(
        _ message: KademliaMessage,
        to peers: [KademliaPeer],
        purpose: RequestBook.Purpose,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Int {
        let bytes = message.encoded
        var sentCount = 0
        for peer in peers {
            let request = RequestBook.Request(peer: peer, purpose: purpose, kind: message.kind)
            guard let id = requests.open(request, at: now) else { break }
            outputs.append(.request(id, peer, bytes, expectsResponse: message.kind != .addProvider))
            sentCount += 1
        }
        return sentCount
    }

    /// Publishes again what is due.
    mutating func publishDue(at now: Instant, into outputs: inout [Output]) {
        let config = config
        while let (key, content) = publications.takeDue(
            at: now,
            again: { key, content, count in now.advanced(by: config.interval(of: key, content, after: count)) }
        ) {
            let purpose: Query.Purpose
            switch content {
            case .provided: purpose = .provide(key)
            case .value(let value):
                guard judge(KademliaValue(key: key, value: value), at: now) != nil else {
                    publications.withdraw(key)
                    continue
                }
                purpose = .putValue(KademliaValue(key: key, value: value))
            }
            guard launch(purpose, command: nil, at: now, into: &outputs) else {
                _ = publications.keep(content, for: key, dueAt: now.advanced(by: KademliaLimits.hurriedInterval))
                continue
            }
        }
    }
}

extension KademliaConfig {
    /// How long after it was said for the `count`th time something is said again.
    fileprivate func interval(of key: [UInt8], _ content: Publications.Content, after count: Int) -> Duration {
        guard content == .provided else { return publishInterval }
        return waitingKeys.contains(key) && count < waitingIntervals.count ? waitingIntervals[count] : provideInterval
    }
}
