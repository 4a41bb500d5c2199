import Foundation
import Glibc
import Primitives
import Swarm
import Synchronization
import Testing

@testable import Sockets

@Suite struct `Without descriptors` {
    struct Outcome: Sendable {
        var turnCount = 0
        var acceptedWhileNone = 0
        var acceptedAfter = 0
        var failure: TransportFailure?
    }

    private final class Outcomes: Sendable {
        let outcome = Mutex<Outcome?>(nil)
    }

    @Test func `a listener rests instead of spinning, and accepts when there are some again`() throws {
        let (found, ended) = (Outcomes(), DispatchSemaphore(value: 0))
        let thread = Thread {
            let outcome = try? Self.exhaust()
            found.outcome.withLock { $0 = outcome }
            ended.signal()
        }
        thread.start()
        #expect(ended.wait(timeout: .now() + 20) == .success)
        let outcome = try #require(found.outcome.withLock { $0 }, "the thread got no table of its own")
        #expect(outcome.acceptedWhileNone == 0)
        #expect(outcome.turnCount < 100, "the loop spun")
        #expect(outcome.failure == .tooManyDescriptors)
        #expect(outcome.acceptedAfter == 1)
    }

    /// On a thread with a table of descriptors of its own, so that other tests keep theirs.
    private static func exhaust() throws -> Outcome {
        try leaveSharedTable()
        var limits = TCPLimits()
        limits.acceptPause = .milliseconds(40)
        let bench = SocketBench()
        let (server, endpoint) = try bench.listener(at: IPAddress(127, 0, 0, 1), limits: limits)
        let client = bench.station()
        client.perform(.dial(.dial(1), endpoint))
        var taken: [Int32] = []
        while case let descriptor = dup(0), descriptor >= 0 { taken.append(descriptor) }

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

    /// `unshare(CLONE_FILES)`, which the system's Swift module does not show.
    private static func leaveSharedTable() throws {
        guard let symbol = unsafe dlsym(nil, "unshare") else { throw CancellationError() }
        let unshare = unsafe unsafeBitCast(symbol, to: (@convention(c) (Int32) -> Int32).self)
        let shareFiles: Int32 = 0x400
        try #require(unshare(shareFiles) == 0)
    }
}
