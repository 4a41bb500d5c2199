internal import Cryptography
internal import Identity
internal import MulticastDNS
internal import Node
internal import Primitives
internal import Sockets
internal import Swarm

/// The loop's thread at work: turns what happens into inputs of the machine, and its outputs into deeds.
///
/// One input, then all its outputs, then the next input; what arises while outputs are done waits its turn. So the machine is
/// never entered twice, and every node sees the same order that a simulator would show it.
final class NodeDriver {
    /// How often the machine is told wall time (architecture, contract 4).
    private static let clockInterval = Duration.seconds(10)
    /// How often the loop shows that it turns: well below the two seconds after which it counts as stuck.
    private static let pulseInterval = Duration.milliseconds(500)

    private let loop = UVLoop()
    private var node: NodeMachine
    private let mailbox: Mailbox
    private let workers: SignatureWorkers
    private let store: StoreThread
    private let answer: (CommandID, NodeAnswer) -> Void
    private let observe: (NodeEvent) -> Void
    private let report: ((inout LoopStatistics) -> Void) -> Void
    /// Hears of every step; for recordings.
    private let record: ((Instant, NodeMachine.Input, [NodeMachine.Output]) -> Void)?

    private var clock = LoopClock()
    private var transport: TCPTransport?
    /// `nil` where the LAN is not searched.
    private var multicast: MulticastSockets?
    private var signal: LoopSignal?
    private var deadlineTimer: LoopTimer?
    private var clockTimer: LoopTimer?
    private var pulseTimer: LoopTimer?
    private var traffic = (received: UInt64(0), sent: UInt64(0))
    /// When the batches began whose verdicts are awaited; as many as the machine lets wait.
    private var verifying: [BatchID: Instant] = [:]
    /// When the timer fires; `nil` while it is not armed.
    private var timerDue: Instant?

    private var inputs: [NodeMachine.Input] = []
    private var outputs: [NodeMachine.Output] = []
    private var isStepping = false
    private var isStopped = false

    init(
        node: NodeMachine,
        mailbox: Mailbox,
        workers: SignatureWorkers,
        store: StoreThread,
        answer: @escaping (CommandID, NodeAnswer) -> Void,
        observe: @escaping (NodeEvent) -> Void,
        report: @escaping ((inout LoopStatistics) -> Void) -> Void,
        record: ((Instant, NodeMachine.Input, [NodeMachine.Output]) -> Void)? = nil
    ) {
        self.node = node
        (self.mailbox, self.workers, self.store) = (mailbox, workers, store)
        (self.answer, self.observe, self.report, self.record) = (answer, observe, report, record)
    }

    /// Returns when the node has stopped and all that it wanted written is written.
    func run() {
        let transport = TCPTransport(on: loop) { [unowned self] input in
            if case .received(_, let bytes) = input { traffic.received += UInt64(bytes.count) }
            // Before the node hears of them: what it sends then is to leave by the new ones.
            if case .interfaces = input { multicast?.update() }
            feed(.transport(input))
        }
        let signal = LoopSignal(on: loop) { [unowned self] in takeMail() }
        let clockTimer = LoopTimer(on: loop) { [unowned self] in tellTime() }
        (self.transport, self.signal, self.clockTimer) = (transport, signal, clockTimer)
        deadlineTimer = LoopTimer(on: loop) { [unowned self] in deadlineReached() }
        clockTimer.arm(after: Self.clockInterval, every: Self.clockInterval)
        pulseTimer = LoopTimer(on: loop) { [unowned self] in pulse() }
        pulseTimer?.arm(after: Self.pulseInterval, every: Self.pulseInterval)
        pulse()
        // Without it (another program may keep the port for itself) the LAN is not searched, and nothing else fails.
        if node.usesMulticastDNS { multicast = makeMulticast() }

        // The transport learns this machine's own addresses before the node dials, and tells them after it has begun.
        inputs = [.started]
        isStepping = true
        transport.start()
        isStepping = false
        step()
        mailbox.open(signal.sender)
        loop.run()
        loop.close()
        workers.close()
        store.close()
        mailbox.close()
    }

    private func makeMulticast() -> MulticastSockets {
        MulticastSockets(groups: MulticastDNSMachine.groups, port: MulticastDNSMachine.port, on: loop) {
            [unowned self] bytes, source in feed(.multicast(bytes, from: source))
        }
    }

    private func feed(_ input: NodeMachine.Input) {
        guard !isStopped else { return }
        inputs.append(input)
        if !isStepping { step() }
    }

    /// Handles the inputs that wait and those that come of it, then arms the timer.
    private func step() {
        guard !isStopped, !inputs.isEmpty else { return }
        isStepping = true
        let now = clock.now()
        let unixMilliseconds = LoopClock.unixMilliseconds()
        if clock.hasStepped(unixMilliseconds, at: now) { inputs.insert(toldTime(unixMilliseconds, at: now), at: 0) }
        var count = 0
        while count < inputs.count, !isStopped {
            node.handle(inputs[count], at: now, into: &outputs)
            record?(now, inputs[count], outputs)
            count += 1
            var done = outputs
            outputs = []
            for output in done where !isStopped { perform(output) }
            done.removeAll(keepingCapacity: true)
            outputs = done
        }
        inputs.removeAll(keepingCapacity: inputs.count < 1024)
        isStepping = false
        let duration = now.duration(to: clock.now())
        let connectionCount = transport?.connectionCount ?? 0
        report { statistics in
            statistics.inputCount += count
            statistics.stepCount += 1
            statistics.longestStep = max(statistics.longestStep, duration)
            statistics.connectionCount = connectionCount
            (statistics.receivedByteCount, statistics.sentByteCount) = traffic
        }
        if !isStopped { armDeadline(at: now) }
    }

    private func perform(_ output: NodeMachine.Output) {
        switch output {
        case .transport(let output):
            if case .send(_, let bytes) = output { traffic.sent += UInt64(bytes.count) }
            transport?.perform(output)
        case .swarm, .rpc:
            preconditionFailure("the node keeps its connections itself")
        case .verify(let id, let checks):
            report { $0.signatureCheckCount += checks.count }
            verifying[id] = clock.now()
            workers.verify(id, checks)
        case .persist(let ticket, let changes):
            report { $0.ticketCount += 1 }
            store.persist(ticket, changes)
        case .multicast(let bytes): multicast?.send(bytes)
        case .answer(let id, let answer):
            self.answer(id, answer)
        case .event(let event):
            observe(event)
        case .stopped:
            stop()
        }
    }

    // MARK: What wakes the loop

    private func takeMail() {
        // As one step: what many threads sent is handled with one reading of the clocks.
        guard !isStopped else { return }
        for message in mailbox.takeAll() {
            switch message {
            case .command(let id, let command):
                report { $0.commandCount += 1 }
                inputs.append(.command(id, command))
            case .verified(let id, let verdicts):
                if let begin = verifying.removeValue(forKey: id) {
                    let duration = begin.duration(to: clock.now())
                    report { $0.verifications.count(duration) }
                }
                inputs.append(.verified(id, verdicts))
            case .committed(let tickets, nil):
                inputs += tickets.map { .persisted($0) }
            case .committed(let tickets, let failure?):
                report { $0.failedTicketCount += tickets.count }
                inputs += tickets.map { .persistFailed($0, failure) }
            case .stop:
                // Commands of others begin at one: nobody waits for this answer.
                inputs.append(.command(CommandID(rawValue: 0), .shutdown))
            }
        }
        step()
    }

    private func pulse() {
        let now = clock.now()
        report { $0.turnedAt = now }
    }

    private func tellTime() {
        let now = clock.now()
        feed(toldTime(LoopClock.unixMilliseconds(), at: now))
    }

    private func toldTime(_ unixMilliseconds: Int64, at now: Instant) -> NodeMachine.Input {
        clock.tell(unixMilliseconds, at: now)
        return .clock(unixMilliseconds: unixMilliseconds)
    }

    private func deadlineReached() {
        timerDue = nil
        let now = clock.now()
        // The timer may be early: it is left alone when the deadline moves away, and libuv counts whole milliseconds.
        guard let deadline = node.nextDeadline, deadline <= now else { return armDeadline(at: now) }
        feed(.deadlineReached)
    }

    /// Makes sure that the timer fires no later than the deadline.
    ///
    /// A timer that is due sooner is not touched: if every step moved it, a busy loop could push it away for ever. At least a
    /// millisecond, so that a deadline that is always due cannot keep the sockets from their turn.
    private func armDeadline(at now: Instant) {
        guard let deadline = node.nextDeadline else { return }
        let delay = max(now.duration(to: deadline), .milliseconds(1))
        let due = now.advanced(by: delay)
        if let timerDue, timerDue <= due { return }
        timerDue = due
        deadlineTimer?.arm(after: delay)
    }

    /// Closes everything that libuv holds; the loop returns at the end of this turn.
    private func stop() {
        isStopped = true
        transport?.shutDown()
        multicast?.close()
        signal?.close()
        deadlineTimer?.close()
        clockTimer?.close()
        pulseTimer?.close()
        loop.stop()
    }
}
