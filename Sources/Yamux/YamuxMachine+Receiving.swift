internal import OrderedCollections
internal import Primitives

extension YamuxMachine {
    mutating func receive(_ bytes: [UInt8], at now: Instant, into outputs: inout [Output]) throws(YamuxEnd) {
        var offset = 0
        while let piece = try nextPiece(in: bytes, at: &offset) {
            switch piece {
            case .header(let header): try receive(header, at: now, into: &outputs)
            case .payload(let range, let isLast): receive(bytes[range], isLast: isLast, into: &outputs)
            }
        }
    }

    private mutating func nextPiece(
        in bytes: [UInt8],
        at offset: inout Int
    ) throws(YamuxEnd) -> YamuxFrameReader.Piece? {
        do throws(YamuxProtocolError) {
            return try reader.next(in: bytes.span, at: &offset)
        } catch {
            throw .protocolError(error)
        }
    }

    private mutating func receive(
        _ header: YamuxHeader,
        at now: Instant,
        into outputs: inout [Output]
    ) throws(YamuxEnd) {
        switch header.kind {
        case .data: try receiveData(header, at: now, into: &outputs)
        case .windowUpdate: try receiveWindowUpdate(header, at: now, into: &outputs)
        case .ping: try receivePing(header, at: now, into: &outputs)
        case .goAway: try receiveGoAway(YamuxGoAwayCode(rawValue: header.length.opaque))
        }
    }

    // MARK: Streams

    /// The length is held against the window before anything else: a SYN with an oversized body registers nothing
    /// (CVE-2026-32314), and no window is larger than the largest, whatever the stream.
    private mutating func receiveData(
        _ header: YamuxHeader,
        at now: Instant,
        into outputs: inout [Output]
    ) throws(YamuxEnd) {
        let stream = header.stream
        // A stream begins with the initial window; of one that has gone meanwhile the window may have been larger.
        let bound = header.flags.contains(.syn) ? YamuxConfig.initialWindowByteCount : config.windowByteCountMax
        guard let length = header.length.int(in: 0...bound) else {
            throw .protocolError(.windowExceeded(stream))
        }
        reader.expectPayload(length)
        payload = nil
        if header.flags.contains(.syn) { try accept(header, at: now, into: &outputs) }
        guard let index = acknowledge(header, into: &outputs) else { return }
        guard length <= streams.values[index].receiveWindow else { throw .protocolError(.windowExceeded(stream)) }
        guard length == 0 || !streams.values[index].isRemoteClosed else {
            throw .protocolError(.dataAfterClose(stream))
        }
        guard unreadByteCount + length <= config.unreadByteCountMax else {
            return resetLocally(stream, .unreadBytesFull, into: &outputs)
        }
        streams.values[index].receiveWindow -= length
        let endsStream = header.flags.contains(.fin)
        if length > 0 {
            payload = Payload(stream: stream, endsStream: endsStream)
        } else if endsStream {
            closeRead(stream, into: &outputs)
        }
    }

    /// Hands on what has arrived of a payload; what belongs to no stream, or to one that was reset meanwhile, is dropped.
    private mutating func receive(_ bytes: ArraySlice<UInt8>, isLast: Bool, into outputs: inout [Output]) {
        guard let target = payload else { return }
        if isLast { payload = nil }
        guard let index = streams.index(forKey: target.stream) else { return }
        streams.values[index].unread += bytes.count
        unreadByteCount += bytes.count
        // Once for each stream, however its frames and others' take turns: bytes of one cost as little as they do alone.
        if deliveries.keys.last == target.stream {
            deliveries.values[deliveries.count - 1] += bytes
        } else {
            deliveries[target.stream, default: []] += bytes
        }
        if isLast && target.endsStream { closeRead(target.stream, into: &outputs) }
    }

    private mutating func receiveWindowUpdate(
        _ header: YamuxHeader,
        at now: Instant,
        into outputs: inout [Output]
    ) throws(YamuxEnd) {
        if header.flags.contains(.syn) { try accept(header, at: now, into: &outputs) }
        guard let index = acknowledge(header, into: &outputs) else { return }
        guard streams.values[index].grant(Int(header.length.opaque)) else {
            throw .protocolError(.windowOverflow(header.stream))
        }
        takeTurn(at: index)
        if header.flags.contains(.fin) { closeRead(header.stream, into: &outputs) }
    }

    /// Registers a stream of the peer's, or answers with a reset where there is no room; `RST` beside `SYN` opens nothing.
    private mutating func accept(
        _ header: YamuxHeader,
        at now: Instant,
        into outputs: inout [Output]
    ) throws(YamuxEnd) {
        let stream = header.stream
        guard role.other.opens(stream) else { throw .protocolError(.parity(stream)) }
        guard openedByRemote.admit(stream) else { throw .protocolError(.streamReused(stream)) }
        guard streamRate.take(at: now) else { throw .flooded(.streams) }
        guard !header.flags.contains(.rst) else { return }
        guard case .running = state, inboundStreamCount < config.inboundStreamCountMax,
            unreadByteCount + reader.payloadRemaining <= config.unreadByteCountMax
        else { return append(.windowUpdate, .rst, stream: stream) }
        streams[stream] = YamuxStream(isInbound: true)
        inboundStreamCount += 1
        append(.windowUpdate, .ack, stream: stream)
        report(.opened(stream), into: &outputs)
    }

    /// Does what `RST` and `ACK` say; gives the stream's place, or `nil` if the frame is about a stream that is gone, which is
    /// ordinary: the peer may have sent it before our reset reached it.
    private mutating func acknowledge(_ header: YamuxHeader, into outputs: inout [Output]) -> Int? {
        let stream = header.stream
        guard let index = streams.index(forKey: stream) else { return nil }
        if header.flags.contains(.rst) {
            remove(stream)
            report(.resetByRemote(stream), into: &outputs)
            return nil
        }
        if header.flags.contains(.ack) && streams.values[index].isUnacknowledged {
            streams.values[index].isUnacknowledged = false
            unacknowledgedStreamCount -= 1
            report(.acknowledged(stream), into: &outputs)
        }
        return index
    }

    /// Notes the peer's end of stream; a second one has no effect.
    private mutating func closeRead(_ stream: YamuxStreamID, into outputs: inout [Output]) {
        guard let index = streams.index(forKey: stream), !streams.values[index].isRemoteClosed else { return }
        streams.values[index].isRemoteClosed = true
        report(.remoteClosedWrite(stream), into: &outputs)
        removeIfFinished(stream)
    }

    // MARK: The session

    /// Answers a question with its own value; an answer without a question has no effect.
    private mutating func receivePing(
        _ header: YamuxHeader,
        at now: Instant,
        into outputs: inout [Output]
    ) throws(YamuxEnd) {
        let value = header.length.opaque
        if header.flags.contains(.syn) {
            guard pingRate.take(at: now) else { throw .flooded(.pings) }
            append(.ping, .ack, length: value)
        } else if header.flags.contains(.ack), let roundTrip = keepalive.answered(value, at: now) {
            self.roundTrip = roundTrip
            report(.roundTrip(roundTrip), into: &outputs)
        }
    }

    /// A normal go-away lets the streams that are open finish; an error ends the session, since its sender has closed it.
    private mutating func receiveGoAway(_ code: YamuxGoAwayCode) throws(YamuxEnd) {
        guard code == .normal else { throw .remoteGoAway(code) }
        if case .running = state { state = .leaving(.remoteGoAway(.normal)) }
    }

    // MARK: Reports

    /// Reports an event behind the bytes that came before it.
    private mutating func report(_ output: Output, into outputs: inout [Output]) {
        reportDeliveries(into: &outputs)
        outputs.append(output)
    }

    mutating func reportDeliveries(into outputs: inout [Output]) {
        guard !deliveries.isEmpty else { return }
        for (stream, bytes) in deliveries { outputs.append(.data(stream, bytes)) }
        deliveries = [:]
    }
}
