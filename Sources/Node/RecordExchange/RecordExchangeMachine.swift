internal import OrderedCollections
public import Identity
public import Primitives
public import Swarm

/// "Tell me what I missed": a bounded request for the records that a peer holds, over `/rialto/records/1.0.0`.
///
/// The asker opens a stream and sends a digest of every topic that it follows. The server leaves out the topics whose digests are
/// equal to its own and answers with pages; the asker says "more" with an empty frame once it has judged a page, so that a run never
/// outpaces the verification of its records. Both sides may ask at the same time, each on a stream of its own.
///
/// It says nothing about which records are right: every record proves itself and passes the same gate as a gossiped one.
public struct RecordExchangeMachine: Sendable {
    public enum Input: Sendable {
        /// Ask this peer, once others have answered if too many are asked; no effect while a run with it is under way.
        case ask(PeerID, RecordsRequest)
        case streamOpened(StreamRequestID, StreamHandle)
        case streamFailed(StreamRequestID)
        case inboundStream(StreamHandle, PeerID)
        case data(StreamHandle, [UInt8])
        case remoteClosedWrite(StreamHandle)
        case streamReset(StreamHandle)
        /// Every record of the last page has its verdict.
        case pageJudged(PeerID)
        /// What the owner holds of a served request, in the order in which to send it.
        case serve(StreamHandle, [[UInt8]])
        case peerDisconnected(PeerID)
        case deadlineReached
    }

    public enum Output: Hashable, Sendable {
        case openStream(StreamRequestID, PeerID)
        case write(StreamHandle, [UInt8])
        case closeWrite(StreamHandle)
        case reset(StreamHandle)
        case consumed(StreamHandle, Int)
        /// The owner answers with `serve`.
        case requested(StreamHandle, PeerID, RecordsRequest)
        /// One page; the owner judges the records and then says `pageJudged`.
        case received(PeerID, [[UInt8]])
        case finished(PeerID, Outcome)
    }

    /// How an asked run ended.
    public enum Outcome: Hashable, Sendable {
        case complete(recordCount: Int)
        /// The run's limit was reached: the rest comes with a later one.
        case limited(recordCount: Int)
        case unsupported
        case timedOut
        case disconnected
        /// The peer's bytes were no answer.
        case malformed
    }

    fileprivate enum AskState: Sendable {
        case opening(StreamRequestID)
        case waiting(StreamHandle)
        case judging(StreamHandle, hasMore: Bool)
    }

    fileprivate struct Asked: Sendable {
        let request: RecordsRequest
        var state: AskState
        var frames = LengthPrefixedFrames(byteCountMax: RecordExchangeLimits.pageByteCountMax)
        var recordCount = 0
        /// When the next word of the peer is due, and when the run ends whatever it says.
        var deadline: Instant
        let endsAt: Instant

        mutating func extend(at now: Instant) {
            deadline = min(endsAt, now.advanced(by: RecordExchangeLimits.answerTimeout))
        }
    }

    private struct Served: Sendable {
        enum State: Sendable {
            case awaitingRequest
            case awaitingRecords
            /// The records that are still to be sent, last first.
            case sending([[UInt8]])
        }
        let peer: PeerID
        var state = State.awaitingRequest
        /// Whether the asker says no more: it gets its one page, and that is all.
        var isHalfClosed = false
        var frames = LengthPrefixedFrames(byteCountMax: RecordExchangeLimits.requestByteCountMax)
        var deadline: Instant
        let endsAt: Instant
    }

    private var asked: OrderedDictionary<PeerID, Asked> = [:]
    /// Whom to ask next, longest waiting first.
    private var waiting: OrderedDictionary<PeerID, RecordsRequest> = [:]
    private var served: OrderedDictionary<StreamHandle, Served> = [:]
    private var allowances: OrderedDictionary<PeerID, TokenBucket> = [:]
    private let requestIDs: ClosedRange<UInt64>
    private var nextRequestID: UInt64

    /// When `deadlineReached` is due; `nil` while nothing waits.
    public private(set) var nextDeadline: Instant?

    private var earliestDeadline: Instant? {
        var deadline: Instant?
        for run in asked.values { deadline = earliest(deadline, run.deadline) }
        for run in served.values { deadline = earliest(deadline, run.deadline) }
        return deadline
    }

    /// Draws the ids of its streams from a range of its own, so that the owner can tell whose they are.
    public init(requestIDs: ClosedRange<UInt64>) {
        self.requestIDs = requestIDs
        nextRequestID = requestIDs.lowerBound
    }

    /// Whether the owner should route a stream request here.
    public func owns(_ request: StreamRequestID) -> Bool { requestIDs.contains(request.rawValue) }

    /// Whether the owner should route a stream here.
    public func owns(_ stream: StreamHandle) -> Bool {
        served[stream] != nil || asked.values.contains { $0.stream == stream }
    }

    public var askedCount: Int { asked.count }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        defer { nextDeadline = earliestDeadline }
        switch input {
        case .ask(let peer, let request): ask(peer, request, at: now, into: &outputs)
        case .streamOpened(let request, let stream): opened(request, stream, at: now, into: &outputs)
        case .streamFailed(let request):
            guard let peer = peer(opening: request) else { return }
            finish(peer, .unsupported, at: now, into: &outputs)
        case .inboundStream(let stream, let peer): accept(stream, from: peer, at: now, into: &outputs)
        case .data(let stream, let bytes): received(bytes, on: stream, at: now, into: &outputs)
        case .remoteClosedWrite(let stream): halfClosed(stream, at: now, into: &outputs)
        case .streamReset(let stream): closed(stream, at: now, into: &outputs)
        case .pageJudged(let peer): judged(peer, at: now, into: &outputs)
        case .serve(let stream, let envelopes): serve(stream, envelopes, at: now, into: &outputs)
        case .peerDisconnected(let peer): disconnected(peer, at: now, into: &outputs)
        case .deadlineReached: expire(at: now, into: &outputs)
        }
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        precondition(asked.count <= RecordExchangeLimits.askedCountMax)
        precondition(waiting.count <= RecordExchangeLimits.waitingCountMax)
        precondition(served.count <= RecordExchangeLimits.servedCountMax)
        for run in asked.values { precondition(run.recordCount <= RecordExchangeLimits.runRecordCountMax) }
    }
}

// MARK: Asking

extension RecordExchangeMachine {
    private mutating func ask(_ peer: PeerID, _ request: RecordsRequest, at now: Instant, into outputs: inout [Output])
    {
        guard asked[peer] == nil else { return }
        guard asked.count < RecordExchangeLimits.askedCountMax else {
            // The first question stands: a node that catches up must not lose it to a later one.
            guard waiting[peer] == nil, waiting.count < RecordExchangeLimits.waitingCountMax else { return }
            waiting[peer] = request
            return
        }
        let id = StreamRequestID(rawValue: nextRequestID)
        nextRequestID = nextRequestID == requestIDs.upperBound ? requestIDs.lowerBound : nextRequestID + 1
        asked[peer] = Asked(
            request: request,
            state: .opening(id),
            deadline: now.advanced(by: RecordExchangeLimits.answerTimeout),
            endsAt: now.advanced(by: RecordExchangeLimits.runTimeout)
        )
        outputs.append(.openStream(id, peer))
    }

    private mutating func opened(
        _ request: StreamRequestID,
        _ stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let peer = peer(opening: request), var run = asked[peer] else {
            outputs.append(.reset(stream))
            return
        }
        run.state = .waiting(stream)
        run.extend(at: now)
        asked[peer] = run
        outputs.append(.write(stream, LengthPrefixedFrames.framed(run.request.encoded)))
    }

    private mutating func receivedPage(
        _ bytes: [UInt8],
        from peer: PeerID,
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        // In place: a copy for every packet would cost as much as the page.
        asked[peer]?.frames.append(bytes)
        let page: RecordsPage
        do {
            guard let frame = try asked[peer]?.frames.next() else { return }
            page = try RecordsPage(parsing: frame.span)
        } catch {
            return fail(peer, stream, at: now, into: &outputs)
        }
        // Pages come one at a time, each asked for, and only an empty one promises no progress.
        guard var run = asked[peer], case .waiting = run.state, run.frames.pendingByteCount == 0,
            !page.envelopes.isEmpty || !page.hasMore
        else { return fail(peer, stream, at: now, into: &outputs) }
        let room = RecordExchangeLimits.runRecordCountMax - run.recordCount
        let envelopes = Array(page.envelopes.prefix(room))
        run.recordCount += envelopes.count
        run.state = .judging(stream, hasMore: page.hasMore)
        asked[peer] = run
        outputs.append(.received(peer, envelopes))
    }

    private mutating func judged(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard var run = asked[peer], case .judging(let stream, let hasMore) = run.state else { return }
        if hasMore && run.recordCount < RecordExchangeLimits.runRecordCountMax {
            run.state = .waiting(stream)
            run.extend(at: now)
            asked[peer] = run
            outputs.append(.write(stream, LengthPrefixedFrames.framed([])))
            return
        }
        outputs.append(hasMore ? .reset(stream) : .closeWrite(stream))
        finish(
            peer,
            hasMore ? .limited(recordCount: run.recordCount) : .complete(recordCount: run.recordCount),
            at: now,
            into: &outputs
        )
    }

    private mutating func fail(
        _ peer: PeerID,
        _ stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        outputs.append(.reset(stream))
        finish(peer, .malformed, at: now, into: &outputs)
    }

    private mutating func finish(
        _ peer: PeerID,
        _ outcome: Outcome,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        asked[peer] = nil
        outputs.append(.finished(peer, outcome))
        guard let next = waiting.keys.first, let request = waiting.removeValue(forKey: next) else { return }
        ask(next, request, at: now, into: &outputs)
    }

    private func peer(opening request: StreamRequestID) -> PeerID? {
        asked.elements.first { $0.value.isOpening(request) }?.key
    }

    private func peer(asking stream: StreamHandle) -> PeerID? {
        asked.elements.first { $0.value.stream == stream }?.key
    }
}

extension RecordExchangeMachine.Asked {
    fileprivate var stream: StreamHandle? {
        switch state {
        case .opening: nil
        case .waiting(let stream), .judging(let stream, _): stream
        }
    }

    fileprivate func isOpening(_ request: StreamRequestID) -> Bool {
        if case .opening(request) = state { true } else { false }
    }
}

// MARK: Serving

extension RecordExchangeMachine {
    private mutating func accept(
        _ stream: StreamHandle,
        from peer: PeerID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        var allowance =
            allowances[peer]
            ?? TokenBucket(burst: RecordExchangeLimits.servedBurst, interval: RecordExchangeLimits.servedInterval)
        let isAllowed = allowance.take(at: now)
        allowances[peer] = allowance
        guard isAllowed, served.count < RecordExchangeLimits.servedCountMax,
            served.values.count(where: { $0.peer == peer }) < RecordExchangeLimits.servedBurst
        else {
            outputs.append(.reset(stream))
            return
        }
        served[stream] = Served(
            peer: peer,
            deadline: now.advanced(by: RecordExchangeLimits.answerTimeout),
            endsAt: now.advanced(by: RecordExchangeLimits.runTimeout)
        )
    }

    private mutating func receivedRequest(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        served[stream]?.frames.append(bytes)
        do {
            // Part of a frame extends nothing: a peer that trickles would hold its place for hours.
            guard let frame = try served[stream]?.frames.next(), var run = served[stream] else { return }
            // Each word answers one of ours; what stands behind it was not asked for, and would pile up.
            guard run.frames.pendingByteCount == 0 else { return drop(stream, into: &outputs) }
            run.deadline = min(run.endsAt, now.advanced(by: RecordExchangeLimits.answerTimeout))
            switch run.state {
            case .awaitingRequest:
                let request = try RecordsRequest(parsing: frame.span)
                run.state = .awaitingRecords
                served[stream] = run
                outputs.append(.requested(stream, run.peer, request))
            case .sending(let rest) where frame.isEmpty && !rest.isEmpty:
                served[stream] = run
                sendPage(stream, rest, into: &outputs)
            case .sending, .awaitingRecords:
                drop(stream, into: &outputs)
            }
        } catch {
            drop(stream, into: &outputs)
        }
    }

    private mutating func serve(
        _ stream: StreamHandle,
        _ envelopes: [[UInt8]],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let run = served[stream], case .awaitingRecords = run.state else { return }
        sendPage(stream, envelopes.prefix(RecordExchangeLimits.runRecordCountMax + 1).reversed(), into: &outputs)
    }

    private mutating func sendPage(_ stream: StreamHandle, _ rest: [[UInt8]], into outputs: inout [Output]) {
        var (rest, page, byteCount) = (rest, [[UInt8]](), 0)
        while let envelope = rest.last, page.count < RecordExchangeLimits.pageRecordCountMax,
            page.isEmpty || byteCount + envelope.count <= RecordExchangeLimits.pageByteCount
        {
            byteCount += envelope.count + 4
            page.append(envelope)
            rest.removeLast()
        }
        served[stream]?.state = .sending(rest)
        let answer = RecordsPage(envelopes: page, hasMore: !rest.isEmpty)
        outputs.append(.write(stream, LengthPrefixedFrames.framed(answer.encoded)))
        if served[stream]?.isHalfClosed == true {
            served[stream] = nil
            outputs.append(.closeWrite(stream))
        }
    }

    private mutating func drop(_ stream: StreamHandle, into outputs: inout [Output]) {
        served[stream] = nil
        outputs.append(.reset(stream))
    }
}

// MARK: Streams and time

extension RecordExchangeMachine {
    private mutating func received(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        outputs.append(.consumed(stream, bytes.count))
        if let peer = peer(asking: stream) {
            receivedPage(bytes, from: peer, on: stream, at: now, into: &outputs)
        } else {
            receivedRequest(bytes, on: stream, at: now, into: &outputs)
        }
    }

    /// The request may have come with the end of the asker's words: it is answered all the same.
    private mutating func halfClosed(_ stream: StreamHandle, at now: Instant, into outputs: inout [Output]) {
        if let run = served[stream], case .awaitingRecords = run.state {
            served[stream]?.isHalfClosed = true
        } else {
            closed(stream, at: now, into: &outputs)
        }
    }

    private mutating func closed(_ stream: StreamHandle, at now: Instant, into outputs: inout [Output]) {
        if let peer = peer(asking: stream), let run = asked[peer] {
            // A server may close behind its last page while we still judge it.
            if case .judging(_, hasMore: false) = run.state { return }
            // A peer that only half-closed would keep the other half for ever.
            outputs.append(.reset(stream))
            finish(peer, .disconnected, at: now, into: &outputs)
        } else if served.removeValue(forKey: stream) != nil {
            outputs.append(.closeWrite(stream))
        }
    }

    private mutating func disconnected(_ peer: PeerID, at now: Instant, into outputs: inout [Output]) {
        waiting[peer] = nil
        if asked[peer] != nil { finish(peer, .disconnected, at: now, into: &outputs) }
        served.removeAll { $0.value.peer == peer }
        // A spent allowance outlives the connection, or reconnecting would renew it.
        allowances.removeAll { $0.value.isFull(at: now) }
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        for (peer, run) in asked.elements where run.deadline <= now {
            if let stream = run.stream { outputs.append(.reset(stream)) }
            finish(peer, .timedOut, at: now, into: &outputs)
        }
        for (stream, run) in served.elements where run.deadline <= now { drop(stream, into: &outputs) }
    }
}
