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
/// wait for each other. A lease that is still running is said again after a restart: a hook must not mind being called twice.
final class LeaseHooks: Sendable {
    /// Calls that wait or run; more are left out, and the log says so.
    static let pendingCountMax = 256

    private struct State {
        /// The last call of each lease.
        var tails: [LeaseID: (number: UInt64, task: Task<Void, Never>)] = [:]
        var count = 0
        var nextNumber: UInt64 = 0
    }

    private let policy: @Sendable () -> ProviderPolicy
    private let log: NodeLog
    private let home: String
    private let state = Mutex(State())

    init(home: String, log: NodeLog, policy: @escaping @Sendable () -> ProviderPolicy) {
        (self.home, self.log, self.policy) = (home, log, policy)
    }

    /// On the loop's thread: returns at once.
    func note(_ event: NodeEvent) {
        switch event {
        case .leaseStarted(let lease) where lease.isProvider: call(policy().leaseStarted, "lease_started", lease)
        case .leaseEnded(let lease) where lease.isProvider: call(policy().leaseEnded, "lease_ended", lease)
        default: break
        }
    }

    /// Returns when every call that was begun is over.
    func finish() async {
        while let task = state.withLock({ $0.tails.values.first?.task }) { await task.value }
    }

    private func call(_ arguments: [String], _ event: String, _ lease: LeaseSummary) {
        guard !arguments.isEmpty else { return }
        let timeout = Duration.seconds(policy().hookSeconds)
        let isFull = state.withLock { state in
            guard state.count < Self.pendingCountMax else { return true }
            state.count += 1
            state.nextNumber += 1
            let (number, before) = (state.nextNumber, state.tails[lease.lease]?.task)
            let task = Task { [self] in
                await before?.value
                await run(arguments, event, lease, timeout: timeout)
                done(lease.lease, number)
            }
            state.tails[lease.lease] = (number, task)
            return false
        }
        if isFull { log.warn("hook", code: "hook_left_out", "\(event) of \(lease.lease): too many hooks run already") }
    }

    private func done(_ lease: LeaseID, _ number: UInt64) {
        state.withLock { state in
            state.count -= 1
            if state.tails[lease]?.number == number { state.tails[lease] = nil }
        }
    }

    private func run(_ arguments: [String], _ event: String, _ lease: LeaseSummary, timeout: Duration) async {
        let inherited = ProcessInfo.processInfo.environment.filter {
            ["PATH", "HOME", "LANG", "TMPDIR"].contains($0.key)
        }
        let own = ["RIALTO_HOME": home, "RIALTO_EVENT": event, "RIALTO_LEASE": lease.lease.description]
        let result = await HookProcess.run(
            arguments,
            input: JSONFormat.encode(LeaseHookView(event, lease)),
            environment: inherited.merging(own) { $1 },
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

/// What a hook reads on standard input: one JSON object.
struct LeaseHookView: Encodable {
    let event: String
    let leaseID: String
    let provider: String
    let renter: String
    let offerID: String
    let machineID: String
    let slots: [Int]
    let startUnixMs: Int64
    let endUnixMs: Int64
    let unit: String
    /// For one GPU and one hour.
    let priceMicros: Int64
    /// Absent if the renter's box cannot be opened.
    let image: String?
    let command: [String]?
    let environment: [String]?
    let ports: [Int]?
    let accessKeys: [String]?
    /// Why it ended; absent while it runs.
    let code: Int?
    let reason: String?

    init(_ event: String, _ lease: LeaseSummary) {
        self.event = event
        leaseID = lease.lease.description
        provider = PeerID(publicKey: lease.body.provider).description
        renter = PeerID(publicKey: lease.body.renter).description
        (offerID, machineID) = (lease.body.offer.description, lease.body.machine.description)
        slots = lease.body.slots.map(\.number)
        (startUnixMs, endUnixMs) = (lease.body.startAt, lease.body.endAt)
        (unit, priceMicros) = (lease.body.price.unit, lease.body.price.gpuHourMicros)
        (image, command, environment) = (lease.terms?.image, lease.terms?.command, lease.terms?.environment)
        (ports, accessKeys) = (lease.terms?.ports, lease.terms?.accessKeys)
        (code, reason) = (lease.code?.rawValue, lease.code?.description)
    }
}
