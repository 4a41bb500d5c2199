internal import Node
internal import Synchronization

/// Who waits for the answer to which command.
final class AnswerTable: Sendable {
    typealias Answer = Result<NodeAnswer, LoopError>

    private struct State: Sendable {
        var next: UInt64 = 0
        var waiting: [CommandID: CheckedContinuation<Answer, Never>] = [:]
        var isClosed = false
    }

    private let state = Mutex(State())

    func nextID() -> CommandID {
        state.withLock { state in
            state.next += 1
            return CommandID(rawValue: state.next)
        }
    }

    /// Keeps the continuation until its answer; resumes it at once when there will be none.
    func await(_ id: CommandID, _ continuation: CheckedContinuation<Answer, Never>) {
        let isKept = state.withLock { state in
            if !state.isClosed { state.waiting[id] = continuation }
            return !state.isClosed
        }
        if !isKept { continuation.resume(returning: .failure(.stopped)) }
    }

    /// The first answer counts; later ones, and those that nobody waits for, have no effect.
    func resolve(_ id: CommandID, _ answer: Answer) {
        let continuation = state.withLock { $0.waiting.removeValue(forKey: id) }
        continuation?.resume(returning: answer)
    }

    /// Tells everybody who still waits that there will be no answer.
    func close() {
        let waiting = state.withLock { state in
            defer { state.waiting = [:] }
            state.isClosed = true
            return state.waiting.values.map(\.self)
        }
        for continuation in waiting { continuation.resume(returning: .failure(.stopped)) }
    }
}
