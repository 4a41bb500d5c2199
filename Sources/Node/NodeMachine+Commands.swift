internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Kademlia
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// What the operator asks, and the orderly end.
extension NodeMachine {
    mutating func carryOut(_ command: NodeCommand, _ id: CommandID, at now: Instant, into outputs: inout [Output]) {
        guard case .running = phase else {
            outputs.append(.answer(id, .failed(.shuttingDown)))
            return
        }
        noteDealings(command, at: now, into: &outputs)
        switch command {
        case .status: outputs.append(.answer(id, .status(status(at: now))))
        case .peers: outputs.append(.answer(id, .peers(peers)))
        case .look(let segments, let models): look(into: segments, models: models, id, at: now, into: &outputs)
        case .follow(let segments):
            follow(segments, at: now, into: &outputs)
            outputs.append(.answer(id, .done))
        case .snapshot: outputs.append(.answer(id, .snapshot(snapshot(at: now))))
        case .ownOffers: outputs.append(.answer(id, .offers(desk.offers)))
        case .connect(let addresses): connect(to: addresses, id)
        case .disconnect(let remote):
            let isConnected = isConnected(to: remote)
            if isConnected { work.append(.swarm(.disconnect(remote))) }
            outputs.append(.answer(id, isConnected ? .done : .failed(.notConnected)))
        case .publishOffer(let draft): work.append(.desk(.publish(commands.wish(id), draft)))
        case .updateOffer(let offer, let change): work.append(.desk(.update(commands.wish(id), offer, change)))
        case .withdrawOffer(let offer, let reason):
            let kept = letSlots(of: offer, at: now)
            work.append(.desk(.withdraw(commands.wish(id), offer, reason: reason, keeping: kept)))
        case .findRecords(let prefix):
            let found = records { $0.id.bytes.starts(with: prefix) }
            outputs.append(.answer(id, .records(Array(found.prefix(NodeLimits.foundRecordCountMax)))))
        case .exportRecords(let after):
            let page = book.page(after: after, countMax: NodeLimits.exportCountMax, byteCountMax: .max)
            outputs.append(.answer(id, .exported(page.records, next: page.next)))
        case .importRecords(let envelopes): importRecords(envelopes, id, at: now, into: &outputs)
        case .resumeKey:
            clockDoubt.settle()
            work.append(.desk(.resumeSigning))
            outputs.append(.answer(id, .done))
        case .bans: tellBans(id, into: &outputs)
        case .ban(let ban): add(ban, id, at: now, into: &outputs)
        case .unban(let target): remove(target, id, at: now, into: &outputs)
        case .tune(let tuning): tune(tuning, id, at: now, into: &outputs)
        case .metrics: outputs.append(.answer(id, .metrics(metrics(at: now))))
        case .publishRequest(let draft): publishRequest(draft, id, at: now, into: &outputs)
        case .withdrawRequest(let request): withdrawRequest(request, id, at: now, into: &outputs)
        case .acceptRequest(let request, let bid): acceptRequest(request, bid, id, at: now, into: &outputs)
        case .requests: outputs.append(.answer(id, .requests(requestStatuses(at: now))))
        case .attest(let provider): attest(askedFor: provider, id, at: now, into: &outputs)
        case .proofs(let provider): outputs.append(.answer(id, .records(book.proofs(against: provider))))
        case .dht(let command): carryOut(command, id, at: now, into: &outputs)
        case .placeBid, .bids, .cancelBid, .leases, .closeLease, .readyLease, .settleLease, .credit, .leasePolicy,
            .setLeasePolicy:
            carryOutLease(command, id, at: now, into: &outputs)
        case .findStorefront(let remote): findStorefront(of: remote, for: id, at: now, into: &outputs)
        case .shutdown: shutDown(id, at: now, into: &outputs)
        }
    }

    private mutating func connect(to addresses: [Multiaddr], _ id: CommandID) {
        let remote = addresses.lazy.compactMap(\.peerID).first
        work.append(.swarm(.connect(commands.connect(id), remote, addresses)))
    }

    private mutating func importRecords(
        _ envelopes: [[UInt8]],
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard envelopes.count <= NodeLimits.importCountMax else {
            outputs.append(.answer(id, .failed(.tooMany(limit: NodeLimits.importCountMax))))
            return
        }
        guard !envelopes.isEmpty else {
            outputs.append(.answer(id, .imported([])))
            return
        }
        commands.beginImport(id, count: envelopes.count)
        for (index, envelope) in envelopes.enumerated() {
            judge(envelope, from: .command(id, index: index), at: now, into: &outputs)
        }
    }

    mutating func stepDesk(_ input: ProviderDesk.Input, at now: Instant, into outputs: inout [Output]) {
        var deskOutputs: [ProviderDesk.Output] = []
        desk.handle(input, at: now, into: &deskOutputs)
        for output in deskOutputs { handle(output, at: now, into: &outputs) }
    }

    private mutating func handle(_ output: ProviderDesk.Output, at now: Instant, into outputs: inout [Output]) {
        switch output {
        case .persist(let ticket, let changes):
            let receivedAt = wall.unixMilliseconds(at: now)
            let writes = changes.map { StoreChange($0, receivedAt: receivedAt) }
            outputs.append(.persist(tickets.draw(for: .desk(ticket)), writes))
        case .publish(let record):
            admitOwn(record, at: now)
            gossip(record)
            if record.kind == .offer || record.kind == .withdrawal { storefrontChanged(at: now) }
            tellLeases(of: record, at: now, into: &outputs)
        case .renew(let record): admitOwn(record, at: now)
        case .answered(let request, let result) where LeaseSignature(request) != nil:
            guard let signature = LeaseSignature(request) else { return }
            switch result {
            case .success(let record): work.append(.leases(.signed(signature, record)))
            case .failure(let refusal): work.append(.leases(.signFailed(signature, refusal)))
            }
        case .answered(let request, let result) where statements.isOurs(request):
            guard let purpose = statements.signed(request) else { return }
            statementSigned(purpose, result, at: now, into: &outputs)
        case .answered(let request, .success(let record)):
            if let command = commands.granted(request) { outputs.append(.answer(command, .offer(record))) }
        case .answered(let request, .failure(let refusal)):
            if let command = commands.granted(request) { outputs.append(.answer(command, .failed(.refused(refusal)))) }
        case .signingStopped: outputs.append(.event(.signingStopped))
        case .saidGoodbye: hasSaidGoodbye = true
        }
    }

    // MARK: Writes

    /// Whether anything follows from it: for most writes nobody waits.
    mutating func persisted(_ ticket: Ticket, at now: Instant, into outputs: inout [Output]) -> Bool {
        if storeFailure != nil {
            storeFailure = nil
            outputs.append(.event(.storeRecovered))
        }
        switch tickets.take(ticket) {
        case .desk(let ticket): work.append(.desk(.persisted(ticket)))
        case .leases(let ticket): work.append(.leases(.persisted(ticket)))
        case .command(let id): outputs.append(.answer(id, .done))
        case .request(let request): requestPersisted(request, at: now, into: &outputs)
        case .cache, nil: if case .running = phase { return false }
        }
        return true
    }

    mutating func persistFailed(
        _ ticket: Ticket,
        _ failure: StoreFailure,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        if storeFailure != failure { outputs.append(.event(.storeFailed(failure))) }
        storeFailure = failure
        switch tickets.take(ticket) {
        case .desk(let ticket): work.append(.desk(.persistFailed(ticket)))
        case .leases(let ticket): work.append(.leases(.persistFailed(ticket)))
        case .command(let id): outputs.append(.answer(id, .failed(.inForceOnly(failure))))
        case .request(let request): requestPersistFailed(request, failure, at: now, into: &outputs)
        case .cache, nil: break
        }
    }

    // MARK: The orderly end

    private mutating func shutDown(_ id: CommandID, at now: Instant, into outputs: inout [Output]) {
        commands.shutdown(id)
        phase = .closing(deadline: now.advanced(by: NodeLimits.shutdownTimeout))
        outputs.append(.event(.stopping))
        if !leases.isEmpty { work.append(.leases(.shutdown)) }
        work.append(.desk(.shutdown))
    }

    /// Closes the connections once the last word is said and everything is written.
    mutating func disconnect(at now: Instant) {
        phase = .disconnecting(deadline: now.advanced(by: NodeLimits.shutdownTimeout))
        work.append(.swarm(.shutdown))
    }

    mutating func stop(into outputs: inout [Output]) {
        guard phase != .stopped else { return }
        phase = .stopped
        prices.stop()
        probes.stop()
        for command in commands.takeShutdowns() { outputs.append(.answer(command, .done)) }
        outputs.append(.stopped)
    }

    // MARK: Looking

    func status(at now: Instant) -> NodeStatus {
        let clock = clockOffset
        return NodeStatus(
            peer: peer,
            network: config.network,
            addresses: toldAddresses.map { $0.with(peer: peer) },
            uptime: (startedAt ?? now).duration(to: now),
            inboundPeerCount: connected.values.count { $0.connection.direction == .inbound },
            outboundPeerCount: connected.values.count { $0.connection.direction == .outbound },
            recordCount: book.recordCount,
            listingCount: book.listings.count { $0.liveness(at: wall.unixMilliseconds(at: now)) != .gone },
            ownOfferCount: desk.offers.count,
            isSigning: desk.isSigning,
            storeFailure: storeFailure,
            unixMilliseconds: wall.unixMilliseconds(at: now),
            resources: ownSwarm.first?.resources ?? .zero,
            signing: signing,
            seedCount: config.seeds.count,
            clockOffset: clock.map { .milliseconds($0.milliseconds) },
            clockSampleCount: clock?.count ?? 0,
            table: kademlia.first.map { NodeTable($0.machine) },
            segments: followedSegments,
            followed: zip(followed.topics, followed.laneNumbers).map { topic, number in
                NodeStatus.FollowedTopic(
                    name: topic.text,
                    sinceReconciled: sync.reconciledAt[number].map { $0.duration(to: now) }
                )
            }
        )
    }

    private var peers: [NodePeer] {
        summaries.map { summary in
            NodePeer(
                summary: summary,
                score: gossip.score(of: summary.peer),
                meshTopicCount: gossip.joinedTopics.count { gossip.mesh(of: $0).contains(summary.peer) }
            )
        }
    }

    /// In the machine's seat also what only the swarm knows: further connections, and protection.
    private var summaries: [PeerSummary] {
        if let swarm = ownSwarm.first { return swarm.peers }
        return connected.map { peer, state in
            PeerSummary(
                peer: peer,
                connections: [state.connection],
                description: state.description,
                roundTrip: state.roundTrip,
                value: state.value,
                isProtected: false
            )
        }
    }

    private func snapshot(at now: Instant) -> MarketSnapshot {
        var snapshot = MarketSnapshot(
            listings: book.listings,
            unixMilliseconds: wall.unixMilliseconds(at: now),
            generation: book.generation,
            roundTrips: Dictionary(
                uniqueKeysWithValues: connected.compactMap { peer, state in state.roundTrip.map { (peer, $0) } }
            )
        )
        snapshot.statements = book.statements
        snapshot.prices = prices.history
        snapshot.viewer = MarketSnapshot.Viewer(key: key.publicKey, walkSeed: walkSeed)
        return snapshot
    }
}

extension StoreChange {
    fileprivate init(_ change: DeskChange, receivedAt: Int64) {
        switch change {
        case .reserveSequences(let number):
            self = .setFact(name: OwnFacts.reservedSequenceName, value: OwnFacts.bytes(number))
        case .put(let record): self = .putOwnRecord(StoredRecord(record, receivedAt: receivedAt))
        case .delete(let subject): self = .deleteOwnRecord(subject)
        }
    }
}

extension StoredRecord {
    init(_ record: SignedRecord, receivedAt: Int64) {
        self.init(
            id: record.id,
            subject: record.subject,
            sequence: record.record.sequence,
            expiresAt: record.record.expiresAt,
            receivedAt: receivedAt,
            envelope: record.envelope
        )
    }
}
