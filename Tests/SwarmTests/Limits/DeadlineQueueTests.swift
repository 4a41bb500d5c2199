import Primitives
import Testing

@testable import Swarm

@Suite struct `Deadline queue` {
    @Test(arguments: 1...6) func `it agrees with a sorted list under random arming`(seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        var queue = DeadlineQueue<Int>()
        var model: [Int: Instant] = [:]
        for _ in 0..<2000 {
            let key = random.below(40)
            switch random.below(4) {
            case 0:
                queue.arm(key, at: nil)
                model[key] = nil
            case 1:
                let now = Instant(nanoseconds: Int64(random.below(100)))
                let due = model.filter { $0.value <= now }.min { ($0.value, $0.key) < ($1.value, $1.key) }
                #expect(queue.popDue(at: now) == due?.key)
                if let due { model[due.key] = nil }
            default:
                let deadline = Instant(nanoseconds: Int64(random.below(100)))
                queue.arm(key, at: deadline)
                model[key] = deadline
            }
            #expect(queue.earliest == model.values.min())
            #expect(queue.count == model.count)
            queue.checkInvariants()
        }
    }
}

@Suite struct `Arrival rate` {
    @Test func `a burst passes, then one per interval`() {
        var rate = ArrivalRate<Int>(interval: .seconds(5), burst: 16, keyCountMax: 8)
        var now = Instant.zero
        for _ in 0..<16 { #expect(rate.count(1, at: now) == true) }
        #expect(rate.count(1, at: now) == false)
        now = now.advanced(by: .seconds(5))
        #expect(rate.count(1, at: now) == true)
        #expect(rate.count(1, at: now) == false)
        #expect(rate.count(2, at: now) == true, "another key has a bucket of its own")
    }

    @Test func `the table never passes its cap`() {
        var rate = ArrivalRate<Int>(interval: .seconds(5), burst: 2, keyCountMax: 8)
        for key in 0..<100 { #expect(rate.count(key, at: .zero) == true) }
        #expect(rate.keyCount == 8)
    }
}
