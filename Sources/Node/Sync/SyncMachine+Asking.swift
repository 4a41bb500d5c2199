internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Reconciliation
internal import Swarm

// The side that asks carries the run.
extension SyncMachine {
    mutating func begin(_ errand: SyncErrand, with peer: PeerID, _ view: View, into outputs: inout [Output]) {
        runs[peer] = SyncRun(errand, at: view.now)
        schedule.stagger(at: view.now)
        if case .compare(.whole) = errand { schedule.beganWhole(at: view.now, random: &random) }
        guard partners[peer]?.stream == nil else { return askFirst(peer, view, into: &outputs) }
        let request = drawRequestID()
        opening[request] = peer
        outputs.append(.openStream(request, peer))
    }

    mutating func opened(
        _ request: StreamRequestID,
        _ stream: StreamHandle,
        _ view: View,
        into outputs: inout [Output]
    ) {
        guard let peer = opening.removeValue(forKey: request), let run = runs[peer], case .opening = run.state else {
            outputs.append(.reset(stream))
            return
        }
        partners[peer]?.stream = stream
        partners[peer]?.frames = LengthPrefixedFrames(byteCountMax: SyncLimits.batchFrameByteCountMax)
        askers[stream] = peer
        askFirst(peer, view, into: &outputs)
    }

    mutating func failed(_ request: StreamRequestID, _ view: View, into outputs: inout [Output]) {
        guard let peer = opening.removeValue(forKey: request), runs[peer] != nil else { return }
        finish(peer, .unsupported, view, into: &outputs)
    }

    private mutating func askFirst(_ peer: PeerID, _ view: View, into outputs: inout [Output]) {
        guard var run = runs[peer] else { return }
        switch run.errand {
        case .author(let key, _), .hear(let key, _):
            run.state = .askingAuthor
            ask(.author(key.bytes), of: peer, run, view, into: &outputs)
        case .find(let question, _):
            run.state = .finding
            ask(.find(question), of: peer, run, view, into: &outputs)
        case .compare(let scope):
            let comparison = SyncComparison(network: network, unixSeconds: view.unixMilliseconds / 1_000, lanes: [])
            (run.unixSeconds, run.cut) = (comparison.unixSeconds, comparison.cut)
            let parts = scope.parts(from: run.cut)
            var messages: [LaneMessage] = []
            for lane in followed {
                let index = view.book.index(of: lanes[lane])
                run.comparedCount += index.count
                let message = RangeReconciliation.summary(index, of: parts, from: run.cut)
                messages.append(LaneMessage(lane: lane, message: message))
            }
            compare(messages, peer, run, view, into: &outputs)
        }
    }

    private mutating func compare(
        _ messages: [LaneMessage],
        _ peer: PeerID,
        _ run: SyncRun,
        _ view: View,
        into outputs: inout [Output]
    ) {
        var run = run
        run.state = .comparing
        run.outcome.roundCount += 1
        let comparison = SyncComparison(network: network, unixSeconds: run.unixSeconds, lanes: messages)
        ask(.compare(comparison), of: peer, run, view, into: &outputs)
    }

    private mutating func ask(
        _ request: SyncRequest,
        of peer: PeerID,
        _ run: SyncRun,
        _ view: View,
        into outputs: inout [Output]
    ) {
        guard let stream = partners[peer]?.stream else { return finish(peer, .disconnected, view, into: &outputs) }
        runs[peer] = run
        runs[peer]?.extend(at: view.now)
        write(LengthPrefixedFrames.framed(request.encoded), on: stream, into: &outputs)
    }

    // MARK: Answers

    mutating func answered(_ frame: [UInt8], by peer: PeerID, _ view: View, into outputs: inout [Output]) {
        guard var run = runs[peer] else { return fail(peer, .outOfTurn, view, into: &outputs) }
        let answer: SyncAnswer
        do throws(SyncError) {
            answer = try SyncAnswer(parsing: frame.span)
        } catch {
            return fail(peer, .malformed(error), view, into: &outputs)
        }
        switch (run.state, answer) {
        case (.comparing, .compared(let lanes, let unknown, let unixSeconds)):
            outputs.append(.clockHeard(peer, unixMilliseconds: unixSeconds * 1_000))
            learn(lanes, unknown, peer, run, view, into: &outputs)
        case (.fetching(let ids), .batch(let batch)): take(batch, answering: ids, peer, run, view, into: &outputs)
        case (.askingAuthor, .batch(let batch)): take(batch, answering: nil, peer, run, view, into: &outputs)
        case (.finding, .found(let batch, let unknown, let next)):
            (run.finding.unknown, run.finding.next) = (unknown, next)
            take(batch, answering: nil, peer, run, view, into: &outputs)
        case (.giving(let ids), .taken(let refused)):
            noteUnwanted(refused.filter { Int($0) < ids.count }.map { ids[Int($0)] }, by: peer)
            proceed(with: peer, view, into: &outputs)
        case (.comparing, .busy), (.fetching, .busy), (.askingAuthor, .busy), (.finding, .busy), (.giving, .busy):
            finish(peer, .busy, view, into: &outputs)
        case (_, _): fail(peer, .outOfTurn, view, into: &outputs)
        }
    }

    private mutating func learn(
        _ answers: [LaneMessage],
        _ unknown: [UInt8],
        _ peer: PeerID,
        _ run: SyncRun,
        _ view: View,
        into outputs: inout [Output]
    ) {
        var run = run
        var questions: [LaneMessage] = []
        var room = SyncLimits.frameByteCountMax - SyncLimits.frameReserveByteCount
        run.unknownLanes.formUnion(unknown)
        for (place, answer) in answers.enumerated() {
            guard lanes.indices.contains(answer.lane) else { return fail(peer, .comparison, view, into: &outputs) }
            // Left since it was asked about.
            guard followed.contains(answer.lane) else { continue }
            let share = room / (answers.count - place)
            let lesson: RangeReconciliation.Lesson
            do {
                let index = view.book.index(of: lanes[answer.lane])
                lesson = try RangeReconciliation.learn(
                    answer.message.span,
                    index,
                    from: run.cut,
                    byteCountMax: share
                )
            } catch {
                return fail(peer, .comparison, view, into: &outputs)
            }
            note(lesson, in: &run, view)
            guard let next = lesson.next else { continue }
            room -= min(room, next.count)
            questions.append(LaneMessage(lane: answer.lane, message: next))
        }
        let isOver = run.outcome.roundCount == SyncLimits.roundCountMax
        if !questions.isEmpty && (isOver || run.isLimited) { run.isLimited = true }
        guard questions.isEmpty || run.isLimited else { return compare(questions, peer, run, view, into: &outputs) }
        // Ids are found in ascending order of their time; the last are the newest.
        runs[peer] = run
        proceed(with: peer, view, into: &outputs)
    }

    private func note(_ lesson: RangeReconciliation.Lesson, in run: inout SyncRun, _ view: View) {
        for sighting in lesson.missing {
            run.outcome.differenceCount += 1
            let id = RecordID(sighting.id)
            guard !refused.contains(id) else { continue }
            guard run.wantedCount < SyncLimits.runRecordCountMax else {
                run.isLimited = true
                continue
            }
            if run.isInWindow(sighting.since) { run.wantedNewest.append(id) } else { run.wantedRest.append(id) }
        }
        for item in lesson.surplus {
            run.outcome.differenceCount += 1
            let id = RecordID(item)
            guard run.surplusNewest.count + run.surplusRest.count < SyncLimits.runRecordCountMax else {
                run.isLimited = true
                continue
            }
            guard let record = view.book.record(id) else { continue }
            let isNew = run.isInWindow(record.reconciliationItem.timestamp)
            if isNew { run.surplusNewest.append(id) } else { run.surplusRest.append(id) }
        }
    }

    private mutating func take(
        _ batch: RecordBatch,
        answering ids: [RecordID]?,
        _ peer: PeerID,
        _ run: SyncRun,
        _ view: View,
        into outputs: inout [Output]
    ) {
        var run = run
        let envelopes: [[UInt8]]
        do throws(SyncError) {
            envelopes = try batch.envelopes()
        } catch {
            return fail(peer, .malformed(error), view, into: &outputs)
        }
        var unanswered: [RecordID] = []
        if let ids {
            // Each question is answered at least in part, or it would be asked for ever.
            guard (1...ids.count).contains(batch.answeredCount), envelopes.count <= batch.answeredCount else {
                return fail(peer, .unasked, view, into: &outputs)
            }
            unanswered = Array(ids[batch.answeredCount...])
            run.goneCount += batch.answeredCount - envelopes.count
        }
        let number = drawBatch()
        run.state = .judging(batch: number, rest: envelopes.count, asked: ids.map(Set.init), unanswered: unanswered)
        run.deadline = run.endsAt
        runs[peer] = run
        if envelopes.isEmpty { return wasJudged(peer, view, into: &outputs) }
        outputs.append(.received(peer, batch: number, envelopes, run.errand.query == nil ? .asked : .searched))
    }

    /// One record that we asked for has its verdict.
    mutating func judgedAsked(
        _ record: JudgedRecord,
        from peer: PeerID,
        _ view: View,
        into outputs: inout [Output]
    ) {
        guard var run = runs[peer], case .judging(let batch, let rest, let asked, let unanswered) = run.state else {
            return
        }
        if record.judgement == .rejected { return fail(peer, .rejectedRecord, view, into: &outputs) }
        if let asked, record.id.map({ !asked.contains($0) }) ?? false {
            return fail(peer, .unasked, view, into: &outputs)
        }
        if run.errand.query != nil, let id = record.id { run.finding.ids.insert(id) }
        if record.judgement == .taken {
            run.outcome.takenCount += 1
            if let id = record.id, view.book.record(id).map(view.isLate) ?? false { run.lateCount += 1 }
            if run.step == .fetchRest { run.movedCount += 1 }
        }
        run.state = .judging(batch: batch, rest: rest - 1, asked: asked, unanswered: unanswered)
        runs[peer] = run
        if rest == 1 { wasJudged(peer, view, into: &outputs) }
    }

    /// The whole batch has its verdicts.
    private mutating func wasJudged(_ peer: PeerID, _ view: View, into outputs: inout [Output]) {
        guard var run = runs[peer], case .judging(_, _, let asked, let unanswered) = run.state else { return }
        guard let asked else { return finish(peer, .complete, view, into: &outputs) }
        inFlight.subtract(asked)
        if run.step == .fetchNewest {
            run.wantedNewest += unanswered.reversed()
        } else {
            run.wantedRest += unanswered.reversed()
        }
        runs[peer] = run
        if run.isDeceived { return fail(peer, .brokenPromises(run.goneCount), view, into: &outputs) }
        proceed(with: peer, view, into: &outputs)
    }

    // MARK: Moving records

    /// The next question that moves records, or the end.
    private mutating func proceed(with peer: PeerID, _ view: View, into outputs: inout [Output]) {
        guard var run = runs[peer] else { return }
        while true {
            switch run.step {
            case .fetchNewest, .fetchRest:
                let ids =
                    run.step == .fetchNewest
                    ? nextWanted(from: &run.wantedNewest, view.book) : nextWanted(from: &run.wantedRest, view.book)
                if !ids.isEmpty {
                    inFlight.formUnion(ids)
                    run.state = .fetching(ids)
                    return ask(.fetch(ids), of: peer, run, view, into: &outputs)
                }
            case .giveNewest, .giveRest:
                let gifts =
                    run.step == .giveNewest
                    ? nextGifts(from: &run.surplusNewest, peer, view.book)
                    : nextGifts(from: &run.surplusRest, peer, view.book)
                if !gifts.isEmpty {
                    let batch = RecordBatch(packing: gifts.map(\.envelope))
                    // A gift costs what an answer does: who says that it has nothing would else be given everything, again and again.
                    guard spend(batch.byteCount / SyncLimits.servedByteCountPerToken, by: peer, at: view.now) else {
                        return finish(peer, .busy, view, into: &outputs)
                    }
                    run.state = .giving(gifts.map(\.id))
                    run.outcome.givenCount += gifts.count
                    run.lateCount += gifts.count(where: view.isLate)
                    if run.step == .giveRest { run.movedCount += gifts.count }
                    return ask(.give(batch), of: peer, run, view, into: &outputs)
                }
            case .done:
                runs[peer] = run
                return finish(peer, run.isLimited ? .limited : .complete, view, into: &outputs)
            }
            run.step = SyncRun.Step(rawValue: run.step.rawValue + 1) ?? .done
        }
    }

    /// Ids that nobody has brought meanwhile and nobody else is about to bring.
    private func nextWanted(from wanted: inout [RecordID], _ book: RecordBook) -> [RecordID] {
        var ids: [RecordID] = []
        while ids.count < SyncLimits.batchRecordCountMax, let id = wanted.popLast() {
            if !book.contains(id), !inFlight.contains(id), !refused.contains(id) { ids.append(id) }
        }
        return ids
    }

    /// Records that still count, and that the peer has not refused before.
    private func nextGifts(from surplus: inout [RecordID], _ peer: PeerID, _ book: RecordBook) -> [SignedRecord] {
        var (gifts, room): ([SignedRecord], RecordBatch.Room) = ([], RecordBatch.Room())
        while let id = surplus.last {
            guard let record = book.record(id), partners[peer]?.unwanted.contains(id) == false else {
                surplus.removeLast()
                continue
            }
            guard room.take(record.envelope) else { break }
            surplus.removeLast()
            gifts.append(record)
        }
        return gifts
    }

    private mutating func noteUnwanted(_ ids: [RecordID], by peer: PeerID) {
        guard !ids.isEmpty, let known = partners[peer]?.unwanted.count else { return }
        // Forgetting all costs one more gift each; keeping an order would cost more.
        if known + ids.count > SyncLimits.unwantedCountMax { partners[peer]?.unwanted.removeAll() }
        partners[peer]?.unwanted.formUnion(ids)
    }

    // MARK: The end of a run

    mutating func fail(
        _ peer: PeerID,
        _ misbehaviour: SyncMisbehaviour,
        _ view: View,
        into outputs: inout [Output]
    ) {
        outputs.append(.misbehaved(peer, misbehaviour))
        dropStream(of: peer, into: &outputs)
        if runs[peer] != nil { finish(peer, .malformed, view, into: &outputs) }
    }

    mutating func dropStream(of peer: PeerID, into outputs: inout [Output]) {
        opening.removeAll { $0.value == peer }
        guard let stream = partners[peer]?.stream else { return }
        partners[peer]?.stream = nil
        askers[stream] = nil
        outputs.append(.reset(stream))
    }

    mutating func finish(
        _ peer: PeerID,
        _ ending: SyncOutcome.Ending,
        _ view: View,
        into outputs: inout [Output]
    ) {
        guard let run = runs.removeValue(forKey: peer) else { return }
        if case .fetching(let ids) = run.state { inFlight.subtract(ids) }
        if case .judging(_, _, let asked?, _) = run.state { inFlight.subtract(asked) }
        var outcome = run.outcome
        outcome.ending = ending
        switch ending {
        case .complete where run.isFruitless(at: view.now), .limited where run.isFruitless(at: view.now):
            // It would hold one of the few places for ever.
            partners[peer]?.restsUntil = view.now.advanced(by: SyncLimits.failureRest)
        case .complete, .limited: settle(run, with: peer, view)
        case .busy: partners[peer]?.restsUntil = view.now.advanced(by: SyncLimits.busyRest)
        case .unsupported, .timedOut, .malformed:
            partners[peer]?.restsUntil = view.now.advanced(by: SyncLimits.failureRest)
        case .disconnected: break
        }
        // While two halves of a network grow together many are busy: what was to be compared is not put off for two minutes.
        if case .compare(.whole) = run.errand, ending != .complete, ending != .limited {
            schedule.wantWhole(at: view.now)
        }
        counters.takenCount += outcome.takenCount
        counters.givenCount += outcome.givenCount
        switch run.errand {
        case .author(_, let isOwn): if isOwn { outputs.append(.toldOwn(peer)) }
        case .compare: outputs.append(.finished(peer, outcome))
        case .hear(_, let id), .find(_, let id):
            outputs.append(.searched(peer, id, ending == .complete ? run.finding : nil))
        }
    }

    /// What a run that went through says about the next.
    private mutating func settle(_ run: SyncRun, with peer: PeerID, _ view: View) {
        guard case .compare(.whole) = run.errand else { return }
        counters.lastDifferenceCount = run.outcome.differenceCount
        if run.isLimited { enqueue(.compare(.whole), to: peer) }
        if run.foundMuch {
            schedule.hurry(at: view.now, random: &random)
        } else if run.lateCount > 0 {
            schedule.foundLate(at: view.now)
        }
        guard !run.isLimited else { return }
        for lane in followed where !run.unknownLanes.contains(UInt8(lane)) { reconciledAt[lane] = view.now }
    }
}
