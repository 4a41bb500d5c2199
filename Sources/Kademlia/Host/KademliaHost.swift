internal import DequeModule
public import Identity
internal import OrderedCollections
public import Primitives
public import Swarm

/// A ``KademliaMachine`` on the streams of a swarm: it dials whom the machine asks, frames what both sides say, and holds the
/// streams of others to their limits.
///
/// The owner feeds at once whatever its swarm says, or at least connections, identify, addresses and what the host `takes`, and
/// hands its outputs to the swarm. It lists the protocol among its own while the mode is `server`.
///
/// Every request of ours has a stream of its own, which is closed for writing behind it; streams of others may carry one request
/// after the other (libp2p/specs, kad-dht, "RPC messages").
public struct KademliaHost: Sendable {
    public enum Input: Sendable {
        case started
        case clock(unixMilliseconds: Int64)
        case validator(any ValueValidator)
        case mode(KademliaMode)
        case command(KademliaCommandID, KademliaCommand)
        case swarm(SwarmMachine.Output)
        case deadlineReached
    }

    public enum Output: Sendable {
        case swarm(SwarmMachine.Input)
        case finished(KademliaCommandID, KademliaResult)
        case searched(LookupSummary)
        case peerAdded(PeerID)
        case peerRemoved(PeerID)
    }

    /// A request of ours, from the dial to the answer.
    private struct Call: Sendable {
        enum State: Sendable {
            case dialling
            case opening
            case waiting(StreamHandle)
        }
        let peer: PeerID
        let message: [UInt8]
        let expectsResponse: Bool
        var state = State.dialling
        var frames = LengthPrefixedFrames(byteCountMax: KademliaMessage.byteCountMax)
    }

    /// A stream of another peer.
    private struct Served: Sendable {
        let peer: PeerID
        var frames = LengthPrefixedFrames(byteCountMax: KademliaMessage.byteCountMax)
        var isCongested = false
        var isReading = false
        /// When the requests that wait are gone on with; `nil` if none waits.
        var resumesAt: Instant?
        /// The peer asks nothing more.
        var isEnded = false
        var deadline: Instant

        /// When there is something to do on it.
        var nextDeadline: Instant { isCongested ? deadline : min(deadline, resumesAt ?? deadline) }
    }

    public let protocolName: String
    public private(set) var machine: KademliaMachine
    private let firstRequest: UInt64
    private let requestIDs: ClosedRange<UInt64>
    private var connected: [PeerID: IPAddress] = [:]
    private var calls: OrderedDictionary<KademliaRequestID, Call> = [:]
    private var callers: [StreamHandle: KademliaRequestID] = [:]
    private var served: OrderedDictionary<StreamHandle, Served> = [:]
    /// Streams on which we have said and heard all, until the peer closes them; in the order of their ends.
    private var draining: OrderedDictionary<StreamHandle, Instant> = [:]
    private var inbound: [KademliaInboundID: StreamHandle] = [:]
    private var nextInbound: UInt64 = 0
    private var work = Deque<KademliaMachine.Input>()

    /// Draws the ids of its streams and dials from one range, so that the owner can tell whose they are.
    public init(machine: KademliaMachine, protocolName: String, requestIDs: ClosedRange<UInt64>) {
        self.machine = machine
        self.protocolName = protocolName
        self.requestIDs = requestIDs
        firstRequest = requestIDs.lowerBound
    }

    public func owns(_ request: StreamRequestID) -> Bool { requestIDs.contains(request.rawValue) }

    public func owns(_ request: ConnectRequestID) -> Bool { requestIDs.contains(request.rawValue) }

    public func owns(_ stream: StreamHandle) -> Bool {
        callers[stream] != nil || served[stream] != nil || draining[stream] != nil
    }

    /// Whether what the swarm said concerns the host alone: the owner feeds it and looks no further.
    public func takes(_ output: SwarmMachine.Output) -> Bool {
        switch output {
        case .streamOpened(let request, _, _), .streamFailed(let request, _): owns(request)
        case .connectAnswered(let request, _): owns(request)
        case .inboundStream(_, _, let name): name == protocolName
        case .data(let stream, _), .remoteClosedWrite(let stream), .streamReset(let stream),
            .streamCongested(let stream), .streamDrained(let stream):
            owns(stream)
        case .transport, .listening, .listenFailed, .connected, .disconnected, .identified, .roundTrip,
            .addressesChanged, .refused, .stopped:
            false
        }
    }

    /// When `deadlineReached` is due; `nil` while nothing is.
    public var nextDeadline: Instant? {
        let servedDeadline = served.values.lazy.map(\.nextDeadline).min()
        return earliest(machine.nextDeadline, servedDeadline, draining.values.first)
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .started: work.append(.started)
        case .clock(let unixMilliseconds): work.append(.clock(unixMilliseconds: unixMilliseconds))
        case .validator(let validator): work.append(.validator(validator))
        case .mode(let mode): work.append(.mode(mode))
        case .command(let id, let command): work.append(.command(id, command))
        case .swarm(let output): heard(output, at: now, into: &outputs)
        case .deadlineReached:
            expire(at: now, into: &outputs)
            work.append(.deadlineReached)
        }
        settle(at: now, into: &outputs)
    }

    /// Feeds the machine and does what it says, until it has nothing more to say.
    private mutating func settle(at now: Instant, into outputs: inout [Output]) {
        var said: [KademliaMachine.Output] = []
        while let input = work.popFirst() {
            said.removeAll(keepingCapacity: true)
            machine.handle(input, at: now, into: &said)
            for output in said { carryOut(output, into: &outputs) }
        }
    }

    private mutating func carryOut(_ output: KademliaMachine.Output, into outputs: inout [Output]) {
        switch output {
        case .request(let id, let peer, let message, let expectsResponse):
            calls[id] = Call(peer: peer.id, message: message, expectsResponse: expectsResponse)
            guard connected[peer.id] == nil else { return open(id, into: &outputs) }
            let request = ConnectRequestID(rawValue: firstRequest + id.rawValue)
            // Told by strangers, and to be dialled as such: only what may pass between us and them is left of it. Where the settings
            // say that a seed is, we are sent by our own operator.
            outputs.append(.swarm(.learned(peer.id, peer.addresses, from: nil)))
            let named = machine.config.seeds.filter { $0.id == peer.id }.flatMap(\.addresses)
            outputs.append(.swarm(.connect(request, peer.id, named)))
        case .learned(let peer): outputs.append(.swarm(.learned(peer.id, peer.addresses, from: nil)))
        case .cancel(let id): cancel(id, into: &outputs)
        case .respond(let id, let message):
            guard let stream = inbound.removeValue(forKey: id) else { return }
            outputs.append(.swarm(.write(stream, LengthPrefixedFrames.framed(message))))
        case .accept(let id): inbound[id] = nil
        case .refuse(let id):
            guard let stream = inbound.removeValue(forKey: id) else { return }
            served[stream] = nil
            outputs.append(.swarm(.reset(stream)))
        case .finished(let id, let result): outputs.append(.finished(id, result))
        case .searched(let summary): outputs.append(.searched(summary))
        case .peerAdded(let peer): outputs.append(.peerAdded(peer))
        case .peerRemoved(let peer): outputs.append(.peerRemoved(peer))
        }
    }

    private mutating func cancel(_ id: KademliaRequestID, into outputs: inout [Output]) {
        switch calls.removeValue(forKey: id)?.state {
        case .dialling:
            outputs.append(.swarm(.cancelConnect(ConnectRequestID(rawValue: firstRequest + id.rawValue))))
        case .waiting(let stream):
            callers[stream] = nil
            outputs.append(.swarm(.reset(stream)))
        case .opening, nil: break
        }
    }

    /// Checks what must always hold; for tests and the simulator.
    public func checkInvariants() {
        machine.checkInvariants()
        precondition(work.isEmpty && inbound.isEmpty, "a step ended before its work was done")
        precondition(served.count <= HostLimits.servedCountMax && callers.count <= calls.count)
        precondition(calls.count <= KademliaLimits.requestCountMax)
        precondition(draining.count <= HostLimits.drainingCountMax)
    }
}

// MARK: What the swarm says

extension KademliaHost {
    private mutating func heard(_ output: SwarmMachine.Output, at now: Instant, into outputs: inout [Output]) {
        switch output {
        case .connected(let peer, let info): connected[peer] = info.remote.address
        case .disconnected(let peer, _): disconnected(peer)
        case .connectAnswered(let request, let result): connectAnswered(request, result, into: &outputs)
        case .identified(let peer, let description):
            work.append(
                .identified(
                    KademliaPeer(id: peer, addresses: description.listenAddresses),
                    isServer: description.protocols.contains(protocolName),
                    from: connected[peer]
                )
            )
        case .streamOpened(let request, let stream, _): opened(request, stream, at: now, into: &outputs)
        case .streamFailed(let request, _):
            guard owns(request) else { return }
            fail(KademliaRequestID(rawValue: request.rawValue - firstRequest))
        case .inboundStream(let stream, let peer, let name) where name == protocolName:
            accept(stream, from: peer, at: now, into: &outputs)
        case .data(let stream, let bytes): received(bytes, on: stream, at: now, into: &outputs)
        case .remoteClosedWrite(let stream): ended(stream, isReset: false, at: now, into: &outputs)
        case .streamReset(let stream): ended(stream, isReset: true, at: now, into: &outputs)
        case .streamCongested(let stream): served[stream]?.isCongested = true
        case .streamDrained(let stream):
            served[stream]?.isCongested = false
            resume(stream, at: now, into: &outputs)
        case .addressesChanged(let addresses): work.append(.ownAddresses(addresses))
        case .transport, .listening, .listenFailed, .inboundStream, .roundTrip, .refused, .stopped: break
        }
    }

    private mutating func disconnected(_ peer: PeerID) {
        connected[peer] = nil
        for (id, call) in calls where call.peer == peer {
            switch call.state {
            case .dialling: break
            case .opening, .waiting: fail(id)
            }
        }
        served.removeAll { $0.value.peer == peer }
        work.append(.disconnected(peer))
    }

    private mutating func connectAnswered(
        _ request: ConnectRequestID,
        _ result: Result<PeerID, ConnectFailure>,
        into outputs: inout [Output]
    ) {
        guard owns(request) else { return }
        let id = KademliaRequestID(rawValue: request.rawValue - firstRequest)
        guard let call = calls[id], case .dialling = call.state else { return }
        switch result {
        case .success(call.peer): open(id, into: &outputs)
        case .failure(let failure) where failure.saysNothingOfPeer:
            calls[id] = nil
            work.append(.requestNotSent(id))
        case .success, .failure: fail(id)
        }
    }

    private mutating func open(_ id: KademliaRequestID, into outputs: inout [Output]) {
        guard let peer = calls[id]?.peer else { return }
        calls[id]?.state = .opening
        let request = StreamRequestID(rawValue: firstRequest + id.rawValue)
        outputs.append(.swarm(.openStream(request, peer, [protocolName])))
    }

    private mutating func opened(
        _ request: StreamRequestID,
        _ stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard owns(request) else { return }
        let id = KademliaRequestID(rawValue: request.rawValue - firstRequest)
        guard let call = calls[id], case .opening = call.state else {
            outputs.append(.swarm(.reset(stream)))
            return
        }
        outputs.append(.swarm(.write(stream, LengthPrefixedFrames.framed(call.message))))
        outputs.append(.swarm(.closeWrite(stream)))
        guard call.expectsResponse else {
            calls[id] = nil
            drain(stream, at: now, into: &outputs)
            work.append(.delivered(id))
            return
        }
        calls[id]?.state = .waiting(stream)
        callers[stream] = id
    }

    private mutating func fail(_ id: KademliaRequestID) {
        guard let call = calls.removeValue(forKey: id) else { return }
        if case .waiting(let stream) = call.state { callers[stream] = nil }
        work.append(.requestFailed(id))
    }

    private mutating func drain(_ stream: StreamHandle, at now: Instant, into outputs: inout [Output]) {
        if draining.count >= HostLimits.drainingCountMax {
            outputs.append(.swarm(.reset(draining.removeFirst().key)))
        }
        draining[stream] = now.advanced(by: HostLimits.drainTimeout)
    }

    private mutating func ended(
        _ stream: StreamHandle,
        isReset: Bool,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        draining[stream] = nil
        if let id = callers[stream] {
            fail(id)
            if !isReset { outputs.append(.swarm(.reset(stream))) }
        } else if isReset {
            served[stream] = nil
        } else if served[stream] != nil {
            served[stream]?.isEnded = true
            if served[stream]?.isCongested == true {
                served[stream]?.deadline = now.advanced(by: HostLimits.drainTimeout)
            }
            closeIfDone(stream, into: &outputs)
        }
    }

    /// Closes a stream on which every whole request has its answer and the peer takes these.
    private mutating func closeIfDone(_ stream: StreamHandle, into outputs: inout [Output]) {
        guard let run = served[stream], run.isEnded, !run.isCongested, run.resumesAt == nil else { return }
        served[stream] = nil
        outputs.append(.swarm(.closeWrite(stream)))
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        while let (stream, deadline) = draining.elements.first, deadline <= now {
            draining.removeFirst()
            outputs.append(.swarm(.reset(stream)))
        }
        for (stream, run) in served where run.nextDeadline <= now {
            guard run.deadline <= now else {
                resume(stream, at: now, into: &outputs)
                continue
            }
            served[stream] = nil
            outputs.append(.swarm(.reset(stream)))
        }
    }
}

// MARK: Bytes

extension KademliaHost {
    private mutating func accept(
        _ stream: StreamHandle,
        from peer: PeerID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard machine.mode == .server, served.count < HostLimits.servedCountMax,
            served.values.count(where: { $0.peer == peer }) < HostLimits.servedPerPeerMax
        else {
            outputs.append(.swarm(.reset(stream)))
            return
        }
        served[stream] = Served(peer: peer, deadline: now.advanced(by: HostLimits.readTimeout))
    }

    private mutating func received(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard owns(stream) else { return }
        if served[stream] != nil {
            served[stream]?.frames.append(bytes)
            serve(stream, at: now, into: &outputs)
        } else if let id = callers[stream] {
            receivedResponse(bytes, for: id, on: stream, at: now, into: &outputs)
        }
        // What was said on a stream that is reset needs no credit.
        guard owns(stream) else { return }
        let frames = served[stream]?.frames ?? callers[stream].flatMap { calls[$0]?.frames }
        outputs.append(.swarm(.consumed(stream, bytes.count, kept: frames?.pendingByteCount ?? 0)))
    }

    private mutating func receivedResponse(
        _ bytes: [UInt8],
        for id: KademliaRequestID,
        on stream: StreamHandle,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let peer = calls[id]?.peer else { return }
        calls[id]?.frames.append(bytes)
        do throws(LengthPrefixedFrames.Failure) {
            guard let message = try calls[id]?.frames.next() else { return }
            calls[id] = nil
            callers[stream] = nil
            drain(stream, at: now, into: &outputs)
            work.append(.response(id, message, from: connected[peer]))
        } catch {
            fail(id)
            outputs.append(.swarm(.reset(stream)))
        }
    }

    /// Answers a few of the requests that came on a stream: only after the step is it known whether the peer takes the answers.
    private mutating func serve(_ stream: StreamHandle, at now: Instant, into outputs: inout [Output]) {
        guard served[stream] != nil else { return }
        let wasWaiting = served[stream]?.resumesAt != nil
        served[stream]?.resumesAt = nil
        var answerCount = 0
        do throws(LengthPrefixedFrames.Failure) {
            while let peer = served[stream]?.peer, let byteCount = served[stream]?.frames.pendingByteCount,
                byteCount > 0
            {
                guard served[stream]?.isCongested == false, answerCount < HostLimits.answersPerStepMax else {
                    // Whoever does not take our answers asks no more.
                    guard byteCount <= HostLimits.waitingByteCountMax else { throw .messageTooLong }
                    served[stream]?.resumesAt = now
                    break
                }
                guard let message = try served[stream]?.frames.next() else { break }
                answerCount += 1
                let id = KademliaInboundID(rawValue: nextInbound)
                nextInbound += 1
                inbound[id] = stream
                served[stream]?.isReading = false
                work.append(.inbound(id, peer, message, from: connected[peer]))
                settle(at: now, into: &outputs)
            }
        } catch {
            served[stream] = nil
            outputs.append(.swarm(.reset(stream)))
            return
        }
        restrain(stream, hasAnswered: answerCount > 0, wasWaiting: wasWaiting, at: now)
    }

    /// Goes on with the requests that wait on a stream.
    private mutating func resume(_ stream: StreamHandle, at now: Instant, into outputs: inout [Output]) {
        if served[stream]?.resumesAt != nil {
            serve(stream, at: now, into: &outputs)
            guard let kept = served[stream]?.frames.pendingByteCount else { return }
            outputs.append(.swarm(.consumed(stream, 0, kept: kept)))
        }
        closeIfDone(stream, into: &outputs)
    }

    /// Sets how long a peer may take from now, to ask on or to take what it asked for.
    private mutating func restrain(_ stream: StreamHandle, hasAnswered: Bool, wasWaiting: Bool, at now: Instant) {
        guard let run = served[stream] else { return }
        guard run.resumesAt == nil else {
            if hasAnswered || !wasWaiting { served[stream]?.deadline = now.advanced(by: HostLimits.drainTimeout) }
            return
        }
        // The time to read begins with a request's first byte; more of the same request does not extend it.
        let isReading = run.frames.pendingByteCount > 0
        if !isReading {
            served[stream]?.deadline = now.advanced(by: HostLimits.idleTimeout)
        } else if !run.isReading {
            served[stream]?.deadline = now.advanced(by: HostLimits.readTimeout)
        }
        served[stream]?.isReading = isReading
    }
}
