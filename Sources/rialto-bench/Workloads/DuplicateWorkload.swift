import Gossipsub

/// Frames that were seen before, as every node gets several of each message: decoded, recognised, dropped.
struct DuplicateWorkload: Workload {
    private static let topic = "bench"
    private static let differentCount = 1_000

    let rows = [Row.duplicates]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        var bench = GossipBench(topics: [Self.topic])
        let payloads = (0..<Self.differentCount).map { GossipPayload.bytes($0, GossipPairWorkload.byteCount) }
        let frames = try payloads.map { try GossipBench.frame($0, Self.topic) }
        for frame in frames {
            for message in try bench.receive(frame) { bench.judge(message, .accept) }
        }
        var passedCount = 0
        let duration = try seconds {
            for number in 0..<count { passedCount += try bench.receive(frames[number % frames.count]).count }
        }
        guard passedCount == 0 else { throw BenchFailure("\(passedCount) duplicates passed") }
        let hashing = seconds {
            var sum = 0
            for number in 0..<count { sum ^= Self.keyedHash(frames[number % frames.count]) }
            precondition(sum != Int.min)
        }
        return Figures(values: [.duplicates: Double(count) / duration], limits: [.duplicates: Double(count) / hashing])
    }

    /// The standard library's keyed hash: whoever recognises identical bytes must do this much.
    private static func keyedHash(_ bytes: [UInt8]) -> Int {
        var hasher = Hasher()
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }
}
