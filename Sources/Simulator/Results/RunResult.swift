public import Primitives

/// Everything that one run says; a pure function of scenario, seed and program version.
///
/// The shell adds what is not: wall time, resident memory.
public struct RunResult: Sendable {
    public var scenarioName: String
    public var seed: UInt64
    public var fidelity: Fidelity
    /// Whether every signature was computed, instead of once per record.
    public var computesSignatures: Bool
    public var nodeCount: Int
    public var virtualTime: Duration
    /// Rolling hash of every event, after each virtual second.
    public var traceHashes: [UInt64]
    public var verdicts: [Verdict]
    /// Totals by stable snake_case name with its unit, in the order of the report.
    public var metrics: [Metric]
    public var seconds: [SecondSample]
    /// Honest publications and what became of them.
    public var publications: [PublicationSample]
    /// Searches of the hash table by honest nodes, and what became of them.
    public var lookups: [LookupSample]
    public var eventCount: Int
    public var messageCount: Int
    /// The costliest kinds of message, by bytes, descending.
    public var messageKinds: [MessageKindTotal]
    /// Why the run stopped before its end.
    public var stopped: EarlyStop?

    public var traceHash: UInt64 { traceHashes.last ?? 0 }
    public var isPassed: Bool { stopped == nil && verdicts.allSatisfy(\.isPassed) }
}

public struct Metric: Hashable, Sendable {
    public let name: String
    public let value: Double

    public init(_ name: String, _ value: Double) {
        self.name = name
        self.value = value
    }
}

/// What became of one expectation or invariant.
public struct Verdict: Hashable, Sendable {
    /// As the scenario wrote it.
    public let name: String
    public let isPassed: Bool
    /// What was measured, in words: "99.97 % within 10 s (need 99.9 %)".
    public let finding: String
    /// In which way it failed, in a word that stays the same whatever the figures, nodes and records; `nil` if it passed.
    ///
    /// What two runs have in common that fail alike.
    public let kind: String?
    /// Where it first failed: the place to replay to.
    public let failure: Failure?

    /// Whoever failed without a kind of its own has found less, or later, than was expected.
    public init(name: String, isPassed: Bool, finding: String, kind: String? = nil, failure: Failure? = nil) {
        self.name = name
        self.isPassed = isPassed
        self.finding = finding
        self.kind = isPassed ? nil : kind ?? "missed"
        self.failure = failure
    }

    /// The kind of a verdict that had nothing to judge.
    static let unjudged = "unjudged"

    /// There was nothing to judge, and a run that proves nothing has failed.
    init(unjudged name: String, _ finding: String) {
        self.init(name: name, isPassed: false, finding: finding, kind: Self.unjudged)
    }

    /// An instant, a node, and the last events before.
    public struct Failure: Hashable, Sendable {
        public let at: Instant
        public let node: Int?
        /// At most 200 lines of transcript.
        public let lastEvents: [String]

        public init(at: Instant, node: Int?, lastEvents: [String]) {
            self.at = at
            self.node = node
            self.lastEvents = lastEvents
        }
    }
}

/// One virtual second of the whole network.
public struct SecondSample: Hashable, Sendable {
    public var second: Int
    public var nodesUp = 0
    public var connections = 0
    public var publications = 0
    /// First copies that reached a book.
    public var deliveries = 0
    /// Copies of messages that the node which they reached had before; `nil` where messages are not told apart (`frames`, `bytes`).
    public var duplicates: Int?
    public var latencyP50: Duration?
    public var latencyP99: Duration?
    public var bytes = 0
    /// `nil` where kinds are not told apart (`bytes`).
    public var gossipBytes: Int?
    public var exchangeBytes: Int?
    public var meshDegreeMean = 0.0
    /// Distinct sets of live records among honest live nodes; 1 is agreement.
    public var distinctSets = 0

    public init(second: Int) {
        self.second = second
    }
}

/// One honest publication.
public struct PublicationSample: Hashable, Sendable {
    public let at: Instant
    public let publisher: Int
    /// Honest nodes that were up from then until the deadline.
    public let reachable: Int
    public let reached: Int
    public let latencyP50: Duration?
    public let latencyMax: Duration?

    public init(at: Instant, publisher: Int, reachable: Int, reached: Int, latencyP50: Duration?, latencyMax: Duration?)
    {
        self.at = at
        self.publisher = publisher
        self.reachable = reachable
        self.reached = reached
        self.latencyP50 = latencyP50
        self.latencyMax = latencyMax
    }
}

/// One search of the hash table by an honest node.
public struct LookupSample: Hashable, Sendable {
    /// When it began.
    public let at: Instant
    public let node: Int
    /// What was asked, as the scenario names it, or as the table names its own searches.
    public let kind: String
    /// Whether the workload asked for it; else the node needed it.
    public let isAsked: Bool
    /// How many answers led to the nearest peer that answered; 0 if nobody was asked.
    public let hops: Int
    public let requestCount: Int
    /// How many of those asked did not answer, or did not store.
    public let failureCount: Int
    public let lasted: Duration
    /// Of the workload's: whether it brought what was there; of others, whether it brought anything.
    public let isFound: Bool
}

public struct MessageKindTotal: Hashable, Sendable {
    public let kind: String
    public let count: Int
    public let bytes: Int

    public init(kind: String, count: Int, bytes: Int) {
        self.kind = kind
        self.count = count
        self.bytes = bytes
    }
}

/// A limit that the caller set was reached.
public enum EarlyStop: Hashable, Sendable {
    case virtualTime, wallTime, memory
    /// An invariant failed and the caller wished to stop there.
    case failure
}
