import Primitives
import Testing

@testable import Simulator

@Suite struct `Virtual network` {
    var plan = NetworkPlan()
    let streams = RandomStreams(seed: 5)

    init() {
        plan.latency = .constant(.milliseconds(50))
        plan.jitter = .zero
    }

    private func network(_ count: Int = 10) -> VirtualNetwork {
        VirtualNetwork(plan: plan, nodeCount: count, streams: streams)
    }

    private func milliseconds(_ count: Int) -> Delivery {
        .arrives(Instant(nanoseconds: Int64(count) * 1_000_000))
    }

    @Test func `a constant delay is constant`() {
        var network = network()
        #expect(network.send(from: 0, to: 1, byteCount: 100, at: .zero) == milliseconds(50))
        #expect(network.send(from: 1, to: 9, byteCount: 1_000_000, at: .zero) == milliseconds(50))
    }

    @Test mutating func `uniform delays fill their interval and have its mean`() {
        plan.latency = .uniform(.milliseconds(20), .milliseconds(100))
        var network = network()
        let delays = delays(&network, count: 5000)
        #expect(delays.allSatisfy { (20...100).contains($0) })
        #expect(abs(delays.reduce(0, +) / 5000 - 60) < 1.5)
        #expect(delays.contains { $0 < 21 } && delays.contains { $0 > 99 })
    }

    @Test mutating func `jitter spreads a delay about itself`() {
        plan.jitter = Share(percent: 10)
        var network = network()
        let delays = delays(&network, count: 5000)
        #expect(delays.allSatisfy { (45...55).contains($0) })
        #expect(abs(delays.reduce(0, +) / 5000 - 50) < 0.2)
    }

    @Test mutating func `a matrix is dealt to the nodes in turn`() throws {
        let trips = [2, 100, 300, 4].map { Duration.milliseconds($0) }
        plan.latency = .matrix(try #require(LatencyMatrix(placeCount: 2, roundTrips: trips)))
        var network = network()
        #expect(network.send(from: 0, to: 3, byteCount: 1, at: .zero) == milliseconds(50))
        #expect(network.send(from: 5, to: 2, byteCount: 1, at: .zero) == milliseconds(150))
        #expect(network.send(from: 0, to: 2, byteCount: 1, at: .zero) == milliseconds(1))
    }

    @Test mutating func `coordinates are symmetric and lie within their square`() {
        plan.latency = .coordinates(side: .milliseconds(30), access: .milliseconds(7))
        var network = network(50)
        for node in 1..<50 {
            let there = network.send(from: 0, to: node, byteCount: 1, at: .zero)
            #expect(there == network.send(from: node, to: 0, byteCount: 1, at: .zero))
            guard case .arrives(let instant) = there else { continue }
            #expect(instant.nanoseconds >= 7_000_000 && instant.nanoseconds < 7_000_000 + 42_500_000)
        }
    }

    @Test mutating func `a loss is a stall of a doubling timeout, never a gap`() {
        plan.loss = Share(percent: 30)
        var network = network()
        var counts: [Int: Int] = [:]
        for _ in 0..<20_000 {
            guard case .arrives(let instant) = network.send(from: 0, to: 1, byteCount: 1, at: .zero) else { continue }
            counts[Int(instant.nanoseconds / 1_000_000), default: 0] += 1
        }
        // 50 ms, then 200, 600, 1400 … more; each with 0.3 of the chance before, the last what is left.
        let stalls = (0...VirtualNetwork.lossesMax).map { 50 + 200 * ((1 << $0) - 1) }
        #expect(counts.keys.sorted() == stalls)
        #expect(abs(Double(counts[50] ?? 0) / 20_000 - 0.7) < 0.015)
        #expect(abs(Double(counts[250] ?? 0) / 20_000 - 0.21) < 0.015)
        #expect(abs(Double(counts[650] ?? 0) / 20_000 - 0.063) < 0.01)
    }

    @Test mutating func `the timeout of a long way is longer than the floor`() {
        plan.latency = .constant(.milliseconds(300))
        plan.loss = .all
        var network = network()
        // 600 ms, six times, doubled each time.
        #expect(network.send(from: 0, to: 1, byteCount: 1, at: .zero) == milliseconds(300 + 600 * 63))
    }

    @Test mutating func `an uplink sends one message after another`() {
        plan.upload = 8_000_000
        var network = network()
        // A thousand bytes take a millisecond.
        #expect(network.send(from: 0, to: 1, byteCount: 1000, at: .zero) == milliseconds(51))
        #expect(network.send(from: 0, to: 2, byteCount: 1000, at: .zero) == milliseconds(52))
        #expect(network.send(from: 3, to: 2, byteCount: 1000, at: .zero) == milliseconds(51))
        let later = Instant(nanoseconds: 10_000_000)
        #expect(network.send(from: 0, to: 1, byteCount: 1000, at: later) == milliseconds(61))
    }

    @Test mutating func `a downlink is shared by all who send`() {
        plan.download = 8_000_000
        var network = network()
        #expect(network.send(from: 0, to: 9, byteCount: 1000, at: .zero) == milliseconds(51))
        #expect(network.send(from: 1, to: 9, byteCount: 1000, at: .zero) == milliseconds(52))
        #expect(network.send(from: 1, to: 8, byteCount: 1000, at: .zero) == milliseconds(51))
    }

    @Test func `an access line carries its rate and no more`() {
        var line = AccessLine()
        var random = SimulationRandom(seed: 1)
        var (now, last, sent): (Int64, Int64, Int) = (0, 0, 0)
        for _ in 0..<1000 {
            now += Int64(random.below(2_000_000))
            let end = line.pass(at: now, busy: 1_000_000)
            #expect(end >= last + 1_000_000)
            last = end
            sent += 1
        }
        // Half loaded to the brim: the line is never idle for long, nor ahead of its rate.
        #expect(last >= Int64(sent) * 1_000_000)
        #expect(last < now + 100_000_000)
        #expect(AccessLine.transmission(byteCount: 1_000_000_000, bitsPerSecond: 1_000_000_000) == 8_000_000_000)
    }

    @Test func `slow nodes are slow both ways, and well again`() {
        var network = network()
        network.slow([3], factor: 4)
        #expect(network.send(from: 3, to: 1, byteCount: 1, at: .zero) == milliseconds(200))
        #expect(network.send(from: 1, to: 3, byteCount: 1, at: .zero) == milliseconds(200))
        #expect(network.send(from: 1, to: 2, byteCount: 1, at: .zero) == milliseconds(50))
        network.slow([3], factor: 1)
        #expect(network.send(from: 3, to: 1, byteCount: 1, at: .zero) == milliseconds(50))
    }

    @Test mutating func `one more node changes nobody's delays`() {
        plan.latency = .regions
        plan.jitter = Share(percent: 10)
        plan.loss = Share(percent: 1)
        var (small, large) = (network(), network(11))
        _ = large.send(from: 10, to: 0, byteCount: 1, at: .zero)
        for sender in 0..<10 {
            for receiver in 0..<10 where receiver != sender {
                let expected = small.send(from: sender, to: receiver, byteCount: 1, at: .zero)
                #expect(large.send(from: sender, to: receiver, byteCount: 1, at: .zero) == expected)
            }
        }
    }

    private func delays(_ network: inout VirtualNetwork, count: Int) -> [Double] {
        (0..<count).compactMap { _ in
            guard case .arrives(let instant) = network.send(from: 0, to: 1, byteCount: 1, at: .zero) else { return nil }
            return Double(instant.nanoseconds) / 1e6
        }
    }
}

@Suite struct `World regions` {
    /// The figures of the article "How the network is modelled".
    @Test func `have the documented round trips`() {
        var plan = NetworkPlan()
        plan.jitter = .zero
        let count = 2000
        var network = VirtualNetwork(plan: plan, nodeCount: count, streams: RandomStreams(seed: 1))
        var random = SimulationRandom(seed: 2)
        var trips: [Double] = []
        while trips.count < 20_000 {
            let (one, other) = (random.below(count), random.below(count))
            guard one != other else { continue }
            guard case .arrives(let instant) = network.send(from: one, to: other, byteCount: 1, at: .zero) else {
                continue
            }
            trips.append(Double(instant.nanoseconds) * 2 / 1e6)
        }
        trips.sort()
        #expect(abs(trips.reduce(0, +) / 20_000 - 150) < 3)
        let expected = [(0.01, 18.7), (0.05, 30), (0.25, 88), (0.5, 152), (0.75, 198), (0.95, 297), (0.99, 340)]
        for (share, trip) in expected {
            let found = trips[Int(20_000 * share)]
            #expect(abs(found / trip - 1) < 0.06, "quantile \(share): \(found) ms")
        }
    }

    @Test func `share out all nodes`() {
        #expect(WorldRegion.all.map(\.share).reduce(0, +) == 100)
        var random = SimulationRandom(seed: 3)
        var counts: [String: Int] = [:]
        for _ in 0..<20_000 { counts[WorldRegion.draw(using: &random).name, default: 0] += 1 }
        for region in WorldRegion.all {
            #expect(abs(Double(counts[region.name] ?? 0) / 20_000 - Double(region.share) / 100) < 0.012)
        }
    }
}
