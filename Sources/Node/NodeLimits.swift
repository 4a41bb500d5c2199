internal import Primitives

/// The node's own bounds, each with its reason.
public enum NodeLimits {
    /// Enough to keep every core busy, small enough that the first verdict does not wait for the last.
    public static let signatureBatchCountMax = 64
    /// Records that wait for their signatures: about half a second of one core.
    static let pendingRecordCountMax = 8_192
    /// What one peer may have waiting, so that no peer can fill the queue alone.
    static let pendingRecordsPerPeerMax = 1_024
    /// One page of an export.
    public static let exportCountMax = 1_024
    public static let importCountMax = 1_024
    /// Ids that one prefix may match before the answer is cut.
    static let foundRecordCountMax = 16
    /// Stands for every peer whose own network is unknown: a global address, so that only global addresses are taken from it.
    static let strangerAddress = IPAddress(9, 9, 9, 9)
    /// What is left of a peer's standing that sent what no honest node sends: below gossipsub's threshold for any answer.
    static let forgerScore = -2_000.0
    /// How long an orderly stop waits for the last words to be written and sent.
    static let shutdownTimeout = Duration.seconds(10)
    /// How soon a peer that was reached is remembered again.
    static let rememberInterval = Duration.seconds(600)
}
