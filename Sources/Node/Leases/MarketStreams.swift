internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

/// Conversations on `/rialto/market/1.0.0`: who can be reached how, and which answer belongs to which question.
///
/// A question goes out on any open stream with the peer, whoever opened it, so that a provider can ask a renter that nobody can
/// dial; else the peer is dialled and a stream opened. Each question has a number of its own on its stream and the answer repeats
/// it. Nothing is asked again here: what did not reach its goal is told as `undelivered`, and its owner knows whether it still
/// matters.
struct MarketStreams: Sendable {
    enum Input: Sendable {
        case ask(Question, MarketMessage.Content, PeerID, addresses: [Multiaddr])
        case reply(CounterConversation, MarketMessage.Content)
        /// A question that was not sent yet need not be any more.
        case drop(Question, PeerID)
        case swarm(SwarmMachine.Output, from: IPAddress?)
        case deadlineReached
    }

    enum Output: Sendable {
        case swarm(SwarmMachine.Input)
        /// Answered with `reply`, or never.
        case asked(CounterConversation, by: PeerID, from: IPAddress?, MarketMessage.Content)
        case answered(Question, by: PeerID, MarketMessage.Content)
        case undelivered(Question, to: PeerID)
        case misbehaved(PeerID, String)
    }

    /// What a question is about.
    enum Question: Hashable, Sendable {
        case bid(BidID)
        case duty(LeaseID, LeaseDuty.Kind)
        /// What came of a bid that nobody waits for any more.
        case recovery(LeaseID)
        /// A lease of the two, shown to a party that may have forgotten it.
        case held(LeaseID)
        /// A bid of ours on a request.
        case requestBid(BidID)
        /// Ticks and vouchers: the next one says everything, so no answer is waited for.
        case statement
    }

    private struct Stream: Sendable {
        let peer: PeerID
        let isOurs: Bool
        /// Where the peer is, for bids.
        let address: IPAddress?
        var frames = LengthPrefixedFrames(byteCountMax: MarketMessage.byteCountMax)
        var awaiting: [UInt64: Question] = [:]
        var usedAt: Instant
        var isCongested = false
        /// Bytes that were taken while the stream is congested: the peer may send more once it reads.
        var unacknowledged = 0
    }

    private struct Peer: Sendable {
        enum Reach: Sendable {
            case none
            case connecting(ConnectRequestID)
            case opening(StreamRequestID)
        }
        var streams: [StreamHandle] = []
        var reach = Reach.none
        var waiting: [(question: Question, content: MarketMessage.Content)] = []
        var allowance = TokenBucket(burst: LeaseLimits.questionBurst, interval: LeaseLimits.questionInterval)
        /// Questions of this peer that have no answer yet.
        var conversationCount = 0

        var isIdle: Bool {
            guard case .none = reach else { return false }
            return streams.isEmpty && waiting.isEmpty
        }

        func isConnecting(_ request: ConnectRequestID) -> Bool {
            if case .connecting(request) = reach { true } else { false }
        }

        func isOpening(_ request: StreamRequestID) -> Bool {
            if case .opening(request) = reach { true } else { false }
        }
    }

    private let requestIDs: ClosedRange<UInt64>
    private var nextRequest: UInt64
    private var nextQuestion: UInt64 = 1
    private var nextConversation: UInt64 = 1
    private var streams: OrderedDictionary<StreamHandle, Stream> = [:]
    private var peers: OrderedDictionary<PeerID, Peer> = [:]
    /// The oldest first: whoever waits longest asks again when it is forgotten.
    private var conversations: OrderedDictionary<CounterConversation, (stream: StreamHandle, number: UInt64)> = [:]
    /// When the stream that was silent longest is given up.
    private(set) var nextDeadline: Instant?

    /// Draws the ids of its streams and dials from one range, so that the owner can tell whose they are.
    init(requestIDs: ClosedRange<UInt64>) {
        self.requestIDs = requestIDs
        nextRequest = requestIDs.lowerBound
    }

    /// Whether what the swarm said concerns these streams alone.
    func takes(_ output: SwarmMachine.Output) -> Bool {
        switch output {
        case .streamOpened(let request, _, _), .streamFailed(let request, _): requestIDs.contains(request.rawValue)
        case .connectAnswered(let request, _): requestIDs.contains(request.rawValue)
        case .inboundStream(_, _, let name): name == MarketMessage.protocolID
        case .data(let stream, _), .remoteClosedWrite(let stream), .streamReset(let stream),
            .streamCongested(let stream), .streamDrained(let stream):
            streams[stream] != nil
        case .transport, .listening, .listenFailed, .connected, .disconnected, .identified, .roundTrip,
            .addressesChanged, .refused, .stopped:
            false
        }
    }

    func peer(of stream: StreamHandle) -> PeerID? { streams[stream]?.peer }

    mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .ask(let question, let content, let peer, let addresses):
            ask(question, content, peer, addresses, at: now, into: &outputs)
        case .reply(let conversation, let content):
            guard let (stream, number) = conversations.removeValue(forKey: conversation) else { return }
            if let peer = streams[stream]?.peer { peers[peer]?.conversationCount -= 1 }
            write(MarketMessage(id: number, content: content), on: stream, at: now, into: &outputs)
        case .drop(let question, let peer): peers[peer]?.waiting.removeAll { $0.question == question }
        case .swarm(let output, let address): heard(output, from: address, at: now, into: &outputs)
        case .deadlineReached: expire(at: now, into: &outputs)
        }
        if let deadline = nextDeadline, deadline > now { return }
        nextDeadline = streams.values.map { $0.usedAt.advanced(by: LeaseLimits.idleTimeout) }.min()
    }

    // MARK: Asking

    private mutating func ask(
        _ question: Question,
        _ content: MarketMessage.Content,
        _ remote: PeerID,
        _ addresses: [Multiaddr],
        at now: Instant,
        into outputs: inout [Output]
    ) {
        var peer = peers[remote] ?? Peer()
        let usable = peer.streams.first { streams[$0]?.isCongested == false }
        if let stream = usable {
            return send(question, content, on: stream, at: now, into: &outputs)
        }
        // Asked again before it was sent: once is enough.
        if question != .statement, let index = peer.waiting.firstIndex(where: { $0.question == question }) {
            peers[remote]?.waiting[index].content = content
            return
        }
        guard peer.waiting.count < LeaseLimits.waitingCountMax, peers.count < LeaseLimits.peerCountMax else {
            return outputs.append(.undelivered(question, to: remote))
        }
        peer.waiting.append((question, content))
        if case .none = peer.reach, peer.streams.isEmpty {
            let request = ConnectRequestID(rawValue: drawRequest())
            peer.reach = .connecting(request)
            outputs.append(.swarm(.connect(request, remote, addresses)))
        }
        peers[remote] = peer
    }

    private mutating func send(
        _ question: Question,
        _ content: MarketMessage.Content,
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        let number = nextQuestion
        nextQuestion += 1
        if question != .statement {
            // Asked again: the first answer to either counts.
            let earlier = streams[stream]?.awaiting.first { $0.value == question }?.key
            if let earlier { streams[stream]?.awaiting[earlier] = nil }
            if let remote = streams[stream]?.peer, streams[stream]?.awaiting.count ?? 0 >= LeaseLimits.awaitingCountMax
            {
                return outputs.append(.undelivered(question, to: remote))
            }
            streams[stream]?.awaiting[number] = question
        }
        write(MarketMessage(id: number, content: content), on: stream, at: now, into: &outputs)
    }

    private mutating func write(
        _ message: MarketMessage,
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        streams[stream]?.usedAt = now
        outputs.append(.swarm(.write(stream, LengthPrefixedFrames.framed(message.encoded))))
    }

    private mutating func sendWaiting(to remote: PeerID, at now: Instant, into outputs: inout [Output]) {
        guard let peer = peers[remote], let stream = peer.streams.first(where: { streams[$0]?.isCongested == false })
        else { return }
        peers[remote]?.waiting = []
        for (question, content) in peer.waiting { send(question, content, on: stream, at: now, into: &outputs) }
    }

    /// The peer cannot be reached now.
    private mutating func giveUp(_ remote: PeerID, into outputs: inout [Output]) {
        guard var peer = peers[remote] else { return }
        let waiting = peer.waiting
        (peer.waiting, peer.reach) = ([], .none)
        peers[remote] = peer.isIdle ? nil : peer
        for (question, _) in waiting { outputs.append(.undelivered(question, to: remote)) }
    }

    private mutating func drawRequest() -> UInt64 {
        defer { nextRequest = nextRequest == requestIDs.upperBound ? requestIDs.lowerBound : nextRequest + 1 }
        return nextRequest
    }

    // MARK: The swarm

    private mutating func heard(
        _ output: SwarmMachine.Output,
        from address: IPAddress?,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch output {
        case .connectAnswered(let request, let result):
            guard let remote = peers.first(where: { $0.value.isConnecting(request) })?.key else { return }
            guard case .success = result else { return giveUp(remote, into: &outputs) }
            let request = StreamRequestID(rawValue: drawRequest())
            peers[remote]?.reach = .opening(request)
            outputs.append(.swarm(.openStream(request, remote, [MarketMessage.protocolID])))
        case .streamFailed(let request, _):
            guard let remote = peers.first(where: { $0.value.isOpening(request) })?.key else { return }
            giveUp(remote, into: &outputs)
        case .streamOpened(let request, let stream, _):
            guard let remote = peers.first(where: { $0.value.isOpening(request) })?.key else {
                return outputs.append(.swarm(.reset(stream)))
            }
            peers[remote]?.reach = .none
            keep(stream, with: remote, isOurs: true, address, at: now)
            sendWaiting(to: remote, at: now, into: &outputs)
        case .inboundStream(let stream, let remote, _):
            let theirs = peers[remote]?.streams.count { streams[$0]?.isOurs == false } ?? 0
            guard theirs < LeaseLimits.inboundPerPeerMax, peers[remote] != nil || peers.count < LeaseLimits.peerCountMax
            else { return outputs.append(.swarm(.reset(stream))) }
            keep(stream, with: remote, isOurs: false, address, at: now)
            sendWaiting(to: remote, at: now, into: &outputs)
        case .data(let stream, let bytes): received(bytes, on: stream, at: now, into: &outputs)
        case .remoteClosedWrite(let stream):
            outputs.append(.swarm(.closeWrite(stream)))
            forget(stream, into: &outputs)
        case .streamReset(let stream): forget(stream, into: &outputs)
        case .streamCongested(let stream): streams[stream]?.isCongested = true
        case .streamDrained(let stream):
            guard var state = streams[stream] else { return }
            if state.unacknowledged > 0 {
                let kept = state.frames.pendingByteCount
                outputs.append(.swarm(.consumed(stream, state.unacknowledged, kept: kept)))
            }
            (state.isCongested, state.unacknowledged) = (false, 0)
            streams[stream] = state
            sendWaiting(to: state.peer, at: now, into: &outputs)
        case .disconnected(let remote, _):
            for stream in peers[remote]?.streams ?? [] { forget(stream, into: &outputs) }
            if peers[remote]?.isIdle == true { peers[remote] = nil }
        case .transport, .listening, .listenFailed, .connected, .identified, .roundTrip, .addressesChanged, .refused,
            .stopped:
            break
        }
    }

    private mutating func keep(
        _ stream: StreamHandle,
        with remote: PeerID,
        isOurs: Bool,
        _ address: IPAddress?,
        at now: Instant
    ) {
        streams[stream] = Stream(peer: remote, isOurs: isOurs, address: address, usedAt: now)
        peers[remote, default: Peer()].streams.append(stream)
        nextDeadline = earliest(nextDeadline, now.advanced(by: LeaseLimits.idleTimeout))
    }

    private mutating func forget(_ stream: StreamHandle, into outputs: inout [Output]) {
        guard let state = streams.removeValue(forKey: stream) else { return }
        // The peer is kept until it disconnects: a new stream brings no new allowance.
        peers[state.peer]?.streams.removeAll { $0 == stream }
        let count = conversations.count
        conversations.removeAll { $0.value.stream == stream }
        peers[state.peer]?.conversationCount -= count - conversations.count
        for number in state.awaiting.keys.sorted() {
            if let question = state.awaiting[number] { outputs.append(.undelivered(question, to: state.peer)) }
        }
        // What waited for this stream to drain waits for nothing now.
        if let peer = peers[state.peer], peer.streams.isEmpty, case .none = peer.reach, !peer.waiting.isEmpty {
            giveUp(state.peer, into: &outputs)
        }
    }

    private mutating func received(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        streams[stream]?.usedAt = now
        streams[stream]?.frames.append(bytes)
        do {
            while let frame = try streams[stream]?.frames.next() {
                take(try MarketMessage(parsing: frame), on: stream, at: now, into: &outputs)
            }
        } catch {
            return drop(stream, "market message: \(error)", into: &outputs)
        }
        guard let state = streams[stream] else { return }
        if state.isCongested {
            streams[stream]?.unacknowledged += bytes.count
        } else {
            outputs.append(.swarm(.consumed(stream, bytes.count, kept: state.frames.pendingByteCount)))
        }
    }

    private mutating func take(
        _ message: MarketMessage,
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let state = streams[stream] else { return }
        guard !message.isAnswer else {
            // Late and repeated answers are ordinary.
            guard let question = streams[stream]?.awaiting.removeValue(forKey: message.id) else { return }
            return outputs.append(.answered(question, by: state.peer, message.content))
        }
        guard peers[state.peer]?.allowance.take(at: now) == true else {
            return drop(stream, "market message: too many at once", into: &outputs)
        }
        let conversation = CounterConversation(rawValue: nextConversation)
        nextConversation += 1
        if message.isAnswered { open(conversation, (stream, message.id), of: state.peer) }
        outputs.append(.asked(conversation, by: state.peer, from: state.address, message.content))
    }

    /// Remembers whom to answer; of too many the oldest are forgotten, of a peer that asks too much its own.
    private mutating func open(
        _ conversation: CounterConversation,
        _ place: (stream: StreamHandle, number: UInt64),
        of remote: PeerID
    ) {
        if peers[remote]?.conversationCount ?? 0 >= LeaseLimits.conversationsPerPeerMax {
            let own = conversations.first { streams[$0.value.stream]?.peer == remote }?.key
            if let own, conversations.removeValue(forKey: own) != nil { peers[remote]?.conversationCount -= 1 }
        } else if conversations.count == LeaseLimits.conversationCountMax {
            let oldest = conversations.removeFirst()
            if let peer = streams[oldest.value.stream]?.peer { peers[peer]?.conversationCount -= 1 }
        }
        conversations[conversation] = place
        peers[remote]?.conversationCount += 1
    }

    private mutating func drop(_ stream: StreamHandle, _ why: String, into outputs: inout [Output]) {
        guard let remote = streams[stream]?.peer else { return }
        outputs.append(.swarm(.reset(stream)))
        outputs.append(.misbehaved(remote, why))
        forget(stream, into: &outputs)
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        for (stream, state) in streams.elements where state.usedAt.advanced(by: LeaseLimits.idleTimeout) <= now {
            outputs.append(.swarm(.reset(stream)))
            forget(stream, into: &outputs)
        }
    }

    /// Checks what must always hold; for tests and the simulator.
    func checkInvariants() {
        precondition(peers.count <= LeaseLimits.peerCountMax)
        precondition(conversations.count <= LeaseLimits.conversationCountMax)
        for (remote, peer) in peers {
            precondition(peer.waiting.count <= LeaseLimits.waitingCountMax)
            precondition((0...LeaseLimits.conversationsPerPeerMax).contains(peer.conversationCount))
            precondition(peer.streams.allSatisfy { streams[$0]?.peer == remote })
        }
        precondition(streams.values.allSatisfy { $0.awaiting.count <= LeaseLimits.awaitingCountMax })
    }
}

extension MarketMessage {
    /// Ticks and vouchers stand for themselves; everything else that asks is answered.
    fileprivate var isAnswered: Bool {
        switch content {
        case .tick, .voucher: false
        case .bid, .accept, .cancel, .receipt, .state, .notice, .held, .award, .lease, .refusal, .countersignature,
            .done:
            true
        }
    }
}
