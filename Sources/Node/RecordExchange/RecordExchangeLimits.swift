/// The bounds of one record exchange; what passes them costs the sender its stream.
public enum RecordExchangeLimits {
    public static let protocolName = "/rialto/records/1.0.0"

    static let networkByteCountMax = 64
    static let topicByteCountMax = 128
    static let digestByteCountMax = 256
    /// More topics than a profile has segments, with room for the shared ones.
    static let digestCountMax = 64
    static let requestByteCountMax = 16 << 10

    /// A proof or a conflict, the largest records, and their envelope.
    static let envelopeByteCountMax = 9 << 10
    static let pageByteCount = 96 << 10
    static let pageByteCountMax = 128 << 10
    /// A page of conflicts, three signatures each, stays within one peer's verification burst.
    static let pageRecordCountMax = 160
    /// What one run may bring: as much as 64 live subjects of 128 providers.
    public static let runRecordCountMax = 8_192

    /// A peer that gives nothing for this long is not asked any further.
    static let answerTimeout = Duration.seconds(15)
    /// A run that is not over by then is given up, so that slow peers cannot hold the few places for others; the longest run is some
    /// 4 MiB.
    static let runTimeout = Duration.seconds(120)
    /// Runs that we make at a time: more would only queue for the same signatures.
    static let askedCountMax = 4
    /// Peers that wait to be asked: as many as connect before the connection manager trims.
    static let waitingCountMax = 256
    /// Runs that we serve at a time, over all peers.
    static let servedCountMax = 16
    /// Runs that one peer may ask for at once and have under way, and how soon it earns another.
    static let servedBurst = 4
    static let servedInterval = Duration.seconds(10)
}
