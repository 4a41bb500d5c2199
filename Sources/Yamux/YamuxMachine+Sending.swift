internal import DequeModule
internal import OrderedCollections
public import Primitives

extension YamuxMachine {
    /// Opens a stream and announces it at once, as go does, by a window update.
    ///
    /// Bytes may be written right away; the peer's acknowledgement, or its reset, comes later.
    public mutating func open(
        at now: Instant,
        into outputs: inout [Output]
    ) -> Result<YamuxStreamID, YamuxOpenRefusal> {
        switch state {
        case .idle: preconditionFailure("open before started")
        case .running: break
        case .leaving: return .failure(.goingAway)
        case .ended: return .failure(.ended)
        }
        guard streamCount - inboundStreamCount < config.outboundStreamCountMax else { return .failure(.tooManyStreams) }
        guard unacknowledgedStreamCount < config.ackBacklogMax else { return .failure(.backlogFull) }
        guard let next = nextOutbound else { return .failure(.identifiersExhausted) }
        // Only what the socket holds back is still here: half of the room stays for answers.
        guard outgoing.count / YamuxHeader.byteCount < config.controlFrameCountMax / 2 else {
            return .failure(.congested)
        }
        let (following, overflow) = next.addingReportingOverflow(2)
        nextOutbound = overflow ? nil : following
        let stream = YamuxStreamID(rawValue: next)
        streams[stream] = YamuxStream(isInbound: false)
        unacknowledgedStreamCount += 1
        append(.windowUpdate, .syn, stream: stream)
        finish(at: now, into: &outputs)
        return .success(stream)
    }

    mutating func write(_ bytes: [UInt8], to stream: YamuxStreamID, into outputs: inout [Output]) {
        guard !bytes.isEmpty, let index = streams.index(forKey: stream) else { return }
        guard case .open = streams.values[index].writeSide else {
            preconditionFailure("write to stream \(stream) behind closeWrite")
        }
        guard streams.values[index].queue.count + bytes.count <= config.streamSendBufferByteCountMax,
            queuedByteCount + bytes.count <= config.queuedByteCountMax
        else { return resetLocally(stream, .sendBufferFull, into: &outputs) }
        streams.values[index].queue.append(bytes)
        queuedByteCount += bytes.count
        takeTurn(at: index)
    }

    mutating func closeWrite(_ stream: YamuxStreamID) {
        guard let index = streams.index(forKey: stream), case .open = streams.values[index].writeSide else { return }
        streams.values[index].writeSide = .closing
        takeTurn(at: index)
    }

    mutating func consume(_ byteCount: Int, of stream: YamuxStreamID, at now: Instant) {
        precondition(byteCount >= 0)
        guard let index = streams.index(forKey: stream) else { return }
        precondition(byteCount <= streams.values[index].unread, "stream \(stream) consumed more than it delivered")
        streams.values[index].unread -= byteCount
        streams.values[index].uncredited += byteCount
        unreadByteCount -= byteCount
        returnCredit(of: stream, at: now)
        removeIfFinished(stream)
    }

    /// Grants the peer anew what was consumed.
    ///
    /// While the socket is full the credit adds up in the stream: it costs no frame.
    mutating func returnCredit(of stream: YamuxStreamID, at now: Instant) {
        guard !isTransportCongested, let index = streams.index(forKey: stream), streams.values[index].isCreditDue else {
            return
        }
        let growth = windowGrowth(of: streams.values[index], at: now)
        windowGrowthByteCount += growth
        let credit = streams.values[index].takeCredit(growingBy: growth, at: now)
        append(.windowUpdate, [], stream: stream, length: UInt32(credit))
    }

    /// How much larger a stream's window becomes: twice as large, if half of it was read within four round trips, so that the
    /// window and not the reader is what holds the peer up (as go-yamux does).
    private func windowGrowth(of stream: YamuxStream, at now: Instant) -> Int {
        guard let roundTrip, let since = stream.creditedAt, since.duration(to: now) < roundTrip * 4 else { return 0 }
        let room = min(
            config.windowByteCountMax - stream.window,
            config.windowGrowthByteCountMax - windowGrowthByteCount
        )
        return min(stream.window, max(0, room))
    }

    // MARK: The end of streams

    mutating func resetLocally(_ stream: YamuxStreamID, _ reason: YamuxResetReason, into outputs: inout [Output]) {
        guard remove(stream) else { return }
        append(.windowUpdate, .rst, stream: stream)
        reportDeliveries(into: &outputs)
        outputs.append(.resetLocally(stream, reason))
    }

    mutating func removeIfFinished(_ stream: YamuxStreamID) {
        if streams[stream]?.isFinished == true { remove(stream) }
    }

    /// Takes a stream out of the table and of every count; `false` if it is not there.
    @discardableResult
    mutating func remove(_ stream: YamuxStreamID) -> Bool {
        guard let removed = streams.removeValue(forKey: stream) else { return false }
        if removed.isInbound { inboundStreamCount -= 1 }
        if removed.isUnacknowledged { unacknowledgedStreamCount -= 1 }
        if removed.isInTurn { turns.removeAll { $0 == stream } }
        unreadByteCount -= removed.unread
        windowGrowthByteCount -= removed.window - YamuxConfig.initialWindowByteCount
        queuedByteCount -= removed.queue.count
        return true
    }

    // MARK: Frames

    mutating func append(
        _ kind: YamuxHeader.Kind,
        _ flags: YamuxHeader.Flags,
        stream: YamuxStreamID = YamuxStreamID(rawValue: 0),
        length: UInt32 = 0
    ) {
        YamuxHeader(kind, flags, stream: stream, length: length).append(to: &outgoing)
    }

    /// Puts a stream that has something to send at the end of the turns.
    mutating func takeTurn(at index: Int) {
        guard streams.values[index].isSendable, !streams.values[index].isInTurn else { return }
        streams.values[index].isInTurn = true
        turns.append(streams.keys[index])
    }

    /// Sends the frames of this step as one piece; `false` if the peer has let more than the bound pile up before a full socket.
    mutating func sendFrames(at now: Instant, into outputs: inout [Output]) -> Bool {
        flushDeadline = nil
        guard !isTransportCongested else {
            reportMarks(into: &outputs)
            return outgoing.count <= config.controlFrameCountMax * YamuxHeader.byteCount
        }
        var budget = config.flushByteCountMax
        while budget > 0, let stream = turns.popFirst() { takeTurn(of: stream, budget: &budget) }
        if !turns.isEmpty { flushDeadline = now }
        if !outgoing.isEmpty {
            outputs.append(.send(outgoing))
            outgoing = []
        }
        reportMarks(into: &outputs)
        return true
    }

    /// One frame of one stream, and its FIN behind the last byte.
    ///
    /// The FIN has a frame of its own: go-yamux obeys the flags of a frame before it has read the payload, so a FIN beside the
    /// last bytes could end the reader before it saw them.
    private mutating func takeTurn(of stream: YamuxStreamID, budget: inout Int) {
        guard let index = streams.index(forKey: stream) else { return }
        streams.values[index].isInTurn = false
        let count = min(
            streams.values[index].queue.count,
            streams.values[index].sendWindow,
            config.frameByteCountMax,
            budget
        )
        if count > 0 {
            append(.data, [], stream: stream, length: UInt32(count))
            streams.values[index].queue.moveFirst(count, to: &outgoing)
            streams.values[index].sendWindow -= count
            queuedByteCount -= count
            budget -= count
        }
        if streams.values[index].queue.isEmpty, case .closing = streams.values[index].writeSide {
            append(.windowUpdate, .fin, stream: stream)
            streams.values[index].writeSide = .closed
            removeIfFinished(stream)
        } else {
            takeTurn(at: index)
        }
    }

    /// Tells the owner which streams have passed a mark, in the order of the table.
    private mutating func reportMarks(into outputs: inout [Output]) {
        for index in streams.values.indices {
            let count = streams.values[index].queue.count
            if streams.values[index].isCongested, count <= config.lowWaterByteCount {
                streams.values[index].isCongested = false
                outputs.append(.drained(streams.keys[index]))
            } else if !streams.values[index].isCongested, count > config.highWaterByteCount {
                streams.values[index].isCongested = true
                outputs.append(.congested(streams.keys[index]))
            }
        }
    }
}
