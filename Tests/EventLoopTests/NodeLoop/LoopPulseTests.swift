import Node
import Primitives
import Testing

@testable import EventLoop

@Suite(.timeLimit(.minutes(1))) struct `The pulse of a loop` {
    @Test func `shows that the loop turns while nothing happens, and that it no longer does`() async throws {
        let node = LiveNode(41)
        node.loop.start()
        _ = try await node.first { event -> Bool? in
            if case .ready(let knowsPeers) = event { knowsPeers } else { nil }
        }
        let first = node.loop.statistics.turnedAt
        while node.loop.statistics.turnedAt == first { try await Task.sleep(for: .milliseconds(5)) }
        #expect(first.duration(to: node.loop.statistics.turnedAt) > .milliseconds(100), "it is a timer, not traffic")
        #expect(node.loop.sinceLastTurn < .seconds(30))
        node.loop.requestStop()
        await node.loop.waitUntilStopped()
        let last = node.loop.statistics.turnedAt
        let before = node.loop.sinceLastTurn
        while node.loop.sinceLastTurn == before { await Task.yield() }
        #expect(node.loop.statistics.turnedAt == last && node.loop.sinceLastTurn > before)
    }
}
