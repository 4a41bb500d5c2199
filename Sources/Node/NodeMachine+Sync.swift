internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// What was missed, and what gossip need not carry: reconciliation with one peer after the other.
extension NodeMachine {
    mutating func stepSync(_ input: SyncMachine.Input, at now: Instant, into outputs: inout [Output]) {
        var said: [SyncMachine.Output] = []
        sync.handle(input, book: book, unixMilliseconds: wall.unixMilliseconds(at: now), at: now, into: &said)
        for output in said { handle(output, at: now, into: &outputs) }
    }

    private mutating func handle(_ output: SyncMachine.Output, at now: Instant, into outputs: inout [Output]) {
        switch output {
        case .openStream(let request, let remote):
            work.append(.swarm(.openStream(request, remote, [SyncLimits.protocolName])))
        case .write(let stream, let bytes): work.append(.swarm(.write(stream, bytes)))
        case .closeWrite(let stream): work.append(.swarm(.closeWrite(stream)))
        case .reset(let stream): work.append(.swarm(.reset(stream)))
        case .consumed(let stream, let count, let kept): work.append(.swarm(.consumed(stream, count, kept: kept)))
        case .received(let remote, let batch, let envelopes, let occasion):
            for (place, envelope) in envelopes.enumerated() {
                let origin = RecordInbox.Sending(peer: remote, batch: batch, place: place)
                judge(envelope, sent: origin, occasion, at: now, into: &outputs)
            }
        case .searched(let remote, let query, let finding):
            searched(remote, query, finding, at: now, into: &outputs)
        case .toldOwn(let remote):
            guard catchUp.answered(by: remote) else { return }
            haveCaughtUp()
            becomeReadyIfPossible(into: &outputs)
        case .clockHeard(let remote, let unixMilliseconds):
            guard isConnected(to: remote) else { return }
            clocks.heard(unixMilliseconds, from: remote, at: wall.unixMilliseconds(at: now))
        case .finished(let remote, let outcome): outputs.append(.event(.reconciled(remote, outcome)))
        case .misbehaved(let remote, let misbehaviour):
            outputs.append(.event(.peerMisbehaved(remote, "sync: \(misbehaviour)")))
            // Gossip counts what it is told itself; this it would never hear of.
            if misbehaviour == .rejectedRecord {
                work.append(.gossip(.setApplicationScore(remote, NodeLimits.forgerScore)))
            }
        }
    }

    /// A peer that speaks the protocol was identified: it may know our own records, and certainly others'.
    mutating func beginSync(with remote: PeerID, isOutbound: Bool, at now: Instant) {
        guard !sync.isPartner(remote) else { return }
        work.append(.sync(.partner(remote, isOutbound: isOutbound)))
        if catchUp.wants(remote, at: now) { work.append(.sync(.askForOwn(remote, key.publicKey))) }
    }

    /// Judges one record that a peer sent when we asked, or as a gift; gifts cost its verification budget.
    private mutating func judge(
        _ envelope: [UInt8],
        sent sending: RecordInbox.Sending,
        _ occasion: SyncMachine.Occasion,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let record: SignedRecord
        do throws(RecordError) {
            record = try readRecord(envelope)
        } catch {
            let verdict: RecordVerdict = error.mayBeNewer ? .ignore(.newerVersion(error)) : .reject(.malformed(error))
            return tell(verdict, of: nil, sending, into: &outputs)
        }
        let origin = RecordInbox.Origin.sync(sending, record.id)
        guard inbox.hasRoom(for: origin) else {
            return tell(.ignore(.verificationBudget), of: record.id, sending, into: &outputs)
        }
        var budget = VerificationBudget()
        if occasion == .given, let left = budgets[sending.peer] { budget = left }
        let read = ReadRecord(record: record)
        let screening = screen(read, in: nil, &budget, isWelcome: occasion == .searched, at: now)
        if occasion == .given, isConnected(to: sending.peer) { budgets[sending.peer] = budget }
        settle(screening, from: origin, into: &outputs)
    }

    mutating func tell(
        _ verdict: RecordVerdict,
        of id: RecordID?,
        _ sending: RecordInbox.Sending,
        into outputs: inout [Output]
    ) {
        if case .reject = verdict { outputs.append(.event(.recordRefused(sending.peer, verdict))) }
        let judged = SyncMachine.JudgedRecord(
            batch: sending.batch,
            place: sending.place,
            id: id,
            judgement: SyncMachine.Judgement(verdict)
        )
        work.append(.sync(.judged(sending.peer, judged)))
    }
}

extension SyncMachine.Judgement {
    fileprivate init(_ verdict: RecordVerdict) {
        switch verdict {
        case .accept: self = .taken
        case .reject: self = .rejected
        case .ignore(let dismissal):
            switch dismissal {
            case .forwardingRate: self = .taken
            case .duplicate, .expired, .early, .verificationBudget: self = .passed
            case .tooLong, .topicNotFollowed, .newerVersion, .stale, .banned, .authorQuota, .segmentFull, .surplusRival,
                .knownConflict:
                self = .refused
            }
        }
    }
}
