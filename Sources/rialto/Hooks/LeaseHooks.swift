internal import Cryptography
internal import Foundation
internal import Glibc
internal import Identity
internal import Inventory
internal import LocalAPI
internal import Market
internal import Node
internal import Synchronization

/// Calls the provider's programs when a lease begins and when it ends, with its opened terms on standard input.
///
/// The loop only notes what happened; everything else is done elsewhere. What concerns one lease is done in its order; leases wait for
/// each other only where more programs than the machine should carry would run at once. A lease that is still running, or ended within two hours, is said again after a restart: a hook must not mind being called twice.
final class LeaseHooks: Sendable {
    /// Calls that wait or run, one for each lease that a node may hold; more are left out, and the log says so.
    static let pendingCountMax = 16_384
    /// Programs that run at once.
    static let runningCountMax = 32
    /// A program that the machine has no room for is tried again, with pauses from one second to a minute: for some five minutes.
    static let attemptCountMax = 10

    private struct State {
        /// The last call of each lease.
        var tails: [LeaseID: (number: UInt64, task: Task<Void, Never>)] = [:]
        var count = 0
        var nextNumber: UInt64 = 0
        /// The node stops: what has not begun is left for its next start.
        var isFinishing = false
    }

    let policy: @Sendable () -> ProviderPolicy
    let answer: @Sendable (NodeCommand) async -> Void
    let log: NodeLog
    private let home: String
    private let state = Mutex(State())
    private let places = HookPlaces(count: runningCountMax)

    /// `answer` takes to the node what came of a settlement.
    init(
        home: String,
        log: NodeLog,
        policy: @escaping @Sendable () -> ProviderPolicy,
        answer: @escaping @Sendable (NodeCommand) async -> Void
    ) {
        (self.home, self.log, self.policy, self.answer) = (home, log, policy, answer)
    }

    /// On the loop's thread: returns at once.
    func note(_ event: NodeEvent) {
        switch event {
        case .leaseStarted(let lease) where lease.isProvider:
            call(policy().leaseStarted, "lease_started", lease, isOwed: false)
        case .leaseEnded(let lease) where lease.isProvider:
            call(policy().leaseEnded, "lease_ended", lease, isOwed: true)
        case .settlementDue(let order): settle(order)
        default: break
        }
    }

    /// Returns when every program that runs is over; what waits is said again after a restart.
    func finish() async {
        state.withLock { $0.isFinishing = true }
        while let task = state.withLock({ $0.tails.values.first?.task }) { await task.value }
    }

    private func call(_ arguments: [String], _ event: String, _ lease: LeaseSummary, isOwed: Bool) {
        guard !arguments.isEmpty else { return }
        let timeout = Duration.seconds(policy().hookSeconds)
        let isTaken = enqueue(lease.lease) { [self] in
            await run(arguments, event, lease, isOwed: isOwed, timeout: timeout)
        }
        if !isTaken {
            log.warn("hook", code: "hook_left_out", "\(event) of \(lease.lease): too many hooks wait already")
        }
    }

    /// Does something after everything that was begun for the lease; `false` if too much waits.
    func enqueue(_ lease: LeaseID, _ body: @escaping @Sendable () async -> Void) -> Bool {
        let isFull = state.withLock { state in
            guard state.count < Self.pendingCountMax else { return true }
            state.count += 1
            state.nextNumber += 1
            let (number, before) = (state.nextNumber, state.tails[lease]?.task)
            let task = Task { [self] in
                await before?.value
                await body()
                done(lease, number)
            }
            state.tails[lease] = (number, task)
            return false
        }
        return !isFull
    }

    private func done(_ lease: LeaseID, _ number: UInt64) {
        state.withLock { state in
            state.count -= 1
            if state.tails[lease]?.number == number { state.tails[lease] = nil }
        }
    }

    /// What every program of a lease finds in its environment, and nothing else of ours.
    func environment(_ event: String, _ lease: LeaseSummary) -> [String: String] {
        let inherited = ProcessInfo.processInfo.environment.filter {
            ["PATH", "HOME", "LANG", "TMPDIR"].contains($0.key)
        }
        let own = ["RIALTO_HOME": home, "RIALTO_EVENT": event, "RIALTO_LEASE": lease.lease.description]
        return inherited.merging(own) { $1 }
    }

    /// Runs a program once there is a place; what ends a workload comes first.
    func runProgram(
        _ arguments: [String],
        input: [UInt8],
        environment: [String: String],
        isOwed: Bool = false,
        timeout: Duration
    ) async throws(SpawnedProgram.Failure) -> HookProcess.Result {
        await places.enter(isOwed: isOwed)
        do throws(SpawnedProgram.Failure) {
            guard !isFinishing else { throw SpawnedProgram.Failure(code: ECANCELED) }
            let result = try await HookProcess.run(arguments, input: input, environment: environment, timeout: timeout)
            await places.leave()
            return result
        } catch {
            await places.leave()
            throw error
        }
    }

    private func run(
        _ arguments: [String],
        _ event: String,
        _ lease: LeaseSummary,
        isOwed: Bool,
        timeout: Duration
    ) async {
        let what = "\(event) of \(lease.lease): \(arguments[0])"
        var pause = Duration.seconds(1)
        for attempt in 1...Self.attemptCountMax {
            do {
                let result = try await runProgram(
                    arguments,
                    input: JSONFormat.encode(LeaseHookView(event, lease)),
                    environment: environment(event, lease),
                    isOwed: isOwed,
                    timeout: timeout
                )
                return report(result, what, timeout: timeout)
            } catch {
                log.warn("hook", code: "hook_not_started", "\(what) \(error)")
                guard error.isTemporary, attempt < Self.attemptCountMax else { return }
                await rest(for: pause)
                pause = min(pause * 2, .seconds(60))
            }
        }
    }

    /// Waits, but not while the node stops.
    private func rest(for pause: Duration) async {
        let end = ContinuousClock.now + pause
        while ContinuousClock.now < end, !isFinishing { try? await Task.sleep(for: .milliseconds(200)) }
    }

    private var isFinishing: Bool { state.withLock(\.isFinishing) }

    private func report(_ result: HookProcess.Result, _ what: String, timeout: Duration) {
        let complaint = result.complaint.isEmpty ? "" : ": \(Table.harmless(result.complaint))"
        if result.timedOut {
            log.warn(
                "hook",
                code: "hook_timed_out",
                "\(what) took longer than \(timeout.components.seconds) s\(complaint)"
            )
        } else if result.exitCode == 0 {
            log.write(LogLine(.info, "hook", code: "hook_ended", "\(what) ended with 0\(complaint)"))
        } else {
            let code = result.exitCode.map { "ended with \($0)" } ?? "was ended by a signal"
            log.warn("hook", code: "hook_failed", "\(what) \(code)\(complaint)")
        }
    }
}
