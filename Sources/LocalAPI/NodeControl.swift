public import Node
internal import Synchronization

/// What the API needs of a node: somebody who answers commands and tells events.
///
/// The running node is one; tests bring another that needs no socket.
public protocol NodeControl: Sendable {
    func send(_ command: NodeCommand) async throws -> NodeAnswer
    /// What happens from now on; each caller has a stream of its own.
    func events() -> AsyncStream<NodeEvent>
}

/// Hands each event of a node to everybody who listens.
///
/// A listener that falls behind loses its oldest events instead of holding up the node.
public final class EventHub: Sendable {
    /// Enough for the busiest second of a market of a hundred thousand rows, whose changes come in groups.
    public static let bufferedCountMax = 1_024

    private struct State: Sendable {
        var nextID: UInt64 = 0
        var listeners: [UInt64: AsyncStream<NodeEvent>.Continuation] = [:]
    }

    private let state = Mutex(State())

    public init() {}

    public func tell(_ event: NodeEvent) {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.yield(event) }
    }

    public func events() -> AsyncStream<NodeEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: NodeEvent.self,
            bufferingPolicy: .bufferingNewest(Self.bufferedCountMax)
        )
        let id = state.withLock { state in
            state.nextID += 1
            state.listeners[state.nextID] = continuation
            return state.nextID
        }
        continuation.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: id) }
        }
        return stream
    }

    /// Nothing follows: every stream ends.
    public func finish() {
        for listener in state.withLock({ Array($0.listeners.values) }) { listener.finish() }
    }
}
