internal import Cryptography
internal import Foundation
internal import Identity
internal import LocalAPI
internal import Market
internal import Node
internal import Synchronization

/// Calls the provider's programs when a lease begins and when it ends, with its opened terms on standard input.
///
/// The loop only notes what happened; everything else is done elsewhere. What concerns one lease is done in its order; leases do not
/// wait for each other. A lease that is still running, or ended within two hours, is said again after a restart: a hook must not mind being called twice.
final class LeaseHooks: Sendable {
    /// Calls that wait or run; more are left out, and the log says so.
    static let pendingCountMax = 256
    /// What ends a workload is left out last: a call for each lease that a node may hold.
    static let owedCountMax = 16_384

    private struct State {
        /// The last call of each lease.
        var tails: [LeaseID: (number: UInt64, task: Task<Void, Never>)] = [:]
        var count = 0
        var nextNumber: UInt64 = 0
    }

    let policy: @Sendable () -> ProviderPolicy
    let answer: @Sendable (NodeCommand) async -> Void
    let log: NodeLog
    private let home: String
    private let state = Mutex(State())

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

    /// Returns when every call that was begun is over.
    func finish() async {
        while let task = state.withLock({ $0.tails.values.first?.task }) { await task.value }
    }

    private func call(_ arguments: [String], _ event: String, _ lease: LeaseSummary, isOwed: Bool) {
        guard !arguments.isEmpty else { return }
        let timeout = Duration.seconds(policy().hookSeconds)
        let isTaken = enqueue(lease.lease, isOwed: isOwed) { [self] in
            await run(arguments, event, lease, timeout: timeout)
        }
        if !isTaken {
            log.warn("hook", code: "hook_left_out", "\(event) of \(lease.lease): too many hooks run already")
        }
    }

    /// Does something after everything that was begun for the lease; `false` if too much waits.
    func enqueue(_ lease: LeaseID, isOwed: Bool = false, _ body: @escaping @Sendable () async -> Void) -> Bool {
        let isFull = state.withLock { state in
            guard state.count < (isOwed ? Self.owedCountMax : Self.pendingCountMax) else { return true }
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

    private func run(_ arguments: [String], _ event: String, _ lease: LeaseSummary, timeout: Duration) async {
        let result = await HookProcess.run(
            arguments,
            input: JSONFormat.encode(LeaseHookView(event, lease)),
            environment: environment(event, lease),
            timeout: timeout
        )
        let what = "\(event) of \(lease.lease): \(arguments[0])"
        guard let result else { return log.warn("hook", code: "hook_not_started", "\(what) could not be started") }
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
