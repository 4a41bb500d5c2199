public import Primitives

/// How the asking side asks.
public struct PingConfig: Hashable, Sendable {
    /// From one ping to the next, once it was echoed: go and rust use 15 s.
    public var interval = Duration.seconds(15)
    /// How long one miss is.
    public var timeout = Duration.seconds(10)
    /// Misses in a row that end the connection: with two, a peer may be silent for 20 s.
    public var missesMax = 2

    public init() {}
}

/// How the answering side answers.
public struct PingResponderConfig: Hashable, Sendable {
    /// Pings per second, and at once, that are echoed: a loop that measures latency may run for a while, a flood may not.
    public var rate = TokenBucket(burst: 1_024, interval: .milliseconds(20))
    /// A stream on which nobody pings for so long is given up (go's value).
    public var idleTimeout = Duration.seconds(60)

    public init() {}
}
