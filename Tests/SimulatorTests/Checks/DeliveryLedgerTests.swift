import Primitives
import Testing

@testable import Simulator

@Suite struct `Delivery ledger` {
    static func ledger(nodes: Int, limits: [Duration] = [.seconds(5)]) -> DeliveryLedger {
        var ledger = DeliveryLedger(limits: limits, measuredFrom: .zero, keepsSamples: true)
        for node in 0..<nodes { ledger.nodeUp(node, isHonest: true, at: .zero) }
        return ledger
    }

    @Test func `counts pairs of a publication and another node`() {
        var ledger = Self.ledger(nodes: 4)
        ledger.published(subject: 0, sequence: 1, by: 0, at: .second(1))
        ledger.reached(subject: 0, sequence: 1, node: 0, at: .second(1))
        ledger.reached(subject: 0, sequence: 1, node: 1, at: .milliseconds(1_100))
        ledger.reached(subject: 0, sequence: 1, node: 2, at: .milliseconds(1_300))
        ledger.reached(subject: 0, sequence: 1, node: 2, at: .milliseconds(1_400))
        ledger.advance(to: .second(6))
        #expect(ledger.limits[0].pairCount == 0, "five seconds are not over before the sixth has passed")
        ledger.advance(to: .milliseconds(6_001))
        #expect(ledger.limits[0].pairCount == 3)
        #expect(ledger.limits[0].reachedCount == 2)
        #expect(ledger.limits[0].firstMiss?.node == 3)
        #expect(ledger.limits[0].firstMiss?.at == .second(1))
        #expect(ledger.deliveryCount == 2)
        #expect(ledger.samples.map(\.reached) == [2])
        #expect(ledger.samples.first?.latencyMax == .milliseconds(300))
        ledger.checkInvariants()
    }

    @Test func `what comes exactly at the limit is in time, a microsecond later is not`() {
        for (late, reached) in [(0, 1), (1, 0)] {
            var ledger = Self.ledger(nodes: 2)
            ledger.published(subject: 0, sequence: 1, by: 0, at: .second(1))
            let at = Instant.second(6).advanced(by: .microseconds(late))
            ledger.reached(subject: 0, sequence: 1, node: 1, at: at)
            ledger.advance(to: .second(20))
            #expect(ledger.limits[0].reachedCount == reached)
        }
    }

    @Test func `only nodes that were up throughout are counted`() {
        var ledger = Self.ledger(nodes: 4)
        ledger.nodeUp(4, isHonest: false, at: .zero)
        ledger.nodeDown(1, at: .milliseconds(500))
        ledger.published(subject: 0, sequence: 1, by: 0, at: .second(1))
        ledger.nodeUp(1, isHonest: true, at: .second(2))
        ledger.nodeDown(2, at: .second(3))
        ledger.nodeUp(5, isHonest: true, at: .second(3))
        ledger.advance(to: .second(10))
        #expect(ledger.limits[0].pairCount == 1, "node 3 alone")
    }

    @Test func `who comes, or comes back, after a publication is no delivery of it`() {
        var ledger = Self.ledger(nodes: 3)
        ledger.nodeDown(2, at: .milliseconds(500))
        ledger.published(subject: 0, sequence: 1, by: 0, at: .second(1))
        ledger.nodeUp(2, isHonest: true, at: .second(2))
        ledger.nodeUp(3, isHonest: true, at: .second(2))
        ledger.reached(subject: 0, sequence: 1, node: 1, at: .milliseconds(1_100))
        for node in [2, 3] { ledger.reached(subject: 0, sequence: 1, node: node, at: .second(4)) }
        let second = ledger.takeSecond()
        #expect(second.deliveries == 1)
        #expect(second.latencyP99 == second.latencyP50)
        #expect(ledger.deliveryCount == 1)
    }

    @Test func `a node that leaves after the limit was judged before`() {
        var ledger = Self.ledger(nodes: 2)
        ledger.published(subject: 0, sequence: 1, by: 0, at: .second(1))
        ledger.nodeDown(1, at: .second(7))
        #expect(ledger.limits[0].pairCount == 1)
    }

    @Test func `a later word on the subject stands for the earlier ones, not the other way round`() {
        var ledger = Self.ledger(nodes: 3)
        ledger.published(subject: 7, sequence: 1, by: 0, at: .second(1))
        ledger.published(subject: 7, sequence: 2, by: 0, at: .second(2))
        ledger.published(subject: 8, sequence: 9, by: 0, at: .second(2))
        ledger.reached(subject: 7, sequence: 2, node: 1, at: .second(3))
        ledger.reached(subject: 7, sequence: 1, node: 2, at: .second(3))
        ledger.advance(to: .second(20))
        #expect(ledger.samples.map(\.reached) == [2, 1, 0])
    }

    @Test func `several limits are judged each at its time`() {
        var ledger = Self.ledger(nodes: 3, limits: [.seconds(10), .seconds(1)])
        ledger.published(subject: 0, sequence: 1, by: 0, at: .second(1))
        ledger.reached(subject: 0, sequence: 1, node: 1, at: .milliseconds(1_900))
        ledger.reached(subject: 0, sequence: 1, node: 2, at: .second(5))
        // A node that leaves between the two limits counts for the first alone.
        ledger.nodeDown(1, at: .second(6))
        ledger.advance(to: .second(30))
        #expect(ledger.limits.map(\.within) == [.seconds(1), .seconds(10)])
        #expect(ledger.limits.map(\.pairCount) == [2, 1])
        #expect(ledger.limits.map(\.reachedCount) == [1, 1])
    }

    @Test func `publications of the build-up are not counted`() {
        var ledger = DeliveryLedger(limits: [], measuredFrom: .second(10), keepsSamples: true)
        ledger.nodeUp(0, isHonest: true, at: .zero)
        ledger.published(subject: 0, sequence: 1, by: 0, at: .second(9))
        ledger.published(subject: 0, sequence: 2, by: 0, at: .second(10))
        #expect(ledger.publicationCount == 1)
    }

    @Test(arguments: [1, 2, 3])
    func `agrees with a ledger that keeps everything`(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        var ledger = Self.ledger(nodes: 20)
        var publications: [(at: Int, publisher: Int, reached: [Int: Int])] = []
        for time in 0..<2_000 {
            if random.below(20) == 0 {
                let publisher = random.below(20)
                ledger.published(subject: publications.count, sequence: 1, by: publisher, at: .milliseconds(time * 10))
                publications.append((time * 10, publisher, [:]))
            }
            guard !publications.isEmpty else { continue }
            for _ in 0..<8 {
                let (subject, node) = (random.below(publications.count), random.below(20))
                ledger.reached(subject: subject, sequence: 1, node: node, at: .milliseconds(time * 10))
                guard node != publications[subject].publisher, publications[subject].reached[node] == nil else {
                    continue
                }
                publications[subject].reached[node] = time * 10 - publications[subject].at
            }
            if time % 100 == 0 { ledger.checkInvariants() }
        }
        ledger.advance(to: .second(1_000))
        let inTime = publications.map { $0.reached.values.count { $0 <= 5_000 } }
        #expect(ledger.samples.map(\.reached) == inTime)
        #expect(ledger.limits[0].pairCount == 19 * publications.count)
    }

    @Test func `ten thousand nodes with a hundred open publications stay within megabytes and seconds`() throws {
        var ledger = Self.ledger(nodes: 10_000)
        for number in 0..<100 { ledger.published(subject: number, sequence: 1, by: number, at: .milliseconds(number)) }
        for number in 0..<100 {
            for node in stride(from: 0, to: 10_000, by: 50) where node != number {
                ledger.reached(subject: number, sequence: 1, node: node, at: .second(1))
            }
        }
        ledger.advance(to: .second(60))
        #expect(ledger.limits[0].pairCount == 100 * 9_999)
        // Two in a hundred were reached, after 901 to 1000 ms.
        let latency = try #require(ledger.latency(percentile: 100))
        #expect((.milliseconds(945) ... .milliseconds(960)).contains(latency))
        #expect(ledger.latency(percentile: 300) == nil)
    }
}

@Suite struct `Latency histogram` {
    @Test func `errs by less than one percent`() {
        for microseconds: UInt32 in [0, 1, 127, 128, 129, 1_000, 65_535, 1_234_567, 30_000_000, .max - 1] {
            var histogram = LatencyHistogram()
            histogram.add(microseconds: microseconds)
            let found = (histogram.percentile(5_000) ?? .zero) / .microseconds(1)
            #expect(found >= Double(microseconds))
            #expect(found <= Double(microseconds) * 1.008 + 0.001)
        }
    }

    @Test func `ranks exactly`() {
        var histogram = LatencyHistogram()
        for microseconds: UInt32 in 1...100 { histogram.add(microseconds: microseconds) }
        #expect(histogram.percentile(5_000) == .microseconds(50))
        #expect(histogram.percentile(9_900) == .microseconds(99))
        #expect(histogram.percentile(9_901) == .microseconds(100))
        #expect(histogram.percentile(10_000) == .microseconds(100))
        histogram.addEndless(1)
        #expect(histogram.percentile(10_000) == nil)
        histogram.removeAll()
        #expect(histogram.percentile(5_000) == nil)
    }
}
