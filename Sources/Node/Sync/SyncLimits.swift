internal import Primitives

/// The bounds of reconciliation between two peers; what passes them costs the sender its stream or its run.
public enum SyncLimits {
    public static let protocolName = "/rialto/sync/1.0.0"

    // MARK: Messages

    static let networkByteCountMax = 64
    /// A question or an answer that compares: about 1,600 fingerprints or 1,000 ids.
    static let frameByteCountMax = 32 << 10
    /// What is kept of a frame for everything but the lanes' messages.
    static let frameReserveByteCount = 512
    /// More lanes than a profile has, and each has a number of one byte.
    static let laneCountMax = 64
    /// Envelopes of one batch, each behind its length, before they are packed: ten of the largest records.
    static let batchByteCountMax = 96 << 10
    static let batchRecordCountMax = 256
    /// The longest LZ4 block of a full batch, and its fields.
    static let batchFrameByteCountMax = 98 << 10
    /// A proof or a conflict, the largest records.
    static let envelopeByteCountMax = 9 << 10

    /// Models of GPUs that a search names; who wants more asks for all.
    static let modelCountMax = 64
    static let modelByteCountMax = 64

    // MARK: A run

    /// Questions of one comparison.
    static let roundCountMax = 12
    /// Records that one run fetches, and as many that it gives: half a minute of one slow core.
    public static let runRecordCountMax = 4_096
    /// A peer that says nothing for this long is not asked any further.
    static let answerTimeout = Duration.seconds(15)
    /// A run that is not over by then is given up, so that slow peers cannot hold the few places for others.
    static let runTimeout = Duration.seconds(120)
    /// Runs that we make at a time: more would only queue for the same signatures.
    static let runCountMax = 4
    /// How soon the next waiting run begins beside one that is under way: the first brings most of what others would.
    static let runStagger = Duration.seconds(1)
    /// Peers that wait for a run: as many as connect before the connection manager trims.
    static let waitingCountMax = 256
    /// What one peer may be asked for while it waits.
    static let errandsPerPeerMax = 4

    // MARK: When

    /// How often a node compares presences with somebody (give or take a fifth).
    static let lazyInterval = Duration.seconds(10)
    /// Every so manieth of these comparisons is with a peer outside our meshes: meshes are cliques of habit.
    static let strangerTurn = 3
    /// How soon the next comparison of everything follows one that found much.
    static let eagerInterval = Duration.seconds(1)
    /// Much is more than a hundredth of what was compared, and never less than this.
    static let muchCountMin = 8
    /// What gossip has not brought by then it will not bring: it takes less than a second.
    static let lateMilliseconds: Int64 = 10_000
    /// Comparisons of everything that follow a find which gossip has missed, one at each turn.
    ///
    /// A rumour that everybody stops telling after k fruitless tellings leaves about e^-(k+1) of all without it: one in a thousand at six
    /// (Demers and others, "Epidemic Algorithms for Replicated Database Maintenance", 1987).
    static let wholesAfterFind = 6
    /// A run that takes this long and moves nothing is a conversation, not a comparison.
    static let patience = Duration.seconds(30)
    /// Whom we served a moment ago we need not ask: a run goes both ways.
    static let servedRest = Duration.seconds(8)
    /// How long a peer is left in peace that was busy, and one that did not answer or brought nothing of what it promised.
    static let busyRest = Duration.seconds(10)
    static let failureRest = Duration.seconds(300)
    /// A presence speaks of offers that may follow behind it: how long to wait before they are missed.
    static let lackPatience = Duration.seconds(3)
    static let lackCountMax = 64

    // MARK: The same view of what lives

    /// Both sides round the time of the question down to this.
    static let cutStep: Int64 = 60_000
    /// What ends sooner after the cut is left out, or different clocks would make differences that no exchange can mend.
    static let cutMargin: Int64 = 120_000
    /// Where presences of the last seven minutes end: they live for thirty, and come every eight to twelve minutes, so that of each
    /// provider one version at most lies there.
    static let windowStart: Int64 = 23 * 60_000
    static let windowEnd: Int64 = 33 * 60_000

    // MARK: Serving

    /// What one peer may cost us: one for each question, each KiB of it, and each two KiB of records that answer it or that we give.
    ///
    /// A node that begins with nothing gets two MiB at once, then a hundred KiB a second.
    static let allowanceBurst = 1_024
    static let allowanceInterval = Duration.milliseconds(20)
    static let servedByteCountPerToken = 2_048
    /// Peers whose allowance is not full again, connected or not: more than spend one in the twenty seconds that it takes.
    static let allowanceCountMax = 1_024

    // MARK: Memory

    /// Ids that we refused and do not fetch again for an hour; twice what a hostile segment can hold of one author's quota.
    static let refusedCountMax = 4_096
    static let refusedFor = Duration.seconds(3_600)
    /// What a peer refused is not given to it again: so many ids are remembered for each.
    static let unwantedCountMax = 512
    /// Ids that a peer announced and then did not have: more than this, beyond what we gave it, is no accident.
    static let brokenPromiseCountMax = 64
}
