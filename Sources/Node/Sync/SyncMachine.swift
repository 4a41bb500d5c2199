internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Reconciliation
internal import Swarm

/// Keeps the books of peers equal, over `/rialto/sync/1.0.0`.
///
/// Two neighbours compare diaries. One reads out a sum for each week; where the other's sum differs, they go into days, then hours, until
/// they know which pages only one of them has, and copy those to each other. Nobody has to read out the diary.
///
/// Each side opens one stream to the other when it first has a question, and keeps it: one question, one answer, in turn. The side
/// that asks carries the whole run (``SyncRun``): compare (negentropy, protocol version 1), fetch what is missing, give what the other
/// lacks. The side that answers remembers nothing between questions, so there is nothing to exhaust.
///
/// Who is asked, and when: the lazy lane every ten seconds compares the newest presences with a mesh peer in turn, every third time with
/// one outside the meshes; every two minutes, and with every peer that we dialled, everything; at once again while that found much,
/// and with the next turn while it found anything that gossip should have brought.
/// What comes is judged as gossip is: a record proves itself, whoever carried it.
struct SyncMachine: Sendable {
    enum Input: Sendable {
        case started
        /// A connected peer speaks the protocol; whoever dialled begins.
        case partner(PeerID, isOutbound: Bool)
        /// Whether the peer is in any of our meshes.
        case meshed(PeerID, Bool)
        case peerDisconnected(PeerID)
        /// Ask this peer for our own newest records.
        case askForOwn(PeerID, Ed25519.PublicKey)
        /// A presence speaks of offers that the book lacks.
        case lacking(provider: Ed25519.PublicKey, MarketClass)
        /// The lanes that the node follows from now on, and peers that may know the new ones.
        case followed([Int], newWith: [PeerID])
        /// A search asks a peer.
        case search(SyncErrand, PeerID)
        case streamOpened(StreamRequestID, StreamHandle)
        case streamFailed(StreamRequestID)
        case inboundStream(StreamHandle, PeerID)
        case data(StreamHandle, [UInt8])
        case remoteClosedWrite(StreamHandle)
        case streamReset(StreamHandle)
        /// One record of a batch has its verdict.
        case judged(PeerID, JudgedRecord)
        case deadlineReached
    }

    /// What became of a record that a peer sent.
    enum Judgement: Hashable, Sendable {
        case taken
        /// Held already, or dropped for want of room: it may come again.
        case passed
        /// Not wanted, now or soon.
        case refused
        /// No honest node sends it.
        case rejected
    }

    struct JudgedRecord: Hashable, Sendable {
        let batch: UInt64
        /// Its place in the batch.
        let place: Int
        /// `nil` if its bytes are no record.
        let id: RecordID?
        let judgement: Judgement

        init(batch: UInt64, place: Int, id: RecordID?, judgement: Judgement) {
            (self.batch, self.place, self.id, self.judgement) = (batch, place, id, judgement)
        }
    }

    enum Output: Hashable, Sendable {
        case openStream(StreamRequestID, PeerID)
        case write(StreamHandle, [UInt8])
        case closeWrite(StreamHandle)
        case reset(StreamHandle)
        /// How many bytes were taken, and how many of all that were taken are the beginning of a message.
        case consumed(StreamHandle, Int, kept: Int)
        /// Records to be judged, each by one `judged`.
        case received(PeerID, batch: UInt64, [[UInt8]], Occasion)
        /// What became of a search's question; `nil`: nothing.
        case searched(PeerID, SyncQueryID, SyncFinding?)
        /// The peer has said, or will not say, what it knows of our own records.
        case toldOwn(PeerID)
        /// What the peer's clock says, in milliseconds since the Unix epoch.
        case clockHeard(PeerID, unixMilliseconds: Int64)
        case finished(PeerID, SyncOutcome)
        case misbehaved(PeerID, SyncMisbehaviour)
    }

    /// Why a peer sends records.
    enum Occasion: Hashable, Sendable {
        /// We asked for them.
        case asked
        /// A search asked for them, of whatever lane they are.
        case searched
        /// It thinks that we lack them.
        case given
    }

    /// A connected peer that speaks the protocol.
    struct Partner: Sendable {
        let isOutbound: Bool
        var isMeshed = false
        var wasMeshed = false
        var stream: StreamHandle?
        var frames = LengthPrefixedFrames(byteCountMax: SyncLimits.batchFrameByteCountMax)
        /// Left in peace until then.
        var restsUntil: Instant?
        var servedAt: Instant?
        /// What we gave it and it did not want.
        var unwanted: Set<RecordID> = []
    }

    /// A stream of somebody who asks us.
    struct Served: Sendable {
        let peer: PeerID
        var frames = LengthPrefixedFrames(byteCountMax: SyncLimits.batchFrameByteCountMax)
        /// What was given and is being judged: the next question must wait for the answer.
        var judging: Judging?

        struct Judging: Sendable {
            let batch: UInt64
            var rest: Int
            var refused: [UInt8] = []
        }
    }

    let network: String
    /// Every lane of the market by its number, and whether we follow it.
    let lanes: [MarketTopic.Lane]
    var followed: [Int]
    var random: SeededRandom
    private let requestIDs: ClosedRange<UInt64>
    private var nextRequestID: UInt64
    var nextBatch: UInt64 = 1

    var partners: OrderedDictionary<PeerID, Partner> = [:]
    var runs: OrderedDictionary<PeerID, SyncRun> = [:]
    /// Whose stream is being opened.
    var opening: OrderedDictionary<StreamRequestID, PeerID> = [:]
    /// Our streams by handle; asked, never iterated.
    var askers: [StreamHandle: PeerID] = [:]
    var waiting: OrderedDictionary<PeerID, [SyncErrand]> = [:]
    /// When the next of them begins, if that is a matter of time alone.
    var waitingUntil: Instant?
    var served: OrderedDictionary<StreamHandle, Served> = [:]
    var allowances: OrderedDictionary<PeerID, TokenBucket> = [:]
    var refused = RefusedRecords()
    /// Asked for and not yet there, over all runs: what one peer brings need not come from another.
    var inFlight: Set<RecordID> = []
    var lacks = MissedOffers()
    var schedule: SyncSchedule
    var counters = SyncCounters()
    /// When a peer and we last held the same of each lane, by number.
    var reconciledAt: [Instant?]

    /// When `deadlineReached` is due; `nil` while nothing waits.
    private(set) var nextDeadline: Instant?

    /// Draws the ids of its streams from a range of its own, so that the owner can tell whose they are.
    init(
        network: String,
        lanes: [MarketTopic.Lane],
        followed: [Int],
        interval: Duration,
        requestIDs: ClosedRange<UInt64>,
        random seed: SeededRandom
    ) {
        precondition(lanes.count <= SyncLimits.laneCountMax && followed.allSatisfy(lanes.indices.contains))
        (self.network, self.lanes, self.followed, random) = (network, lanes, followed.sorted(), seed)
        self.requestIDs = requestIDs
        nextRequestID = requestIDs.lowerBound
        schedule = SyncSchedule(wholeInterval: interval)
        reconciledAt = Array(repeating: nil, count: lanes.count)
    }

    /// Whether the owner should route a stream request here.
    func owns(_ request: StreamRequestID) -> Bool { requestIDs.contains(request.rawValue) }

    /// Whether the owner should route a stream here.
    func owns(_ stream: StreamHandle) -> Bool { askers[stream] != nil || served[stream] != nil }

    func isPartner(_ peer: PeerID) -> Bool { partners[peer] != nil }

    /// `book` is what we hold, `unixMilliseconds` our wall clock.
    mutating func handle(
        _ input: Input,
        book: RecordBook,
        unixMilliseconds: Int64,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let view = View(book: book, unixMilliseconds: unixMilliseconds, now: now)
        switch input {
        case .started: schedule.start(at: now, random: &random)
        case .partner(let peer, let isOutbound): add(peer, isOutbound: isOutbound)
        case .meshed(let peer, let isMeshed): meshed(peer, isMeshed)
        case .peerDisconnected(let peer): disconnected(peer, view, into: &outputs)
        case .askForOwn(let peer, let key): enqueue(.author(key, isOwn: true), to: peer)
        case .lacking(let provider, let marketClass):
            lacks.note(provider, marketClass, dueAt: now.advanced(by: SyncLimits.lackPatience))
        case .followed(let lanes, let peers): follow(lanes, newWith: peers)
        case .search(let errand, let peer): search(errand, peer, into: &outputs)
        case .streamOpened(let request, let stream): opened(request, stream, view, into: &outputs)
        case .streamFailed(let request): failed(request, view, into: &outputs)
        case .inboundStream(let stream, let peer): accept(stream, from: peer, into: &outputs)
        case .data(let stream, let bytes): received(bytes, on: stream, view, into: &outputs)
        case .remoteClosedWrite(let stream), .streamReset(let stream): closed(stream, view, into: &outputs)
        case .judged(let peer, let record): judged(record, from: peer, view, into: &outputs)
        case .deadlineReached: expire(view, into: &outputs)
        }
        beginWaiting(view, into: &outputs)
        nextDeadline = earliestDeadline
    }

    /// What a step looks at.
    struct View {
        let book: RecordBook
        let unixMilliseconds: Int64
        let now: Instant

        /// Whether gossip should have brought a record long ago; presences travel by the lazy lane alone.
        func isLate(_ record: SignedRecord) -> Bool {
            record.kind != .presence && record.record.issuedAt + SyncLimits.lateMilliseconds <= unixMilliseconds
        }
    }

    private var earliestDeadline: Instant? {
        var deadline = earliest(schedule.turnAt, lacks.nextDeadline)
        for run in runs.values { deadline = earliest(deadline, run.deadline) }
        return earliest(deadline, waitingUntil)
    }

    mutating func drawRequestID() -> StreamRequestID {
        defer { nextRequestID = nextRequestID == requestIDs.upperBound ? requestIDs.lowerBound : nextRequestID + 1 }
        return StreamRequestID(rawValue: nextRequestID)
    }

    mutating func drawBatch() -> UInt64 {
        defer { nextBatch += 1 }
        return nextBatch
    }

    /// Checks what must always hold; for tests and the simulator.
    func checkInvariants() {
        precondition(runs.count <= SyncLimits.runCountMax)
        precondition(waiting.count <= SyncLimits.waitingCountMax)
        precondition(waiting.values.allSatisfy { $0.count <= SyncLimits.errandsPerPeerMax })
        precondition(refused.count <= SyncLimits.refusedCountMax)
        precondition(inFlight.count <= SyncLimits.runCountMax * SyncLimits.batchRecordCountMax)
        precondition(partners.values.allSatisfy { $0.unwanted.count <= SyncLimits.unwantedCountMax })
        precondition(opening.count <= SyncLimits.runCountMax)
        precondition(allowances.count <= SyncLimits.allowanceCountMax)
        for run in runs.values {
            precondition(run.wantedCount <= SyncLimits.runRecordCountMax)
            precondition(run.outcome.roundCount <= SyncLimits.roundCountMax)
        }
    }
}

/// What no honest peer does.
public enum SyncMisbehaviour: Hashable, Sendable {
    case malformed(SyncError)
    /// Negentropy's words that are none.
    case comparison
    /// A question before the answer to the last one, or an answer that does not belong to the question.
    case outOfTurn
    /// Records that nobody asked for.
    case unasked
    /// Bytes that no honest node of any version sends.
    case rejectedRecord
    /// It announced records that it does not have.
    case brokenPromises(Int)
}

/// What reconciliation has cost and found since the start.
public struct SyncCounters: Hashable, Sendable {
    /// Bytes of both directions' questions and answers.
    public var receivedByteCount = 0
    public var sentByteCount = 0
    /// What the last comparison of everything found that only one side had.
    public var lastDifferenceCount = 0
    public var takenCount = 0
    public var givenCount = 0

    public init() {}
}
