internal import Node
internal import Sockets
internal import Synchronization

/// What other threads have for the loop.
///
/// Any thread posts, the loop takes all at once.
final class Mailbox: Sendable {
    /// Commands that wait for the loop; a caller that finds the box full is told so at once.
    static let commandCountMax = 1024

    enum Message: Sendable {
        case command(CommandID, NodeCommand)
        case verified(BatchID, [Bool])
        /// Tickets that became durable together, or did not.
        case committed([Ticket], StoreFailure?)
        case stop
    }

    private struct State: Sendable {
        var messages: [Message] = []
        var commandCount = 0
        var signal: LoopSignal.Sender?
        var isClosed = false
    }

    private let state = Mutex(State())

    /// Posts what the loop itself asked for; its number is bounded by what was asked.
    func post(_ message: Message) {
        state.withLock { state in
            guard !state.isClosed else { return }
            state.messages.append(message)
            if state.messages.count == 1 { state.signal?.send() }
        }
    }

    /// `false` if too many commands wait, or if nobody will ever take this one.
    func post(_ id: CommandID, _ command: NodeCommand) -> Bool {
        state.withLock { state in
            guard !state.isClosed, state.commandCount < Self.commandCountMax else { return false }
            state.commandCount += 1
            state.messages.append(.command(id, command))
            if state.messages.count == 1 { state.signal?.send() }
            return true
        }
    }

    /// Whoever posts from now on wakes the loop; so does what was posted before.
    func open(_ signal: LoopSignal.Sender) {
        state.withLock { state in
            state.signal = signal
            if !state.messages.isEmpty { signal.send() }
        }
    }

    /// Everything that waits, in the order of its arrival.
    func takeAll() -> [Message] {
        state.withLock { state in
            defer { (state.messages, state.commandCount) = ([], 0) }
            return state.messages
        }
    }

    var isClosed: Bool { state.withLock { $0.isClosed } }

    /// What comes from now on is dropped.
    func close() {
        state.withLock { $0 = State(isClosed: true) }
    }
}
