import Cryptography
import Identity
@testable import Market
@testable import Node
import Primitives
import Reconciliation
import Swarm

/// Reconciliation against a peer that asks, answers and gives whatever its script says.
struct SyncVictim {
    enum Move: UInt8, CaseIterable {
        case words, frame, streams, end
        case ask, reconcile, answer, busy
        case search, author, follow, meet, wait
    }

    private static let peer = PeerID(publicKey: Handshakes.key.publicKey)
    /// How often a step may lead to the next at one instant, before reconciliation is taken to be going in circles.
    private static let stepCountMax = 1_000
    /// The lane of the offers that both sides have.
    private static let lane = MarketProfile.first.lanes.firstIndex { lane in
        if case .offers(let segment) = lane { segment.marketClass == .nvidiaConsumer } else { false }
    }

    private var machine: SyncMachine
    private var book = RecordBook()
    private var now = Instant.zero
    private var open: [StreamHandle] = []
    /// Streams of the victim, on which it asks; the others are the peer's.
    private var asking: [StreamHandle] = []
    private var nextStream: UInt32 = 1
    private var nextQuery: UInt64 = 1

    init() {
        let lanes = MarketProfile.first.lanes
        machine = SyncMachine(
            network: "main",
            lanes: lanes,
            followed: Array(lanes.indices),
            interval: .seconds(120),
            requestIDs: 100...199,
            random: Handshakes.random(11)
        )
        var changes: [BookChange] = []
        for record in Self.records.prefix(20) { _ = book.admit(record, at: wall, into: &changes) }
        feed(.started)
        feed(.partner(Self.peer, isOutbound: true))
    }

    private var wall: Int64 { Sieges.unixMilliseconds + now.nanoseconds / 1_000_000 }

    /// Offers of many providers; the victim has the first twenty, the peer the last twenty.
    static let records: [SignedRecord] = (0..<30).compactMap { number in
        let key = Ed25519.PrivateKey(seed: Array(repeating: UInt8(100 + number), count: 32))
        return MarketSamples.offer(by: key, number: number)
    }

    private static let index = ReconciliationIndex(
        records.suffix(20).map { ReconciliationItem(timestamp: UInt64($0.record.expiresAt), id: $0.id.item) }
    )

    mutating func move(_ script: inout Script) {
        let moves = Move.allCases
        switch moves[script.below(moves.count)] {
        case .words: hear(script.piece(), on: stream(&script, of: open))
        case .frame: hear(LengthPrefixedFrames.framed(script.piece()), on: stream(&script, of: open))
        case .streams:
            guard open.count < 16 else { return }
            let stream = newStream()
            feed(.inboundStream(stream, Self.peer))
        case .end:
            guard let stream = stream(&script, of: open) else { return }
            lose(stream, by: script.below(2) == 0 ? .streamReset(stream) : .remoteClosedWrite(stream))
        case .ask: ask(&script)
        case .reconcile: reconcile(&script)
        case .answer: answer(&script)
        case .busy: say(.busy, &script)
        case .search: search(&script)
        case .author: feed(.askForOwn(Self.peer, Handshakes.key.publicKey))
        case .follow: feed(.followed(Array((0..<script.below(8)).map { $0 }), newWith: [Self.peer]))
        case .meet:
            switch script.below(3) {
            case 0:
                (open, asking) = ([], [])
                feed(.peerDisconnected(Self.peer))
            case 1: feed(.meshed(Self.peer, script.below(2) == 0))
            default: if !machine.isPartner(Self.peer) { feed(.partner(Self.peer, isOutbound: script.below(2) == 0)) }
            }
        case .wait: wait(.milliseconds(1 << script.below(20)))
        }
    }

    // MARK: What the peer says

    private mutating func ask(_ script: inout Script) {
        let ids = Self.records.suffix(10 + script.below(20)).map(\.id)
        let request: SyncRequest =
            switch script.below(5) {
            case 0: .fetch(ids)
            case 1: .give(batch(&script))
            case 2: .author((Self.records.last?.author ?? Handshakes.key.publicKey).bytes)
            case 3: .find(SyncQuestion(network: "main", lanes: Array(0..<script.below(16)), models: []))
            default: .compare(SyncComparison(network: "main", unixSeconds: wall / 1_000, lanes: [opening]))
            }
        if let stream = stream(&script, of: open.filter { !asking.contains($0) }) {
            hear(LengthPrefixedFrames.framed(request.encoded), on: stream)
        }
    }

    private var opening: LaneMessage {
        LaneMessage(lane: Self.lane ?? 0, message: RangeReconciliation.opening(Self.index))
    }

    /// Ranges in the words of an honest peer with other offers, or in those of the script.
    private mutating func reconcile(_ script: inout Script) {
        let lane = Self.lane.map { ($0 + script.below(3)) % MarketProfile.first.lanes.count } ?? 0
        let message = script.below(2) == 0 ? opening.message : script.piece()
        let unknown = (0..<script.below(4)).map { UInt8($0) }
        let answer = SyncAnswer.compared(
            [LaneMessage(lane: lane, message: message)],
            unknown: unknown,
            unixSeconds: wall / 1_000
        )
        say(answer, &script)
    }

    private mutating func answer(_ script: inout Script) {
        let answer: SyncAnswer =
            switch script.below(3) {
            case 0: .batch(batch(&script))
            case 1: .taken(refused: script.piece().prefix(64).map { $0 })
            default:
                .found(
                    batch(&script),
                    unknown: [],
                    next: script.below(2) == 0
                        ? nil : OfferPlace(micros: Twists(&script).number(0, 5), id: MarketSamples.recordID)
                )
            }
        say(answer, &script)
    }

    private func batch(_ script: inout Script) -> RecordBatch {
        let first = script.below(Self.records.count)
        var envelopes = Self.records[first...].prefix(script.below(32)).map(\.envelope)
        if script.below(4) == 1 { envelopes.append(script.piece()) }
        let honest = RecordBatch(packing: envelopes, answeredCount: script.below(40))
        guard script.below(8) == 1 else { return honest }
        return RecordBatch(byteCount: script.below(256) * 400, block: script.piece(), answeredCount: 0)
    }

    private mutating func say(_ answer: SyncAnswer, _ script: inout Script) {
        hear(LengthPrefixedFrames.framed(answer.encoded), on: stream(&script, of: asking))
    }

    private mutating func search(_ script: inout Script) {
        let query = SyncQueryID(rawValue: nextQuery)
        nextQuery += 1
        let errand: SyncErrand =
            script.below(2) == 0
            ? .find(SyncQuestion(network: "main", lanes: [Self.lane ?? 0], models: []), for: query)
            : .hear(Handshakes.key.publicKey, for: query)
        feed(.search(errand, Self.peer))
    }

    // MARK: Driving

    private func stream(_ script: inout Script, of streams: [StreamHandle]) -> StreamHandle? {
        let number = script.below(16)
        return streams.isEmpty ? nil : streams[number % streams.count]
    }

    private mutating func newStream() -> StreamHandle {
        let stream = StreamHandle(connection: Sieges.connection, stream: nextStream)
        nextStream += 1
        open.append(stream)
        return stream
    }

    private mutating func hear(_ bytes: [UInt8], on stream: StreamHandle?) {
        if let stream, machine.owns(stream) { feed(.data(stream, bytes)) }
    }

    private mutating func lose(_ stream: StreamHandle, by input: SyncMachine.Input) {
        open.removeAll { $0 == stream }
        asking.removeAll { $0 == stream }
        if machine.owns(stream) { feed(input) }
    }

    private mutating func wait(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = machine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            feed(.deadlineReached)
        }
        now = end
    }

    private mutating func feed(_ input: SyncMachine.Input) {
        var (inputs, stepCount): ([SyncMachine.Input], Int) = ([input], 0)
        while !inputs.isEmpty {
            stepCount += 1
            precondition(stepCount < Self.stepCountMax, "reconciliation goes in circles")
            var outputs: [SyncMachine.Output] = []
            machine.handle(inputs.removeFirst(), book: book, unixMilliseconds: wall, at: now, into: &outputs)
            for output in outputs { carryOut(output, &inputs) }
        }
        machine.checkInvariants()
    }

    private mutating func carryOut(_ output: SyncMachine.Output, _ inputs: inout [SyncMachine.Input]) {
        switch output {
        case .openStream(let request, _):
            let stream = newStream()
            asking.append(stream)
            inputs.append(.streamOpened(request, stream))
        case .reset(let stream), .closeWrite(let stream):
            open.removeAll { $0 == stream }
            asking.removeAll { $0 == stream }
        case .received(let peer, let batch, let envelopes, _):
            for (place, envelope) in envelopes.enumerated() {
                let judged = judge(envelope, batch: batch, place: place)
                inputs.append(.judged(peer, judged))
            }
        case .write, .consumed, .searched, .toldOwn, .clockHeard, .finished, .misbehaved: break
        }
    }

    private mutating func judge(_ envelope: [UInt8], batch: UInt64, place: Int) -> SyncMachine.JudgedRecord {
        guard let record = try? SignedRecord(envelope: envelope) else {
            return SyncMachine.JudgedRecord(batch: batch, place: place, id: nil, judgement: .rejected)
        }
        var changes: [BookChange] = []
        let isTaken = book.admit(record, at: wall, into: &changes) == .admitted
        return SyncMachine.JudgedRecord(
            batch: batch,
            place: place,
            id: record.id,
            judgement: isTaken ? .taken : .refused
        )
    }
}
