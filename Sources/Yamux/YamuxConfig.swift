public import Primitives

/// The limits of one session.
///
/// Every one of them bounds what a peer, or a careless owner, can make us hold.
public struct YamuxConfig: Hashable, Sendable {
    /// What each side may send on a new stream before it gets credit; the specification fixes it, both ways.
    public static let initialWindowByteCount = 256 << 10

    /// Streams that the peer may have open at once; more are answered with a reset.
    ///
    /// Ours: far above what gossip, the DHT and
    /// identify need. Their windows together are sixteen times `unreadByteCountMax`, which therefore is a cap of its own.
    public var inboundStreamCountMax = 64
    /// Streams that we may have open at once; `open` refuses more.
    public var outboundStreamCountMax = 512
    /// Streams of ours that the peer has not acknowledged; the specification asks for at most 256.
    public var ackBacklogMax = 256
    /// Received bytes, over all streams, that the application has not consumed.
    ///
    /// The protocol has no session window, so this is
    /// the cap on a connection's memory: the stream that would pass it is reset.
    public var unreadByteCountMax = 1 << 20
    /// How far the window of a stream that is read quickly grows: to go's half a megabyte and more while one stream is busy.
    public var windowByteCountMax = 768 << 10
    /// By how much the windows of all streams together may have grown; with a whole initial window it fits the cap above.
    public var windowGrowthByteCountMax = 512 << 10
    /// Written bytes of one stream that wait for the peer's window or for the socket; beyond, the stream is reset.
    public var streamSendBufferByteCountMax = 1 << 20
    /// Written bytes of all streams together that wait; beyond, the stream that wrote is reset.
    public var queuedByteCountMax = 4 << 20
    /// A stream with more waiting bytes reports `congested`.
    public var highWaterByteCount = 256 << 10
    /// A congested stream with no more waiting bytes than these reports `drained`.
    public var lowWaterByteCount = 64 << 10
    /// The largest DATA frame we send: what go sends too, so that streams take turns.
    public var frameByteCountMax = 64 << 10
    /// The most payload that one step writes; the rest follows at a deadline that is due at once, so that the socket can say
    /// in between that it is full.
    public var flushByteCountMax = 256 << 10
    /// Frames without payload (answers to pings, resets, acknowledgements) that wait for a full socket; beyond, the peer asks
    /// without reading and the session ends (CVE-2024-32984).
    public var controlFrameCountMax = 256
    /// Streams that the peer may open per second, and at once: a thousand at once are reset one by one, a flood that goes on
    /// ends the session (HTTP/2's "rapid reset" is the same idea).
    public var streamRate = TokenBucket(burst: 1_024, interval: .milliseconds(10))
    /// Pings that the peer may send per second, and at once; go and py send one or two a minute.
    public var pingRate = TokenBucket(burst: 256, interval: .milliseconds(20))
    /// How often we ask whether the peer is alive (go's value).
    public var keepaliveInterval = Duration.seconds(30)
    /// How long the peer may then be silent (go's value).
    public var keepaliveTimeout = Duration.seconds(10)

    public init() {}

    /// Traps on limits that contradict each other; only our own code sets them.
    func check() {
        precondition(inboundStreamCountMax >= 0 && outboundStreamCountMax >= 0 && ackBacklogMax > 0)
        precondition(windowByteCountMax >= Self.initialWindowByteCount && windowGrowthByteCountMax >= 0)
        precondition(windowByteCountMax <= Int(UInt32.max))
        precondition(unreadByteCountMax > 0 && queuedByteCountMax >= streamSendBufferByteCountMax)
        precondition(0 <= lowWaterByteCount && lowWaterByteCount <= highWaterByteCount)
        precondition(highWaterByteCount <= streamSendBufferByteCountMax)
        precondition(frameByteCountMax > 0 && frameByteCountMax <= Int(UInt32.max) && flushByteCountMax > 0)
        precondition(controlFrameCountMax >= 16, "a handful of our own frames must fit")
        precondition(keepaliveInterval > .zero && keepaliveTimeout > .zero)
    }
}
