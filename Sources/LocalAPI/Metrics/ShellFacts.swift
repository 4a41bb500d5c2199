public import Primitives

/// What surrounds a node: its loop, its process, its files.
public struct ShellFacts: Sendable {
    // MARK: The loop

    /// How long ago the loop last proved that it turns.
    public var sinceLastTurn = Duration.zero
    public var inputCount = 0
    public var stepCount = 0
    public var longestStep = Duration.zero
    public var signatureCheckCount = 0
    public var verifications = Histogram(bounds: [1])
    public var commitCount = 0
    public var failedCommitCount = 0
    public var commandCount = 0
    public var receivedByteCount: UInt64 = 0
    public var sentByteCount: UInt64 = 0

    // MARK: The files

    /// SQLite's logs beside own state and the cache.
    public var ownLogByteCount = 0
    public var cacheLogByteCount = 0

    // MARK: The process

    public var residentByteCount = 0
    public var descriptorCount = 0
    public var descriptorCountMax = 0
    public var processorTime = Duration.zero
    /// Unix time in seconds.
    public var processStart = 0.0

    public init() {}
}

extension ShellFacts {
    /// Whether the loop turns.
    public var isAlive: Bool { NodeHealth.isLive(self) }
}
