internal import Cryptography
internal import Gossipsub
internal import Glibc
package import Identity
internal import Primitives
package import Sockets
package import Swarm

/// The daemon's thread: turns what happens at sockets into inputs of the machine, and its outputs into deeds.
///
/// One input, then all its outputs, then the next input; what arises while outputs are done waits its turn.
package final class DaemonDriver {
    /// How often the machine is told wall time.
    private static let clockInterval = Duration.seconds(10)
    /// How many signatures a turn of the loop checks: a quarter of a millisecond, then sockets are read and written again.
    private static let checksPerTurnMax = 4

    private let loop = UVLoop()
    private var machine: DaemonMachine
    private var clock = LoopClock()
    private var transport: TCPTransport?
    private var local: LocalSockets?
    private var deadlineTimer: LoopTimer?
    private var clockTimer: LoopTimer?
    private var signals: [LoopProcessSignal] = []
    private var hook: TurnHook?
    /// Signatures that are still to be checked; the router bounds them.
    private var unverified: [(id: ValidationID, check: SignatureCheck)] = []
    /// When the timer fires; `nil` while it is not armed.
    private var timerDue: Instant?

    private var inputs: [DaemonMachine.Input] = []
    private var isStepping = false
    private var isStopped = false
    /// Where the host could not listen.
    package private(set) var listenFailures: [(endpoint: String, failure: TransportFailure)] = []

    package init(_ machine: DaemonMachine) {
        PacketMemory.keep()
        self.machine = machine
    }

    package var peer: PeerID { machine.peer }

    /// Where the host can be reached, without its peer id.
    package var listenAddresses: [Multiaddr] { machine.listenAddresses }

    /// Listens, for peers and for programs; gives the control address as it was bound.
    package func start(control: LocalAddress) throws(TransportFailure) -> LocalAddress {
        let local = LocalSockets(on: loop) { [unowned self] in feed(.local($0)) }
        let bound = try local.listen(at: control)
        let transport = TCPTransport(on: loop) { [unowned self] in feed(.transport($0)) }
        let clockTimer = LoopTimer(on: loop) { [unowned self] in tellTime() }
        (self.local, self.transport, self.clockTimer) = (local, transport, clockTimer)
        deadlineTimer = LoopTimer(on: loop) { [unowned self] in deadlineReached() }
        clockTimer.arm(after: Self.clockInterval, every: Self.clockInterval)
        inputs = [.clock(unixMilliseconds: LoopClock.unixMilliseconds()), .started]
        isStepping = true
        // The machine hears of this machine's addresses behind its start.
        transport.start()
        isStepping = false
        step()
        hook = TurnHook(on: loop) { [unowned self] in verify() }
        return bound
    }

    /// Returns after SIGTERM, when everything is closed; SIGINT is ignored, as other daemons do.
    package func run() {
        _ = signal(SIGINT, SIG_IGN)
        signals = [LoopProcessSignal(SIGTERM, on: loop) { [unowned self] in feed(.shutdown) }]
        loop.run()
        loop.close()
    }

    // MARK: Steps

    private func feed(_ input: DaemonMachine.Input) {
        guard !isStopped else { return }
        inputs.append(input)
        if !isStepping { step() }
    }

    private func step() {
        isStepping = true
        let now = clock.now()
        var count = 0
        var outputs: [DaemonMachine.Output] = []
        while count < inputs.count, !isStopped {
            machine.handle(inputs[count], at: now, into: &outputs)
            count += 1
            for output in outputs where !isStopped { perform(output) }
            outputs.removeAll(keepingCapacity: true)
        }
        inputs.removeAll(keepingCapacity: inputs.count < 1024)
        isStepping = false
        if !isStopped { armDeadline(at: now) }
    }

    private func perform(_ output: DaemonMachine.Output) {
        switch output {
        case .transport(let output): transport?.perform(output)
        case .local(let output): local?.perform(output)
        case .verify(let id, let check): unverified.append((id, check))
        case .listening: break
        case .listenFailed(let endpoint, let failure): listenFailures.append(("\(endpoint)", failure))
        case .stopped: stop()
        }
    }

    /// Checks a few of the signatures that wait, once every socket has been read.
    ///
    /// A check takes longer than all else that a message costs. Whoever brought a copy before it need not get one, and what goes to
    /// one peer leaves in one piece; but nobody waits until all of many are checked.
    private func verify() {
        guard !unverified.isEmpty, !isStopped else { return }
        let checks = unverified.prefix(Self.checksPerTurnMax)
        unverified.removeFirst(checks.count)
        feed(.verified(checks.map { ($0.id, $0.check.holds) }))
        hook?.setUrgent(!unverified.isEmpty)
    }

    private func tellTime() {
        feed(.clock(unixMilliseconds: LoopClock.unixMilliseconds()))
    }

    private func deadlineReached() {
        timerDue = nil
        let now = clock.now()
        guard let deadline = machine.nextDeadline, deadline <= now else { return armDeadline(at: now) }
        feed(.deadlineReached)
    }

    /// Makes sure that the timer fires no later than the deadline, and no sooner than in a millisecond.
    private func armDeadline(at now: Instant) {
        guard let deadline = machine.nextDeadline else { return }
        let delay = max(now.duration(to: deadline), .milliseconds(1))
        let due = now.advanced(by: delay)
        if let timerDue, timerDue <= due { return }
        timerDue = due
        deadlineTimer?.arm(after: delay)
    }

    private func stop() {
        isStopped = true
        hook?.close()
        local?.shutDown()
        transport?.shutDown()
        deadlineTimer?.close()
        clockTimer?.close()
        for signal in signals { signal.close() }
        loop.stop()
    }
}
