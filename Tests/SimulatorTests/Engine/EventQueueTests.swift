import Primitives
import Testing

@testable import Simulator

@Suite struct `Event queue` {
    @Test(arguments: [UInt64(1), 2, 3, 4]) func `pops what a stable sort would`(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        var queue = EventQueue<Int>()
        var planned: [(instant: Instant, payload: Int)] = []
        for payload in 0..<3000 {
            // Magnitudes from nanoseconds to years, so that every level of the wheel is used.
            let instant = Instant(nanoseconds: Int64(random.below(1 << (1 + random.below(57)))))
            queue.insert(payload, at: instant)
            planned.append((instant, payload))
        }
        queue.checkInvariants()
        var popped: [Int] = []
        while let event = queue.popMin() { popped.append(event.payload) }
        #expect(popped == planned.sorted { ($0.instant, $0.payload) < ($1.instant, $1.payload) }.map(\.payload))
        #expect(queue.isEmpty)
    }

    @Test(arguments: [UInt64(5), 6, 7]) func `agrees with one heap while events cause events`(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        var queue = EventQueue<UInt64>()
        var heap = QuaternaryHeap()
        var number: UInt64 = 0
        func plan(at nanoseconds: Int64) {
            queue.insert(number, at: Instant(nanoseconds: nanoseconds))
            heap.insert(QuaternaryHeap.Entry(nanoseconds: nanoseconds, number: number, place: 0))
            number += 1
        }
        for _ in 0..<200 { plan(at: Int64(random.below(1_000_000_000))) }
        for step in 0..<5000 {
            guard let event = queue.popMin(), let entry = heap.popFirst() else { break }
            #expect(event.payload == entry.number)
            #expect(event.instant.nanoseconds == entry.nanoseconds)
            // Peeking turns the wheel, sometimes far ahead of what is planned next.
            if step % 7 == 0 { _ = queue.nextInstant }
            for _ in 0..<random.below(3) {
                plan(at: entry.nanoseconds + Int64(random.below(1 << random.below(36))))
            }
        }
        queue.checkInvariants()
    }

    @Test func `keeps the order of insertion at one instant`() {
        var queue = EventQueue<Int>()
        for payload in 0..<100 { queue.insert(payload, at: Instant(nanoseconds: 5_000_000_000)) }
        var popped: [Int] = []
        while let event = queue.popMin() { popped.append(event.payload) }
        #expect(popped == Array(0..<100))
    }

    @Test func `names the next instant without taking the event`() {
        var queue = EventQueue<String>()
        #expect(queue.nextInstant == nil)
        queue.insert("late", at: Instant(nanoseconds: 70_000_000_000))
        #expect(queue.nextInstant == Instant(nanoseconds: 70_000_000_000))
        queue.insert("early", at: Instant(nanoseconds: 3))
        #expect(queue.nextInstant == Instant(nanoseconds: 3))
        #expect(queue.popMin()?.payload == "early")
        #expect(queue.count == 1)
    }

    @Test func `holds back what is later than the limit`() {
        var queue = EventQueue<Int>()
        queue.insert(1, at: Instant(nanoseconds: 10))
        queue.insert(2, at: Instant(nanoseconds: 11))
        #expect(queue.popMin(through: Instant(nanoseconds: 10))?.payload == 1)
        #expect(queue.popMin(through: Instant(nanoseconds: 10)) == nil)
        #expect(queue.popMin(through: Instant(nanoseconds: 11))?.payload == 2)
    }

    @Test func `holds the first and the last instant`() {
        var queue = EventQueue<Int>()
        queue.insert(2, at: .distantFuture)
        queue.insert(1, at: .zero)
        queue.insert(0, at: Instant(nanoseconds: .min))
        #expect([queue.popMin()?.payload, queue.popMin()?.payload, queue.popMin()?.payload] == [0, 1, 2])
    }
}

@Suite struct `Timer wheel` {
    @Test func `needs more room only for more pending events`() {
        var queue = EventQueue<Int>()
        for payload in 0..<10 { queue.insert(payload, at: Instant(nanoseconds: Int64(payload))) }
        for _ in 0..<10_000 {
            guard let event = queue.popMin() else { break }
            queue.insert(event.payload, at: event.instant.advanced(by: .milliseconds(1)))
        }
        #expect(queue.count == 10)
        queue.checkInvariants()
        #expect(queue.placeCount == 10)
        #expect(queue.blockCount <= 10)
    }
}
