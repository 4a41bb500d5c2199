internal import DequeModule
internal import OrderedCollections
public import Primitives

/// Many streams over one ordered connection, by the libp2p protocol `/yamux/1.0.0`.
///
/// Picture a road with many lanes painted on it. Each lane has a meter of what may still be on its way, so that one full lane
/// never blocks the others; whoever unloads at the end gives meters back. This machine paints the lanes, keeps the meters of
/// both directions and takes turns between the lanes that wait to drive.
///
/// Source: libp2p/specs, yamux/README.md. The specification knows no window for the whole session and no bound on frames that
/// carry nothing; the limits that close these gaps stand in `YamuxConfig`.
///
/// The owner's duties:
/// 1. Feed `started` once, first; then every input with its instant, do the outputs in order, arm one timer for `nextDeadline`.
/// 2. Report with `consumed` what the application has taken of each stream's `data`: credit for the peer depends on it, and a
///    stream whose bytes are never consumed stays in the table until it is reset.
/// 3. Write no more to a stream that is `congested` until it is `drained`.
/// 4. After `ended`, close the connection. The streams that were open are over without a word of their own.
///
/// A stream's id is used once in a session; an input about a stream that is gone has no effect.
public struct YamuxMachine: Sendable {
    public enum Input: Sendable {
        case started
        /// Bytes of the peer, split and joined in any way.
        case received([UInt8])
        /// Queues bytes; they leave when the peer's window and the socket permit.
        case write(YamuxStreamID, [UInt8])
        /// Ends our direction behind what is queued; the other stays open.
        case closeWrite(YamuxStreamID)
        /// Ends both directions at once and drops what is queued.
        case reset(YamuxStreamID)
        /// The application has taken that many bytes out of the stream.
        case consumed(YamuxStreamID, Int)
        /// Accepts no new streams; the session ends when the last one closes.
        case goAway
        /// The socket is full: nothing more is sent until it has drained.
        case transportCongested
        case transportDrained
        case deadlineReached
    }

    public enum Output: Hashable, Sendable {
        /// All the frames of one step.
        case send([UInt8])
        /// The peer has opened a stream.
        case opened(YamuxStreamID)
        /// The peer has accepted a stream of ours.
        case acknowledged(YamuxStreamID)
        case data(YamuxStreamID, [UInt8])
        /// The peer sends no more on this stream; we still may.
        case remoteClosedWrite(YamuxStreamID)
        case resetByRemote(YamuxStreamID)
        /// We had to reset the stream: what it held, read or unread, is gone.
        case resetLocally(YamuxStreamID, YamuxResetReason)
        /// More than the high-water mark waits to be sent on this stream.
        case congested(YamuxStreamID)
        case drained(YamuxStreamID)
        case roundTrip(Duration)
        /// The last output.
        case ended(YamuxEnd)
    }

    enum State {
        /// Before `started`.
        case idle
        case running
        /// One side has said go-away: no new streams; → `ended` with the last one.
        case leaving(YamuxEnd)
        case ended
    }

    /// Where the payload of the DATA frame goes that is being received.
    struct Payload {
        let stream: YamuxStreamID
        /// Whether FIN stood on its header: the stream's end comes behind its bytes.
        let endsStream: Bool
    }

    let role: YamuxRole
    let config: YamuxConfig
    var state = State.idle
    var streams: OrderedDictionary<YamuxStreamID, YamuxStream> = [:]

    var reader = YamuxFrameReader()
    /// `nil` while the current payload belongs to nobody and is dropped.
    var payload: Payload?
    /// Bytes that this step has received and not yet reported, by stream: many small frames make one `data`.
    var deliveries: OrderedDictionary<YamuxStreamID, [UInt8]> = [:]

    /// Frames on their way out: of this step, or waiting for the socket.
    var outgoing: [UInt8] = []
    var isTransportCongested = false
    /// Streams that have something to send, in the order of their turns.
    var turns: Deque<YamuxStreamID> = []
    /// Due at once, while `flushByteCountMax` has cut a flush short.
    var flushDeadline: Instant?

    var nextOutbound: UInt32?
    var openedByRemote: YamuxOpenedStreams
    var streamRate: TokenBucket
    var pingRate: TokenBucket
    var keepalive: YamuxKeepalive

    /// The streams in the table that the peer opened.
    public internal(set) var inboundStreamCount = 0
    /// The streams of ours that the peer has not acknowledged.
    public internal(set) var unacknowledgedStreamCount = 0
    /// Received bytes that the application has not consumed.
    public internal(set) var unreadByteCount = 0
    /// Written bytes that wait for a window or for the socket.
    public internal(set) var queuedByteCount = 0
    /// By how much the windows of the streams have grown.
    var windowGrowthByteCount = 0
    /// As the last ping measured it.
    var roundTrip: Duration?

    public init(role: YamuxRole, config: YamuxConfig, random: SeededRandom) {
        config.check()
        self.role = role
        self.config = config
        nextOutbound = role.firstStream
        openedByRemote = YamuxOpenedStreams(openedBy: role.other)
        streamRate = config.streamRate
        pingRate = config.pingRate
        keepalive = YamuxKeepalive(
            interval: config.keepaliveInterval,
            timeout: config.keepaliveTimeout,
            random: random
        )
    }

    /// When the owner must next feed `deadlineReached`; `nil` while nothing is due.
    public var nextDeadline: Instant? {
        switch state {
        case .idle, .ended: nil
        case .running, .leaving: earliest(keepalive.deadline, flushDeadline)
        }
    }

    /// All streams in the table, of both sides.
    public var streamCount: Int { streams.count }

    /// Whether the stream is still in the table.
    public func contains(_ stream: YamuxStreamID) -> Bool {
        streams[stream] != nil
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch state {
        case .idle:
            guard case .started = input else { preconditionFailure("\(input) before started") }
            state = .running
            append(.ping, .syn, length: keepalive.ask(at: now))
        case .running, .leaving:
            do throws(YamuxEnd) {
                try apply(input, at: now, into: &outputs)
            } catch {
                return end(error, into: &outputs)
            }
        case .ended:
            return
        }
        finish(at: now, into: &outputs)
    }

    private mutating func apply(
        _ input: Input,
        at now: Instant,
        into outputs: inout [Output]
    ) throws(YamuxEnd) {
        switch input {
        case .started: preconditionFailure("started twice")
        case .received(let bytes):
            keepalive.heard(at: now)
            defer { reportDeliveries(into: &outputs) }
            try receive(bytes, at: now, into: &outputs)
        case .write(let stream, let bytes): write(bytes, to: stream, into: &outputs)
        case .closeWrite(let stream): closeWrite(stream)
        case .reset(let stream):
            if remove(stream) { append(.windowUpdate, .rst, stream: stream) }
        case .consumed(let stream, let byteCount): consume(byteCount, of: stream, at: now)
        case .goAway: leave()
        case .transportCongested: isTransportCongested = true
        case .transportDrained:
            isTransportCongested = false
            for stream in streams.keys { returnCredit(of: stream, at: now) }
        case .deadlineReached:
            if let value = try keepalive.deadlineReached(at: now) { append(.ping, .syn, length: value) }
        }
    }

    /// Says go-away, unless one side has: then the end is on its way.
    private mutating func leave() {
        guard case .running = state else { return }
        state = .leaving(.goneAway)
        append(.goAway, [], length: YamuxGoAwayCode.normal.rawValue)
    }

    /// Ends every step: sends what may be sent, then ends the session if it waited only for its last stream.
    mutating func finish(at now: Instant, into outputs: inout [Output]) {
        guard sendFrames(at: now, into: &outputs) else { return end(.flooded(.answers), into: &outputs) }
        if case .leaving(let end) = state, streams.isEmpty, outgoing.isEmpty { close(end, into: &outputs) }
    }

    /// Tells the peer why, also through a full socket, and is over.
    private mutating func end(_ end: YamuxEnd, into outputs: inout [Output]) {
        let code: YamuxGoAwayCode? =
            switch end {
            case .protocolError, .flooded: .protocolError
            case .keepaliveTimeout: .internalError
            case .goneAway, .remoteGoAway: nil
            }
        if let code {
            append(.goAway, [], length: code.rawValue)
            outputs.append(.send(outgoing))
        }
        close(end, into: &outputs)
    }

    private mutating func close(_ end: YamuxEnd, into outputs: inout [Output]) {
        state = .ended
        streams = [:]
        turns = []
        outgoing = []
        payload = nil
        (inboundStreamCount, unacknowledgedStreamCount, unreadByteCount, queuedByteCount) = (0, 0, 0, 0)
        windowGrowthByteCount = 0
        outputs.append(.ended(end))
    }
}
