internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Reconciliation
internal import Swarm

// The side that answers: it keeps nothing between two questions but what the peer may still cost.
extension SyncMachine {
    /// A peer has one stream to ask us on; a second one takes the place of the first.
    mutating func accept(_ stream: StreamHandle, from peer: PeerID, into outputs: inout [Output]) {
        for old in served.elements where old.value.peer == peer { drop(old.key, into: &outputs) }
        served[stream] = Served(peer: peer)
    }

    mutating func received(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        _ view: View,
        into outputs: inout [Output]
    ) {
        counters.receivedByteCount += bytes.count
        if let peer = askers[stream] {
            hear(bytes, from: peer, view, into: &outputs)
        } else {
            serve(bytes, on: stream, view, into: &outputs)
        }
        let frames = askers[stream].flatMap { partners[$0]?.frames } ?? served[stream]?.frames
        outputs.append(.consumed(stream, bytes.count, kept: frames?.pendingByteCount ?? 0))
    }

    private mutating func hear(_ bytes: [UInt8], from peer: PeerID, _ view: View, into outputs: inout [Output]) {
        partners[peer]?.frames.append(bytes)
        do {
            // Part of a frame extends nothing: a peer that trickles would hold its place for long.
            guard let frame = try partners[peer]?.frames.next() else { return }
            guard partners[peer]?.frames.pendingByteCount == 0 else {
                return fail(peer, .outOfTurn, view, into: &outputs)
            }
            answered(frame, by: peer, view, into: &outputs)
        } catch {
            fail(peer, .outOfTurn, view, into: &outputs)
        }
    }

    private mutating func serve(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        _ view: View,
        into outputs: inout [Output]
    ) {
        served[stream]?.frames.append(bytes)
        do {
            guard let frame = try served[stream]?.frames.next(), let asker = served[stream] else { return }
            // A question that overtakes our answer would pile up.
            guard asker.frames.pendingByteCount == 0, asker.judging == nil else {
                return refuse(stream, asker.peer, .outOfTurn, into: &outputs)
            }
            let request = try SyncRequest(parsing: frame.span)
            answer(request, byteCount: frame.count, stream, asker.peer, view, into: &outputs)
        } catch let error as SyncError {
            if let peer = served[stream]?.peer { refuse(stream, peer, .malformed(error), into: &outputs) }
        } catch {
            drop(stream, into: &outputs)
        }
    }

    private mutating func answer(
        _ request: SyncRequest,
        byteCount: Int,
        _ stream: StreamHandle,
        _ peer: PeerID,
        _ view: View,
        into outputs: inout [Output]
    ) {
        guard spend(1 + byteCount >> 10, by: peer, at: view.now) else {
            return say(.busy, on: stream, into: &outputs)
        }
        switch request {
        case .compare(let comparison):
            partners[peer]?.servedAt = view.now
            guard let answer = compared(comparison, view) else {
                return refuse(stream, peer, .comparison, into: &outputs)
            }
            say(answer, on: stream, into: &outputs)
        case .fetch(let ids):
            let records = ids.lazy.map { view.book.record($0) }
            sendRecords(records, to: peer, stream, view, into: &outputs)
        case .author(let bytes):
            guard let key = Ed25519.PublicKey(bytes) else { return refuse(stream, peer, .comparison, into: &outputs) }
            let newest = view.book.newestRecords(
                of: key,
                countMax: SyncLimits.batchRecordCountMax,
                byteCountMax: SyncLimits.batchByteCountMax
            )
            sendRecords(newest.lazy.map { $0 }, to: peer, stream, view, into: &outputs)
        case .give(let batch): take(batch, stream, peer, into: &outputs)
        case .find(let question): find(question, for: peer, stream, view, into: &outputs)
        }
    }

    /// What is to say of each lane that differs, all within one frame; `nil` if the words are no negentropy.
    private func compared(_ comparison: SyncComparison, _ view: View) -> SyncAnswer? {
        let unixSeconds = max(0, view.unixMilliseconds / 1_000)
        guard comparison.network == network else {
            return .compared([], unknown: comparison.lanes.map(\.number), unixSeconds: unixSeconds)
        }
        var (answers, unknown): ([LaneMessage], [UInt8]) = ([], [])
        var room = SyncLimits.frameByteCountMax - SyncLimits.frameReserveByteCount
        for (place, lane) in comparison.lanes.enumerated() {
            guard followed.contains(lane.lane) else {
                unknown.append(lane.number)
                continue
            }
            let share = room / (comparison.lanes.count - place)
            let answer = try? RangeReconciliation.answer(
                lane.message.span,
                view.book.index(of: lanes[lane.lane]),
                from: comparison.cut,
                byteCountMax: share
            )
            guard let answer else { return nil }
            // The byte of the version alone says that nothing differs.
            guard answer.count > 1 else { continue }
            room -= min(room, answer.count)
            answers.append(LaneMessage(lane: lane.lane, message: answer))
        }
        return .compared(answers, unknown: unknown, unixSeconds: unixSeconds)
    }

    /// The records that are still here, as many as fit into one batch: an id without a record is answered by its absence.
    private mutating func sendRecords(
        _ records: some Sequence<SignedRecord?>,
        to peer: PeerID,
        _ stream: StreamHandle,
        _ view: View,
        into outputs: inout [Output]
    ) {
        var (envelopes, answeredCount, room): ([[UInt8]], Int, RecordBatch.Room) = ([], 0, RecordBatch.Room())
        for record in records {
            if let record {
                guard room.take(record.envelope) else { break }
                envelopes.append(record.envelope)
            }
            answeredCount += 1
        }
        let batch = RecordBatch(packing: envelopes, answeredCount: answeredCount)
        guard spend(batch.byteCount / SyncLimits.servedByteCountPerToken, by: peer, at: view.now) else {
            return say(.busy, on: stream, into: &outputs)
        }
        say(.batch(batch), on: stream, into: &outputs)
    }

    /// What a peer gives passes the same gate as what it gossips, at the same cost to its verification budget.
    private mutating func take(
        _ batch: RecordBatch,
        _ stream: StreamHandle,
        _ peer: PeerID,
        into outputs: inout [Output]
    ) {
        let envelopes: [[UInt8]]
        do throws(SyncError) {
            envelopes = try batch.envelopes()
        } catch {
            return refuse(stream, peer, .malformed(error), into: &outputs)
        }
        guard !envelopes.isEmpty else { return say(.taken(refused: []), on: stream, into: &outputs) }
        let number = drawBatch()
        served[stream]?.judging = Served.Judging(batch: number, rest: envelopes.count)
        outputs.append(.received(peer, batch: number, envelopes, .given))
    }

    mutating func judged(
        _ record: JudgedRecord,
        from peer: PeerID,
        _ view: View,
        into outputs: inout [Output]
    ) {
        if record.judgement == .refused, let id = record.id { refused.insert(id, at: view.now) }
        if case .judging(record.batch, _, _, _)? = runs[peer]?.state {
            return judgedAsked(record, from: peer, view, into: &outputs)
        }
        // A batch whose run or stream is over waits for nothing any more.
        guard let giver = served.elements.first(where: { $0.value.judging?.batch == record.batch }),
            var judging = giver.value.judging
        else { return }
        if record.judgement == .rejected { return refuse(giver.key, peer, .rejectedRecord, into: &outputs) }
        judging.rest -= 1
        if record.judgement == .taken, let id = record.id, view.book.record(id).map(view.isLate) ?? false {
            schedule.foundLate(at: view.now)
        }
        if record.judgement == .refused { judging.refused.append(UInt8(record.place)) }
        served[giver.key]?.judging = judging.rest == 0 ? nil : judging
        if judging.rest == 0 { say(.taken(refused: judging.refused), on: giver.key, into: &outputs) }
    }

    mutating func spend(_ count: Int, by peer: PeerID, at now: Instant) -> Bool {
        if allowances[peer] == nil && allowances.count == SyncLimits.allowanceCountMax {
            allowances.removeAll { $0.value.isFull(at: now) }
            // All are busy: who began longest ago starts anew.
            if allowances.count == SyncLimits.allowanceCountMax { allowances.removeFirst() }
        }
        var allowance =
            allowances[peer]
            ?? TokenBucket(burst: SyncLimits.allowanceBurst, interval: SyncLimits.allowanceInterval)
        let isAllowed = allowance.take(count, at: now)
        allowances[peer] = allowance
        return isAllowed
    }

    // MARK: Words and streams

    mutating func say(_ answer: SyncAnswer, on stream: StreamHandle, into outputs: inout [Output]) {
        write(LengthPrefixedFrames.framed(answer.encoded), on: stream, into: &outputs)
    }

    mutating func write(_ bytes: [UInt8], on stream: StreamHandle, into outputs: inout [Output]) {
        counters.sentByteCount += bytes.count
        outputs.append(.write(stream, bytes))
    }

    private mutating func refuse(
        _ stream: StreamHandle,
        _ peer: PeerID,
        _ misbehaviour: SyncMisbehaviour,
        into outputs: inout [Output]
    ) {
        outputs.append(.misbehaved(peer, misbehaviour))
        drop(stream, into: &outputs)
    }

    private mutating func drop(_ stream: StreamHandle, into outputs: inout [Output]) {
        served[stream] = nil
        outputs.append(.reset(stream))
    }

    /// The peer ends a stream, or its half of it: either way it says no more on it.
    mutating func closed(_ stream: StreamHandle, _ view: View, into outputs: inout [Output]) {
        if let peer = askers[stream] {
            dropStream(of: peer, into: &outputs)
            if runs[peer] != nil { finish(peer, .disconnected, view, into: &outputs) }
        } else if let asker = served[stream] {
            // The answer to the last question may still be on its way to a peer that has asked all.
            if asker.judging == nil { outputs.append(.closeWrite(stream)) } else { outputs.append(.reset(stream)) }
            served[stream] = nil
        }
    }
}

extension LaneMessage {
    fileprivate var number: UInt8 { UInt8(lane) }
}
