internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// What was missed: on every new connection, and with a random peer from time to time.
extension NodeMachine {
    mutating func stepExchange(_ input: RecordExchangeMachine.Input, at now: Instant, into outputs: inout [Output]) {
        var exchangeOutputs: [RecordExchangeMachine.Output] = []
        exchange.handle(input, at: now, into: &exchangeOutputs)
        for output in exchangeOutputs { handle(output, at: now, into: &outputs) }
    }

    private mutating func handle(
        _ output: RecordExchangeMachine.Output,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch output {
        case .openStream(let request, let remote):
            work.append(.swarm(.openStream(request, remote, [RecordExchangeLimits.protocolName])))
        case .write(let stream, let bytes): work.append(.swarm(.write(stream, bytes)))
        case .closeWrite(let stream): work.append(.swarm(.closeWrite(stream)))
        case .reset(let stream): work.append(.swarm(.reset(stream)))
        case .consumed(let stream, let count): work.append(.swarm(.consumed(stream, count)))
        case .requested(let stream, _, let request):
            work.append(.exchange(.serve(stream, envelopes(for: request))))
        case .received(let remote, let envelopes): receivedPage(envelopes, from: remote, at: now, into: &outputs)
        case .finished(let remote, let outcome):
            outputs.append(.event(.exchanged(remote, outcome)))
            exchangeFinished(with: remote, at: now, into: &outputs)
        }
    }

    /// A peer that speaks the protocol was identified: it may know our own records, and certainly others'.
    mutating func beginExchange(with remote: PeerID, at now: Instant) {
        guard exchangePartners.append(remote).inserted else { return }
        let author = catchUp.wants(remote, at: now) ? key.publicKey.bytes : []
        ask(remote, author: author)
    }

    /// What a peer published between the first exchange and the first mesh went past us.
    mutating func exchangeOnceMeshed(with remote: PeerID) {
        guard exchangePartners.contains(remote), meshPartners.append(remote).inserted else { return }
        ask(remote, author: [])
    }

    mutating func exchangeWithSomebody(at now: Instant) {
        exchangeAt = now.advanced(by: random.jittered(config.exchangeInterval, by: 0.2))
        guard !exchangePartners.isEmpty else { return }
        ask(exchangePartners[random.below(exchangePartners.count)], author: [])
    }

    /// A presence speaks of offers that we lack: its provider knows them best, anybody may know them.
    mutating func askSomebody(for provider: Ed25519.PublicKey) {
        let direct = PeerID(publicKey: provider)
        guard !exchangePartners.isEmpty else { return }
        let partner =
            exchangePartners.contains(direct) ? direct : exchangePartners[random.below(exchangePartners.count)]
        ask(partner, author: provider.bytes)
    }

    private mutating func ask(_ remote: PeerID, author: [UInt8]) {
        let digests = author.isEmpty ? currentDigests() : []
        work.append(.exchange(.ask(remote, RecordsRequest(network: config.network, author: author, digests: digests))))
    }

    private mutating func exchangeFinished(with remote: PeerID, at now: Instant, into outputs: inout [Output]) {
        let wasAskedForOurs = catchUp.isAsked(remote)
        if catchUp.answered(by: remote) {
            work.append(.desk(.caughtUp))
            becomeReadyIfPossible(into: &outputs)
        }
        // The first question was for our own records alone; now for everybody's.
        if wasAskedForOurs && exchangePartners.contains(remote) { ask(remote, author: []) }
    }

    /// Every record of the book, or of one author, that `isIncluded` lets through.
    func records(
        of author: Ed25519.PublicKey? = nil,
        isIncluded: (SignedRecord) -> Bool = { _ in true }
    ) -> [SignedRecord] {
        var (found, cursor): ([SignedRecord], SubjectKey?) = ([], nil)
        repeat {
            let page = book.page(
                after: cursor,
                of: author,
                countMax: .max,
                byteCountMax: .max,
                isIncluded: isIncluded
            )
            found += page.records
            cursor = page.next
        } while cursor != nil
        return found
    }

    /// The digest of every topic that we follow, in the topics' order; only what changed since the last time is hashed.
    mutating func currentDigests() -> [TopicDigest] {
        followed.topics.indices.map { index in
            let lane = followed.topics[index].lane
            let version = book.version(of: lane)
            if let known = digests[index], known.version == version { return known.digest }
            let ids = book.recordIDs(in: lane)
            let digest = TopicDigest(
                topic: followed.topics[index].text,
                count: ids.count,
                fingerprint: SHA256.hash(ids.flatMap(\.bytes))
            )
            digests[index] = (version, digest)
            return digest
        }
    }

    /// What we hold of the topics that differ, or of one author; newest records first, so that a limited run brings what matters.
    private mutating func envelopes(for request: RecordsRequest) -> [[UInt8]] {
        guard request.network == config.network else { return [] }
        if let author = Ed25519.PublicKey(request.author) {
            return records(of: author).map(\.envelope)
        }
        var differing: [SignedRecord] = []
        for (topic, ours) in zip(followed.topics, currentDigests()) {
            guard let theirs = request.digests.first(where: { $0.topic == ours.topic }), theirs != ours else {
                continue
            }
            differing += book.recordIDs(in: topic.lane).compactMap(book.record)
        }
        differing.sort { ($0.record.issuedAt, $0.id) > ($1.record.issuedAt, $1.id) }
        return differing.map(\.envelope)
    }

    private mutating func receivedPage(
        _ envelopes: [[UInt8]],
        from remote: PeerID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        lastPage += 1
        pagesPending[remote] = (lastPage, envelopes.count)
        let origin = RecordInbox.Origin.exchange(remote, page: lastPage)
        for envelope in envelopes { judge(envelope, from: origin, at: now, into: &outputs) }
        if envelopes.isEmpty { pageJudged(remote) }
    }

    /// One record of a page that a peer sent has its verdict; pages of a run that was cut off wait for nothing any more.
    mutating func pageRecordJudged(from remote: PeerID, page: UInt64) {
        guard let pending = pagesPending[remote], pending.page == page else { return }
        pagesPending[remote] = (page, pending.rest - 1)
        if pending.rest == 1 { pageJudged(remote) }
    }

    private mutating func pageJudged(_ remote: PeerID) {
        pagesPending[remote] = nil
        work.append(.exchange(.pageJudged(remote)))
    }
}
