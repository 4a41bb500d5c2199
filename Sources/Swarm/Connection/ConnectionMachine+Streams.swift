internal import DequeModule
internal import Multistream
internal import Primitives
internal import Yamux

extension ConnectionMachine {
    /// Feeds the session and everything that follows from it: a negotiation answers into the session that asked it.
    mutating func drive(_ input: YamuxMachine.Input, at now: Instant, into outputs: inout [Output]) {
        var events: [YamuxMachine.Output] = []
        session?.handle(input, at: now, into: &events)
        work(through: events, at: now, into: &outputs)
    }

    /// The list grows while it is worked through, so that bytes and events keep the order in which they came about.
    private mutating func work(through first: [YamuxMachine.Output], at now: Instant, into outputs: inout [Output]) {
        var events = Deque(first)
        while let event = events.popFirst() {
            var answers: [YamuxMachine.Input] = []
            apply(event, at: now, answers: &answers, into: &outputs)
            for answer in answers {
                var more: [YamuxMachine.Output] = []
                session?.handle(answer, at: now, into: &more)
                events += more
            }
        }
    }

    private mutating func apply(
        _ event: YamuxMachine.Output,
        at now: Instant,
        answers: inout [YamuxMachine.Input],
        into outputs: inout [Output]
    ) {
        switch event {
        case .send(let bytes): queue(bytes)
        case .opened(let stream): arrived(stream, at: now, answers: &answers, into: &outputs)
        case .acknowledged: outputs.append(.acknowledged)
        case .data(let stream, let bytes): received(bytes, on: stream, at: now, answers: &answers, into: &outputs)
        case .remoteClosedWrite(let stream): remoteClosed(stream, answers: &answers, into: &outputs)
        case .resetByRemote(let stream), .resetLocally(let stream, _):
            remove(stream.rawValue, .reset, into: &outputs)
        case .congested(let stream):
            if streams[stream.rawValue] != nil { outputs.append(.congested(stream.rawValue)) }
        case .drained(let stream):
            if streams[stream.rawValue] != nil { outputs.append(.drained(stream.rawValue)) }
        case .roundTrip(let duration): outputs.append(.roundTrip(duration))
        case .ended(let reason): end(.session(reason), into: &outputs)
        }
    }

    // MARK: From the peer

    private mutating func arrived(
        _ stream: YamuxStreamID,
        at now: Instant,
        answers: inout [YamuxMachine.Input],
        into outputs: inout [Output]
    ) {
        var machine = MultistreamMachine(role: .listener(supported: supported))
        var words: [MultistreamMachine.Output] = []
        machine.handle(.started, at: now, into: &words)
        streams[stream.rawValue] = ConnectionStream(direction: .inbound, phase: .negotiating(machine))
        negotiationDeadlines.append((now.advanced(by: config.negotiationTimeout), stream.rawValue))
        outputs.append(.streamArrived(stream.rawValue))
        for case .send(let bytes) in words { answers.append(.write(stream, bytes)) }
    }

    private mutating func received(
        _ bytes: [UInt8],
        on stream: YamuxStreamID,
        at now: Instant,
        answers: inout [YamuxMachine.Input],
        into outputs: inout [Output]
    ) {
        guard let phase = streams[stream.rawValue]?.phase else { return }
        switch phase {
        case .open:
            deliver(bytes, on: stream, into: &outputs)
        case .negotiating(let machine), .lazy(let machine):
            negotiate(machine, bytes, on: stream, at: now, answers: &answers, into: &outputs)
        }
    }

    private mutating func negotiate(
        _ machine: MultistreamMachine,
        _ bytes: [UInt8],
        on stream: YamuxStreamID,
        at now: Instant,
        answers: inout [YamuxMachine.Input],
        into outputs: inout [Output]
    ) {
        var (machine, words): (MultistreamMachine, [MultistreamMachine.Output]) = (machine, [])
        machine.handle(.received(bytes), at: now, into: &words)
        let isLazy = if case .lazy = streams[stream.rawValue]?.phase { true } else { false }
        streams[stream.rawValue]?.phase = isLazy ? .lazy(machine) : .negotiating(machine)
        for word in words {
            switch word {
            case .send(let bytes):
                answers.append(.write(stream, bytes))
            case .negotiated(let name, let remainder):
                streams[stream.rawValue]?.phase = .open
                answers.append(.consumed(stream, bytes.count - remainder.count))
                if !isLazy { outputs.append(.negotiated(stream.rawValue, name)) }
                if !remainder.isEmpty { deliver(remainder, on: stream, into: &outputs) }
                return
            case .failed(let failure):
                answers.append(.reset(stream))
                return remove(stream.rawValue, .failed(.negotiation(failure)), into: &outputs)
            }
        }
        answers.append(.consumed(stream, bytes.count))
    }

    private mutating func deliver(_ bytes: [UInt8], on stream: YamuxStreamID, into outputs: inout [Output]) {
        streams[stream.rawValue]?.unread += bytes.count
        outputs.append(.data(stream.rawValue, bytes))
    }

    private mutating func remoteClosed(
        _ stream: YamuxStreamID,
        answers: inout [YamuxMachine.Input],
        into outputs: inout [Output]
    ) {
        guard let state = streams[stream.rawValue] else { return }
        guard state.isOpen else {
            answers.append(.reset(stream))
            return remove(stream.rawValue, .failed(.reset), into: &outputs)
        }
        streams[stream.rawValue]?.isRemoteClosed = true
        outputs.append(.remoteClosedWrite(stream.rawValue))
        if let input = finish(stream.rawValue, into: &outputs) { answers.append(input) }
    }

    // MARK: From the owner

    mutating func openStream(
        _ proposals: [String],
        isLazy: Bool,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Result<UInt32, StreamFailure> {
        var events: [YamuxMachine.Output] = []
        switch session?.open(at: now, into: &events) {
        case nil: return .failure(.notConnected)
        case .failure(let refusal): return .failure(.refused(refusal))
        case .success(let stream):
            var machine = MultistreamMachine(role: .dialer(proposals: proposals, isLazy: isLazy))
            var words: [MultistreamMachine.Output] = []
            machine.handle(.started, at: now, into: &words)
            let phase: ConnectionStream.Phase = isLazy ? .lazy(machine) : .negotiating(machine)
            streams[stream.rawValue] = ConnectionStream(direction: .outbound, phase: phase)
            negotiationDeadlines.append((now.advanced(by: config.negotiationTimeout), stream.rawValue))
            work(through: events, at: now, into: &outputs)
            for case .send(let bytes) in words { drive(.write(stream, bytes), at: now, into: &outputs) }
            return .success(stream.rawValue)
        }
    }

    mutating func write(_ bytes: [UInt8], to stream: UInt32, at now: Instant, into outputs: inout [Output]) {
        guard let state = streams[stream] else { return }
        precondition(!state.isWriteClosed, "write to stream \(stream) behind closeWrite")
        drive(.write(YamuxStreamID(rawValue: stream), bytes), at: now, into: &outputs)
    }

    mutating func closeWrite(_ stream: UInt32, at now: Instant, into outputs: inout [Output]) {
        guard let state = streams[stream], !state.isWriteClosed else { return }
        streams[stream]?.isWriteClosed = true
        drive(.closeWrite(YamuxStreamID(rawValue: stream)), at: now, into: &outputs)
        if let input = finish(stream, into: &outputs) { drive(input, at: now, into: &outputs) }
    }

    mutating func resetByOwner(_ stream: UInt32, at now: Instant, into outputs: inout [Output]) {
        guard streams[stream] != nil else { return }
        remove(stream, .resetLocally, into: &outputs)
        drive(.reset(YamuxStreamID(rawValue: stream)), at: now, into: &outputs)
    }

    mutating func consume(_ byteCount: Int, of stream: UInt32, at now: Instant, into outputs: inout [Output]) {
        guard let state = streams[stream], byteCount > 0 else { return }
        precondition(byteCount <= state.unread, "stream \(stream) consumed more than it delivered")
        streams[stream]?.unread -= byteCount
        drive(.consumed(YamuxStreamID(rawValue: stream), byteCount), at: now, into: &outputs)
    }

    /// Resets what has not been agreed on in time.
    mutating func expireNegotiations(at now: Instant, into outputs: inout [Output]) {
        while let first = negotiationDeadlines.first {
            guard let state = streams[first.stream], !state.isOpen else {
                negotiationDeadlines.removeFirst()
                continue
            }
            guard first.deadline <= now else { return }
            negotiationDeadlines.removeFirst()
            remove(first.stream, .failed(.timedOut), into: &outputs)
            drive(.reset(YamuxStreamID(rawValue: first.stream)), at: now, into: &outputs)
        }
    }

    // MARK: The end of streams

    /// Takes a stream that both sides have closed out of the table.
    ///
    /// What was delivered is in the owner's hands; consuming it here lets the session forget the stream too.
    private mutating func finish(_ stream: UInt32, into outputs: inout [Output]) -> YamuxMachine.Input? {
        guard let state = streams[stream], state.isOpen, state.isWriteClosed, state.isRemoteClosed else { return nil }
        remove(stream, .finished, into: &outputs)
        return .consumed(YamuxStreamID(rawValue: stream), state.unread)
    }

    private mutating func remove(_ stream: UInt32, _ reason: StreamEnd, into outputs: inout [Output]) {
        guard streams.removeValue(forKey: stream) != nil else { return }
        outputs.append(.streamEnded(stream, reason))
        while let first = negotiationDeadlines.first, streams[first.stream]?.isOpen ?? true {
            negotiationDeadlines.removeFirst()
        }
    }
}
