import Kademlia
import Primitives
import Testing

@testable import Simulator

/// The values that every correct simulator shows, whatever its seed; small enough for a debug build.
@Suite struct `Bench of eager push` {
    private func cast(_ nodeCount: Int, fanOut: Int, publications: Int, seed: UInt64) -> BenchResult {
        var workload = CastWorkload(nodeCount: nodeCount, seed: seed)
        (workload.fanOut, workload.publicationCount) = (fanOut, publications)
        return Bench.cast(workload)
    }

    @Test func `a thousand nodes show the known values`() throws {
        let result = cast(1000, fanOut: 8, publications: 8, seed: 1)
        let perPublication = try #require(result["messages_per_publication"])
        #expect(abs(perPublication / 7990 - 1) < 0.001)
        #expect(abs(result.latencyP50 / .milliseconds(172) - 1) < 0.02)
        #expect(abs(result.latencyP99 / .milliseconds(241) - 1) < 0.02)
    }

    /// Coverage solves r = 1 − e^(−F·r): the final size of an epidemic whose every case infects F others (Kermack and McKendrick, 1927).
    @Test(arguments: [(3, 0.9405, 0.003), (5, 0.9930, 0.002), (8, 0.9997, 0.002)])
    func `infect and die reaches the share of theory`(fanOut: Int, expected: Double, tolerance: Double) throws {
        let coverages = try (1...5).map { seed in
            try #require(cast(1000, fanOut: fanOut, publications: 2, seed: seed)["coverage"])
        }
        #expect(abs(coverages.reduce(0, +) / 5 - expected) < tolerance)
    }

    @Test func `neighbours that cover everybody bring one message each way`() {
        // Four nodes, three neighbours each: the publisher sends 3, each of the others 2.
        let result = cast(4, fanOut: 3, publications: 10, seed: 1)
        #expect(result.messageCount == 10 * (3 + 3 * 2))
        #expect(result["coverage"] == 1)
        #expect(result.eventCount == result.messageCount + 10)
    }

    /// Debug and release builds, and every machine, must agree on this hash.
    @Test func `the trace is the same everywhere`() {
        #expect(cast(200, fanOut: 4, publications: 3, seed: 7).traceHash == 17_102_002_637_625_744_558)
        #expect(cast(200, fanOut: 4, publications: 3, seed: 8).traceHash != 17_102_002_637_625_744_558)
    }
}

@Suite struct `Bench of Kademlia lookups` {
    private var workload = KadWorkload(nodeCount: 1000, seed: 1)

    init() {
        workload.lookupsPerNode = 1
    }

    @Test func `a thousand nodes show the known values`() throws {
        let result = Bench.kad(workload)
        #expect(abs(try #require(result["hops_mean"]) - 1.95) < 0.03)
        #expect(abs(try #require(result["requests_per_lookup"]) / 17.9 - 1) < 0.01)
        #expect(abs(result.latencyP50 / .milliseconds(762) - 1) < 0.015)
        #expect(abs(result.latencyP99 / .milliseconds(915) - 1) < 0.015)
        #expect(result["closest_found"] == 1)
        #expect(result["lookups"] == 1000)
        // Every request is answered.
        #expect(Double(result.messageCount) == 2000 * (try #require(result["requests_per_lookup"])))
    }

    @Test mutating func `timers count as events, not as messages`() throws {
        workload.nodeCount = 200
        let plain = Bench.kad(workload)
        workload.hasTimers = true
        let timed = Bench.kad(workload)
        #expect(timed.messageCount == plain.messageCount)
        #expect(timed.eventCount == plain.eventCount + plain.messageCount / 2)
        #expect(timed.latencyP50 == plain.latencyP50)
    }

    @Test mutating func `lookups among the dead wait for their timers and still find the nearest living`() throws {
        workload.nodeCount = 400
        workload.dead = Share(percent: 20)
        let result = Bench.kad(workload)
        #expect(result["lookups"] == 320)
        #expect(try #require(result["closest_found"]) > 0.97)
        #expect(result.latencyP50 > .seconds(2))
    }

    @Test mutating func `colluders lead lookups astray, the more the worse`() throws {
        workload.nodeCount = 400
        workload.malicious = Share(percent: 10)
        let few = try #require(Bench.kad(workload)["closest_found"])
        workload.malicious = Share(percent: 50)
        let many = try #require(Bench.kad(workload)["closest_found"])
        #expect(few > 0.97)
        #expect(many < 0.97)
    }

    /// Debug and release builds, and every machine, must agree on this hash.
    @Test mutating func `the trace is the same everywhere`() {
        workload.nodeCount = 200
        workload.dead = Share(percent: 10)
        workload.malicious = Share(percent: 10)
        #expect(Bench.kad(workload).traceHash == 8_832_864_801_588_894_981)
    }
}

@Suite struct `Kad population` {
    private func population(_ count: Int) -> KadPopulation {
        var workload = KadWorkload(nodeCount: count, seed: 3)
        (workload.dead, workload.malicious) = (Share(percent: 20), Share(percent: 20))
        var random = SimulationRandom(seed: 4)
        return KadPopulation(workload, using: &random)
    }

    @Test func `finds the nearest as a search of all would`() {
        let population = population(300)
        var random = SimulationRandom(seed: 5)
        for _ in 0..<200 {
            let (target, asker) = (random.next(), random.below(300))
            let honest = (0..<300).filter { population.roles[$0] == .honest && $0 != asker }
            let expected = honest.min { population.ids[$0] ^ target < population.ids[$1] ^ target }
            #expect(population.nearestHonest(to: target, askedBy: asker) == expected)
            var found: [ContactID] = []
            population.nearestColluders(to: target, k: 16, into: &found)
            let colluders = (0..<300).filter { population.roles[$0] == .malicious }
            let sorted = colluders.sorted { population.ids[$0] ^ target < population.ids[$1] ^ target }
            #expect(found.map { Int($0.rawValue) } == Array(sorted.prefix(16)))
        }
    }

    @Test func `tables hold all of a small bucket and k of a large one`() {
        let population = population(300)
        var random = SimulationRandom(seed: 6)
        for node in 0..<20 {
            let table = population.table(of: node, k: 16, using: &random)
            table.checkInvariants(keys: population.keys)
            for bucket in 0..<64 {
                let sharing = (0..<300).count {
                    $0 != node && (population.ids[$0] ^ population.ids[node]).leadingZeroBitCount == bucket
                }
                #expect(table.contacts(inBucket: bucket).count == min(16, sharing))
            }
        }
    }
}

@Suite struct `Latency counts` {
    @Test func `name the least delay that a share does not exceed`() {
        var counts = LatencyCounts()
        for milliseconds in 1...100 { counts.add(nanoseconds: Int64(milliseconds) * 1_000_000) }
        #expect(counts.percentile(Share(percent: 50)) == .milliseconds(50))
        #expect(counts.percentile(Share(percent: 99)) == .milliseconds(99))
        #expect(counts.percentile(.all) == .milliseconds(100))
        #expect(LatencyCounts().percentile(.all) == .zero)
    }

    @Test func `count what lasts too long as the limit`() {
        var counts = LatencyCounts()
        counts.add(nanoseconds: .max)
        #expect(counts.percentile(.all) == .seconds(60))
    }
}
