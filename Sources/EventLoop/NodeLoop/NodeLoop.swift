public import Node
public import Primitives
internal import Sockets
internal import Synchronization

/// Why a command got no answer.
public enum LoopError: Error, Hashable, Sendable {
    /// Too many commands wait for the loop.
    case busy
    /// The node has stopped.
    case stopped
    /// The task that asked was cancelled; the command may have been carried out all the same.
    case cancelled
}

/// Runs one node on real sockets, clocks and disks: a thread that owns the machine, threads that check signatures, one that writes.
///
/// Nobody but the loop's thread touches the machine. Everybody else sends commands and gets values.
public final class NodeLoop: Sendable {
    private struct State: Sendable {
        var node: NodeMachine?
        var hasStarted = false
        var hasStopped = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>
    private let statisticsCell = Mutex(LoopStatistics())
    private let mailbox = Mailbox()
    private let answers = AnswerTable()
    private let commit: @Sendable ([StoreChange]) -> Result<Void, StoreFailure>
    private let observe: @Sendable (NodeEvent) -> Void
    private let workerCount: Int
    private let record: (@Sendable (Instant, NodeMachine.Input, [NodeMachine.Output]) -> Void)?

    /// Prepares a loop for a node that has not begun.
    ///
    /// `commit` is called on the store's thread and may block. `observe` is called on the loop's thread and must not. Signatures are
    /// checked on `workerCount` threads: by default one fewer than there are processors, and at least one. `record` is given every
    /// step on the loop's thread, before its outputs are done.
    public init(
        node: NodeMachine,
        workerCount: Int? = nil,
        commit: @escaping @Sendable ([StoreChange]) -> Result<Void, StoreFailure>,
        observe: @escaping @Sendable (NodeEvent) -> Void,
        record: (@Sendable (Instant, NodeMachine.Input, [NodeMachine.Output]) -> Void)? = nil
    ) {
        state = Mutex(State(node: node))
        (self.commit, self.observe, self.record) = (commit, observe, record)
        self.workerCount = max(1, workerCount ?? ProcessorCount.online - 1)
    }

    /// Starts the threads and with them the node; once.
    public func start() {
        let node = state.withLock { state in
            precondition(!state.hasStarted, "started twice")
            state.hasStarted = true
            defer { state.node = nil }
            return state.node
        }
        guard let node else { preconditionFailure("the node is kept until the start") }
        startThread(named: "node") { [self] in
            run(node)
        }
    }

    /// Asks the node for something and waits for what it says.
    public func send(_ command: NodeCommand) async throws(LoopError) -> NodeAnswer {
        let id = answers.nextID()
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                answers.await(id, continuation)
                if Task.isCancelled { return answers.resolve(id, .failure(.cancelled)) }
                if !mailbox.post(id, command) { answers.resolve(id, .failure(mailbox.isClosed ? .stopped : .busy)) }
            }
        } onCancel: {
            answers.resolve(id, .failure(.cancelled))
        }
        return try answer.get()
    }

    /// Begins the orderly end and returns at once; asking again has no effect.
    public func requestStop() {
        mailbox.post(.stop)
    }

    /// Returns when the node has stopped, everything is written and every socket is closed.
    public func waitUntilStopped() async {
        await withCheckedContinuation { continuation in
            let hasStopped = state.withLock { state in
                if !state.hasStopped { state.waiting.append(continuation) }
                return state.hasStopped
            }
            if hasStopped { continuation.resume() }
        }
    }

    public var hasStopped: Bool { state.withLock { $0.hasStopped } }

    public var statistics: LoopStatistics { statisticsCell.withLock { $0 } }

    /// How long ago the loop last proved that it turns; it does so twice a second while it lives.
    public var sinceLastTurn: Duration {
        var clock = LoopClock()
        return statistics.turnedAt.duration(to: clock.now())
    }

    /// The loop's thread, from its first instruction to its last.
    private func run(_ node: NodeMachine) {
        let driver = NodeDriver(
            node: node,
            mailbox: mailbox,
            workers: SignatureWorkers(workerCount: workerCount) { [mailbox] in mailbox.post(.verified($0, $1)) },
            store: StoreThread(commit: commit) { [mailbox] in mailbox.post(.committed($0, $1)) },
            answer: { [answers] in answers.resolve($0, .success($1)) },
            observe: observe,
            report: { [self] change in statisticsCell.withLock { change(&$0) } },
            record: record
        )
        driver.run()
        answers.close()
        let waiting = state.withLock { state in
            state.hasStopped = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }
}
