import Glibc
import Primitives
import Swarm
import Testing

@testable import Sockets

@Suite struct `Without descriptors` {
    struct Outcome: Sendable {
        var turnCount = 0
        var acceptedWhileNone = 0
        var acceptedAfter = 0
        var failure: TransportFailure?
    }

    @Test func `a listener rests instead of spinning, and accepts when there are some again`() throws {
        let outcome = try #require(DescriptorTable.own { try Self.exhaust() }, "the thread failed")
        #expect(outcome.acceptedWhileNone == 0)
        #expect(outcome.turnCount < 100, "the loop spun")
        #expect(outcome.failure == .tooManyDescriptors)
        #expect(outcome.acceptedAfter == 1)
    }

    private static func exhaust() throws -> Outcome {
        var limits = TCPLimits()
        limits.acceptPause = .milliseconds(40)
        let bench = SocketBench()
        let (server, endpoint) = try bench.listener(at: IPAddress(127, 0, 0, 1), limits: limits)
        let client = bench.station()
        client.perform(.dial(.dial(1), endpoint))
        let taken = DescriptorTable.takeAll()

        var outcome = Outcome()
        let end = ContinuousClock.now.advanced(by: .milliseconds(200))
        bench.run {
            outcome.turnCount += 1
            return ContinuousClock.now > end
        }
        outcome.acceptedWhileNone = server.accepted.count
        client.perform(.dial(.dial(2), endpoint))
        if case .dialFailed(_, let failure) = client.inputs.last { outcome.failure = failure }
        for descriptor in taken { close(descriptor) }
        bench.run { !server.accepted.isEmpty }
        outcome.acceptedAfter = server.accepted.count
        return outcome
    }
}
