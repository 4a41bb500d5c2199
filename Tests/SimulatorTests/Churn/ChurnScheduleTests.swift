import Primitives
import Testing

@testable import Simulator

@Suite struct `Churn schedule` {
    private var plan = ChurnPlan(
        session: .weibull(shape: 0.7, scale: .seconds(600)),
        downtime: .exponential(mean: .seconds(300))
    )
    private let streams = RandomStreams(seed: 21)

    @Test func `stable nodes never leave`() {
        var schedule = ChurnSchedule(plan: plan, nodeCount: 5, streams: streams)
        #expect(schedule.presenceAtStart(of: 0) == .stable)
        #expect(schedule.presenceAtStart(of: 1) != .stable)
    }

    @Test func `one more node changes nobody's times`() {
        var (small, large) = (
            ChurnSchedule(plan: plan, nodeCount: 5, streams: streams),
            ChurnSchedule(plan: plan, nodeCount: 5, streams: streams)
        )
        large.addNode()
        _ = large.presenceAtStart(of: 5)
        for node in 0..<5 {
            #expect(small.presenceAtStart(of: node) == large.presenceAtStart(of: node))
            #expect(small.session(of: node) == large.session(of: node))
            #expect(small.downtime(of: node) == large.downtime(of: node))
        }
    }

    /// Little's law: nodes up = arrivals per second × mean session; and from the first second on, not after an hour.
    @Test mutating func `nodes up are arrivals times mean session, from the start`() throws {
        plan.stable = .count(0)
        let count = 3000
        var schedule = ChurnSchedule(plan: plan, nodeCount: count, streams: streams)
        var queue = EventQueue<(node: Int, comes: Bool)>()
        var (up, arrivals) = (0, 0)
        for node in 0..<count {
            switch schedule.presenceAtStart(of: node) {
            case .up(let length):
                up += 1
                queue.insert((node, false), at: .zero.advanced(by: length))
            case .away(let length):
                queue.insert((node, true), at: .zero.advanced(by: length))
            case .stable:
                Issue.record("nobody is stable here")
            }
        }
        var upSeconds = [0.0, 0.0]
        var last = Instant.zero
        let hour = Instant(nanoseconds: 3_600_000_000_000)
        while let (instant, event) = queue.popMin(through: hour) {
            let half = instant.nanoseconds < hour.nanoseconds / 2 ? 0 : 1
            upSeconds[half] += Double(up) * (last.duration(to: instant) / .seconds(1))
            last = instant
            up += event.comes ? 1 : -1
            if event.comes { arrivals += 1 }
            let length = event.comes ? schedule.session(of: event.node) : schedule.downtime(of: event.node)
            queue.insert((event.node, !event.comes), at: instant.advanced(by: length))
        }
        let session = try #require(plan.session.mean) / .seconds(1)
        let expected = Double(arrivals) / 3600 * session
        #expect(abs((upSeconds[0] + upSeconds[1]) / 3600 / expected - 1) < 0.02)
        #expect(abs(upSeconds[0] / upSeconds[1] - 1) < 0.02)
        #expect(abs(upSeconds[0] / 1800 / (Double(count) * schedule.upShare) - 1) < 0.02)
    }
}
