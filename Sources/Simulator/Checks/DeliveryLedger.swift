internal import DequeModule
public import Primitives

/// What became of the honest publications: whom each of them reached, and how soon.
///
/// A publication is *open* until the longest time that the scenario allows it; then it is judged against the nodes that were up all
/// that time, and forgotten but for its counts. A later word on the same subject stands for the earlier ones: who holds the new price
/// was told in time of the old one. Memory: four bytes for each node of each open publication, so ten thousand nodes with ten
/// publications a second and thirty seconds of patience take 12 MB.
public struct DeliveryLedger: Sendable {
    /// How long a publication is watched if no expectation says so.
    static let patience = Duration.seconds(30)
    private static let unreached = UInt32.max

    /// A time within which publications are counted, and what came of it.
    public struct Limit: Hashable, Sendable {
        public let within: Duration
        /// Pairs of a publication and an honest node that was up throughout.
        public var pairCount = 0
        public var reachedCount = 0
        /// The first publication that missed somebody: when, and whom.
        public var firstMiss: (at: Instant, node: Int)? {
            missedAt.map { ($0, missedNode) }
        }

        fileprivate var missedAt: Instant?
        fileprivate var missedNode = 0
        /// How many open publications were judged against this limit already.
        fileprivate var judgedCount = 0

        fileprivate init(within: Duration) { self.within = within }
    }

    /// One second of the whole network.
    struct Second: Sendable {
        var publications = 0
        var deliveries = 0
        var latencyP50: Duration?
        var latencyP99: Duration?
    }

    private struct Node: Sendable {
        var isHonest = false
        /// Since when it is up and listening; `nil` while it is not.
        var upSince: Instant?
    }

    private struct Publication: Sendable {
        let subject: Int
        let sequence: UInt64
        let at: Instant
        let publisher: Int
        /// Microseconds until it, or a later word on its subject, reached each node.
        var reachedAfter: [UInt32]
    }

    /// Ascending; the last one closes a publication.
    public private(set) var limits: [Limit]
    /// All deliveries to nodes that were up throughout, never-ending ones included.
    private(set) var latencies = LatencyHistogram()
    public private(set) var publicationCount = 0
    public private(set) var deliveryCount = 0
    /// What became of each closed publication, if that is kept.
    public private(set) var samples: [PublicationSample] = []

    private let keepsSamples: Bool
    private let measuredFrom: Instant
    private var nodes: [Node] = []
    private var open = Deque<Publication>()
    /// The number of the oldest open publication.
    private var firstOpen = 0
    private var openBySubject: [Int: [Int]] = [:]
    private var second = Second()
    private var secondLatencies = LatencyHistogram()

    /// Watches publications from `measuredFrom` on, each for the longest of `limits` (30 s if there are none).
    public init(limits: [Duration], measuredFrom: Instant, keepsSamples: Bool) {
        let ascending = Set(limits).sorted()
        self.limits = (ascending.isEmpty ? [Self.patience] : ascending).map(Limit.init)
        self.measuredFrom = measuredFrom
        self.keepsSamples = keepsSamples
    }

    // MARK: Nodes

    /// The node runs and listens from now on.
    public mutating func nodeUp(_ node: Int, isHonest: Bool, at now: Instant) {
        advance(to: now)
        while nodes.count <= node { nodes.append(Node()) }
        nodes[node] = Node(isHonest: isHonest, upSince: now)
    }

    public mutating func nodeDown(_ node: Int, at now: Instant) {
        advance(to: now)
        nodes[node].upSince = nil
    }

    // MARK: Records

    /// An honest node has said something new: `subject` numbers what about, `sequence` rises with every word on it.
    public mutating func published(subject: Int, sequence: UInt64, by node: Int, at now: Instant) {
        advance(to: now)
        guard now >= measuredFrom else { return }
        publicationCount += 1
        second.publications += 1
        openBySubject[subject, default: []].append(firstOpen + open.count)
        let reachedAfter = [UInt32](repeating: Self.unreached, count: nodes.count)
        open.append(
            Publication(subject: subject, sequence: sequence, at: now, publisher: node, reachedAfter: reachedAfter)
        )
    }

    /// The book of `node` now holds this word on a subject; whoever came, or came back, after the publication has no say in it.
    public mutating func reached(subject: Int, sequence: UInt64, node: Int, at now: Instant) {
        guard let numbers = openBySubject[subject], node < nodes.count, let since = nodes[node].upSince else { return }
        for number in numbers {
            let index = number - firstOpen
            guard open[index].sequence <= sequence, open[index].publisher != node, since <= open[index].at,
                node < open[index].reachedAfter.count, open[index].reachedAfter[node] == Self.unreached
            else { continue }
            let elapsed = open[index].at.duration(to: now).saturatedNanoseconds / 1_000
            let microseconds = UInt32(clamping: min(elapsed, Int64(Self.unreached) - 1))
            open[index].reachedAfter[node] = microseconds
            deliveryCount += 1
            second.deliveries += 1
            secondLatencies.add(microseconds: microseconds)
        }
    }

    // MARK: Time

    /// Judges every publication whose time is over.
    public mutating func advance(to now: Instant) {
        for limit in limits.indices {
            while limits[limit].judgedCount < open.count {
                let publication = open[limits[limit].judgedCount]
                guard publication.at.advanced(by: limits[limit].within) < now else { break }
                judge(publication, against: limit)
                limits[limit].judgedCount += 1
            }
        }
        guard let last = limits.last, last.judgedCount > 0 else { return }
        for _ in 0..<last.judgedCount { forgetOldest() }
        for limit in limits.indices { limits[limit].judgedCount -= last.judgedCount }
    }

    /// What happened since the last call.
    mutating func takeSecond() -> Second {
        defer {
            second = Second()
            secondLatencies.removeAll()
        }
        second.latencyP50 = secondLatencies.percentile(5_000)
        second.latencyP99 = secondLatencies.percentile(9_900)
        return second
    }

    /// The length within which `percentile` (in hundredths of a percent) of all deliveries came; `nil` if these never came.
    public func latency(percentile: Int) -> Duration? { latencies.percentile(percentile) }

    private mutating func judge(_ publication: Publication, against limit: Int) {
        let bound = limits[limit].within.saturatedNanoseconds / 1_000
        let isLast = limit == limits.count - 1
        var (pairs, reached) = (0, 0)
        var reachedAfter: [UInt32] = []
        for (node, microseconds) in publication.reachedAfter.enumerated() {
            guard node != publication.publisher, nodes[node].isHonest, let since = nodes[node].upSince,
                since <= publication.at
            else { continue }
            pairs += 1
            let isReached = microseconds != Self.unreached && Int64(microseconds) <= bound
            if isReached {
                reached += 1
                if isLast { reachedAfter.append(microseconds) }
            } else if limits[limit].missedAt == nil {
                (limits[limit].missedAt, limits[limit].missedNode) = (publication.at, node)
            }
        }
        limits[limit].pairCount += pairs
        limits[limit].reachedCount += reached
        guard isLast else { return }
        for microseconds in reachedAfter { latencies.add(microseconds: microseconds) }
        latencies.addEndless(pairs - reached)
        if keepsSamples { samples.append(Self.sample(publication, pairs: pairs, reachedAfter: reachedAfter.sorted())) }
    }

    private static func sample(_ publication: Publication, pairs: Int, reachedAfter: [UInt32]) -> PublicationSample {
        PublicationSample(
            at: publication.at,
            publisher: publication.publisher,
            reachable: pairs,
            reached: reachedAfter.count,
            latencyP50: reachedAfter.isEmpty ? nil : .microseconds(Int(reachedAfter[(reachedAfter.count - 1) / 2])),
            latencyMax: reachedAfter.last.map { .microseconds(Int($0)) }
        )
    }

    private mutating func forgetOldest() {
        let subject = open.removeFirst().subject
        // Numbers of one subject ascend, so the oldest open publication stands first.
        openBySubject[subject]?.removeFirst()
        if openBySubject[subject]?.isEmpty == true { openBySubject[subject] = nil }
        firstOpen += 1
    }

    func checkInvariants() {
        precondition(openBySubject.values.reduce(0) { $0 + $1.count } == open.count)
        precondition(limits.allSatisfy { $0.judgedCount <= open.count && $0.reachedCount <= $0.pairCount })
    }
}
