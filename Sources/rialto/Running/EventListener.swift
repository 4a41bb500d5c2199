internal import Node
internal import Synchronization

/// One listener that misses nothing; until there is one, nobody listens.
final class EventListener: Sendable {
    /// A closure must not stand in the lock as it is.
    ///
    /// For a generic type it is wrapped, and every access wraps what is there once more. After some ten thousand events the call through all wrappers overflowed the stack.
    private struct Body: Sendable {
        let call: @Sendable (NodeEvent) -> Void
    }

    private let body = Mutex(Body { _ in })

    func set(_ call: @escaping @Sendable (NodeEvent) -> Void) { body.withLock { $0 = Body(call: call) } }

    func tell(_ event: NodeEvent) { body.withLock { $0 }.call(event) }
}
