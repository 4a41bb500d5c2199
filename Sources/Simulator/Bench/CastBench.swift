internal import Primitives

/// Eager push: every node forwards once, to all its neighbours but the one it heard from.
///
/// Each of `nodeCount` nodes has `fanOut` different neighbours, drawn uniformly and fixed; one publication every virtual second starts at a
/// node drawn uniformly. A message is one delivery, duplicates included.
public struct CastWorkload: Hashable, Sendable {
    public var nodeCount: Int
    public var fanOut = 8
    public var publicationCount = 100
    public var seed: UInt64

    public init(nodeCount: Int = 10_000, seed: UInt64 = 1) {
        self.nodeCount = nodeCount
        self.seed = seed
    }
}

extension Bench {
    /// Runs the eager push until nothing is under way.
    public static func cast(_ workload: CastWorkload) -> BenchResult {
        precondition(workload.fanOut >= 1 && workload.nodeCount > workload.fanOut, "too few nodes for the fan-out")
        precondition(workload.publicationCount >= 1, "nothing is published")
        var run = CastRun(workload)
        return run.result()
    }
}

private struct CastRun {
    /// What is delivered, or published where there is no sender.
    struct Message: Sendable {
        static let nobody = UInt32.max

        var receiver: UInt32
        var sender: UInt32
        var publication: UInt32
    }

    let workload: CastWorkload
    /// `fanOut` for each node, in one array.
    private var neighbours: [UInt32] = []
    /// A bit for each (publication, node).
    private var received: [UInt64]
    private let wordsPerPublication: Int
    private var network: VirtualNetwork
    private var queue = EventQueue<Message>()
    private var trace: TraceHash
    private var latencies = LatencyCounts()
    private var (eventCount, messageCount, reached) = (0, 0, 0)

    init(_ workload: CastWorkload) {
        self.workload = workload
        let (count, streams) = (workload.nodeCount, RandomStreams(seed: workload.seed))
        wordsPerPublication = (count + 63) / 64
        received = [UInt64](repeating: 0, count: wordsPerPublication * workload.publicationCount)
        network = VirtualNetwork(plan: Bench.network, nodeCount: count, streams: streams)
        trace = TraceHash(seed: workload.seed)
        var random = streams.fast(.bench)
        neighbours.reserveCapacity(count * workload.fanOut)
        for node in 0..<count { addNeighbours(of: node, using: &random) }
        for publication in 0..<workload.publicationCount {
            let message = Message(
                receiver: UInt32(random.below(count)),
                sender: Message.nobody,
                publication: UInt32(publication)
            )
            queue.insert(message, at: Self.instant(of: message.publication))
        }
    }

    private static func instant(of publication: UInt32) -> Instant {
        Instant(nanoseconds: (Int64(publication) + 1) * 1_000_000_000)
    }

    private mutating func addNeighbours(of node: Int, using random: inout SimulationRandom) {
        let start = neighbours.count
        while neighbours.count < start + workload.fanOut {
            let drawn = UInt32(random.below(workload.nodeCount))
            if drawn != node, !neighbours[start...].contains(drawn) { neighbours.append(drawn) }
        }
    }

    mutating func result() -> BenchResult {
        var last = Instant.zero
        while let (now, message) = queue.popMin() {
            eventCount += 1
            last = now
            trace.mix(now)
            trace.mix(UInt64(message.receiver) << 32 | UInt64(message.sender))
            receive(message, at: now)
        }
        var result = BenchResult(workload: .cast, nodeCount: workload.nodeCount, seed: workload.seed)
        result.virtualTime = Instant.zero.duration(to: last)
        (result.eventCount, result.messageCount, result.traceHash) = (eventCount, messageCount, trace.value)
        result.latencyP50 = latencies.percentile(Bench.median)
        result.latencyP99 = latencies.percentile(Bench.ninetyNinth)
        let publications = Double(workload.publicationCount)
        result.measures = [
            Metric("messages_per_publication", Double(messageCount) / publications),
            Metric("coverage", Double(reached) / publications / Double(workload.nodeCount)),
        ]
        return result
    }

    private mutating func receive(_ message: Message, at now: Instant) {
        if message.sender != Message.nobody { messageCount += 1 }
        let word = Int(message.publication) * wordsPerPublication + Int(message.receiver >> 6)
        let bit: UInt64 = 1 << UInt64(message.receiver & 63)
        guard received[word] & bit == 0 else { return }
        received[word] |= bit
        reached += 1
        if message.sender != Message.nobody {
            latencies.add(nanoseconds: now.nanoseconds - Self.instant(of: message.publication).nanoseconds)
        }
        let start = Int(message.receiver) * workload.fanOut
        for index in start..<start + workload.fanOut where neighbours[index] != message.sender {
            forward(message, to: neighbours[index], at: now)
        }
    }

    private mutating func forward(_ message: Message, to neighbour: UInt32, at now: Instant) {
        let sender = message.receiver
        let delivery = network.send(from: Int(sender), to: Int(neighbour), byteCount: 0, at: now)
        guard case .arrives(let instant) = delivery else { return }
        let copy = Message(receiver: neighbour, sender: sender, publication: message.publication)
        queue.insert(copy, at: instant)
    }
}
