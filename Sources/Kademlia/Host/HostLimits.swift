internal import Primitives

/// The bounds of the streams on which the messages travel.
enum HostLimits {
    /// Streams that we serve at a time, over all peers, and those of one peer: a lookup needs one, some clients keep a few.
    static let servedCountMax = 256
    static let servedPerPeerMax = 16
    /// How long a stream may rest between two requests.
    static let idleTimeout = Duration.seconds(30)
    /// How long a request may take from its first byte to its last.
    static let readTimeout = Duration.seconds(10)
    /// Requests of one stream that are answered in one step: their answers have up to 64 KiB each.
    static let answersPerStepMax = 4
    /// What a peer may send on while its requests wait for it to take our answers.
    static let waitingByteCountMax = 64 << 10
    /// How long a peer may take to take our answers, or to close a stream on which all is said.
    static let drainTimeout = Duration.seconds(10)
    /// Such streams, over all peers; beyond, the oldest are reset.
    static let drainingCountMax = 1_024
}
