import Glibc
import Swarm
import Testing

@testable import Sockets

@Suite struct `Local sockets without descriptors` {
    struct Outcome: Sendable {
        var turnCount = 0
        var acceptedWhileNone = false
        var acceptedAfter = false
    }

    @Test func `a listener for programs rests instead of spinning, and accepts when there are some again`() throws {
        let outcome = try #require(DescriptorTable.own { try Self.exhaust() }, "the thread failed")
        #expect(!outcome.acceptedWhileNone)
        #expect(outcome.turnCount < 100, "the loop spun")
        #expect(outcome.acceptedAfter)
    }

    private static func exhaust() throws -> Outcome {
        var limits = LocalLimits()
        limits.acceptPause = .milliseconds(40)
        let bench = LocalBench(limits: limits)
        _ = try #require(bench.sockets).listen(at: .path(bench.path))
        bench.perform(.connect(bench.client, .path(bench.path)))
        let taken = DescriptorTable.takeAll()

        var outcome = Outcome()
        let end = ContinuousClock.now.advanced(by: .milliseconds(200))
        bench.run {
            outcome.turnCount += 1
            return ContinuousClock.now > end
        }
        outcome.acceptedWhileNone = bench.inputs.contains(.accepted(bench.server))
        for descriptor in taken { close(descriptor) }
        bench.run { bench.inputs.contains(.accepted(bench.server)) }
        outcome.acceptedAfter = bench.inputs.contains(.accepted(bench.server))
        return outcome
    }
}
