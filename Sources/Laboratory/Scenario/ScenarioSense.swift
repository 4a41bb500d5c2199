internal import Simulator

/// Whether what a scenario asks for can happen at all.
///
/// A word that is read and then does nothing makes a run prove less than it says, so each is refused with what to do instead.
enum ScenarioSense {
    /// Whether a run would do everything that the scenario names.
    static func isSound(_ scenario: Scenario) -> Bool {
        complaint(ofChangesIn: scenario) == nil
            && scenario.faults.indices.allSatisfy { complaint(ofFault: $0, in: scenario) == nil }
            && scenario.adversaries.indices.allSatisfy { complaint(ofAdversary: $0, in: scenario) == nil }
    }

    /// What is wrong with the rate at which prices change; `nil` if nothing is.
    static func complaint(ofChangesIn scenario: Scenario) -> String? {
        guard let rate = scenario.workload.changesPerSecond else { return nil }
        let hostileCount = scenario.adversaries.reduce(0) { $0 + $1.quota.of(scenario.nodeCount) }
        let honestCount = max(0, scenario.nodeCount - hostileCount)
        let count = min(scenario.workload.providers.of(scenario.nodeCount), max(1, honestCount))
        let rest = Int(WorkloadPlan.changeRest / .seconds(1))
        guard count < rate * rest else { return nil }
        return
            "\(rate) changes a second need \(rate * rest) providers, for each may change a price every \(rest) s, and there are "
            + "\(count): have more, or say 'change-every: 20s'"
    }

    /// What is wrong with one of the faults; `nil` if nothing is.
    static func complaint(ofFault index: Int, in scenario: Scenario) -> String? {
        let planned = scenario.faults[index]
        let count = candidateCount(of: scenario)
        if case .count(let wanted)? = planned.fault.quota, wanted > count {
            return
                "'\(planned.fault.kind)' is to hit \(wanted) nodes, and there are \(count) that faults do not spare: "
                + "name fewer, or a share like 30%"
        }
        guard planned.fault.isUndoneForAll else { return nil }
        let rival = scenario.faults[..<index].first { earlier in
            // Touching counts as well: which of the two came first at that instant would depend on the order of the list.
            earlier.fault.kind == planned.fault.kind && earlier.at <= planned.end && planned.at <= earlier.end
        }
        return rival.map { rival in
            "'\(planned.fault.kind)' from \(Quantities.text(planned.at)) to \(Quantities.text(planned.end)) overlaps with the one from "
                + "\(Quantities.text(rival.at)) to \(Quantities.text(rival.end)), whose end would end both: "
                + "let one be over before the other begins"
        }
    }

    /// What is wrong with one of the roles; `nil` if nothing is.
    static func complaint(ofAdversary index: Int, in scenario: Scenario) -> String? {
        let plan = scenario.adversaries[index]
        let count = candidateCount(of: scenario)
        let dealt = scenario.adversaries[...index].reduce(0) { $0 + $1.quota.of(scenario.nodeCount) }
        if case .count = plan.quota, dealt > count {
            return "the roles up to here take \(dealt) nodes, and there are \(count) that may be hostile: deal fewer"
        }
        guard plan.role.works(at: scenario.fidelity) else {
            return
                "this role is about addresses or connections, which nobody looks at with 'fidelity: \(scenario.fidelity.rawValue)': take 'bytes'"
        }
        switch plan.role {
        case .censor, .squatter:
            guard scenario.workload.searches == nil else { return nil }
            return
                "this role hides offers from whoever searches, and nobody does: add 'searches: {every: 60s}' to the workload"
        case .poisoner, .hider, .flooder, .reflector, .crowder:
            guard scenario.discovery == nil else { return nil }
            return "this role attacks the hash table, which nodes have with 'discovery': add 'discovery: {seeds: 1}'"
        case .covert(let at):
            guard at >= scenario.measured else { return nil }
            return
                "it turns at \(Quantities.text(at)), when the \(Quantities.text(scenario.measured)) of measured time are over: "
                + "let it turn earlier, or measure longer"
        case .silent, .spammer, .forger, .equivocator, .replayer, .doubleBooker, .phantom: return nil
        }
    }

    /// How many nodes may be hit or be hostile: all but those that never leave, one at least.
    private static func candidateCount(of scenario: Scenario) -> Int {
        let stable = scenario.churn.map { $0.stable.of(scenario.nodeCount) } ?? 1
        return scenario.nodeCount - max(1, min(stable, scenario.nodeCount))
    }
}

extension PlannedFault {
    fileprivate var end: Duration { at + fault.length }
}

extension Fault {
    /// How many nodes it hits, if it names them.
    fileprivate var quota: Quota? {
        switch self {
        case .crash(let quota, _, _), .departure(let quota), .disconnect(let quota), .slowLinks(let quota, _, _),
            .clockStep(let quota, _), .diskFull(let quota, _), .pause(let quota, _):
            quota
        // Who arrives was not there before.
        case .partition, .onewayPartition, .swizzle, .flashCrowd, .corrupt: nil
        }
    }

    /// Whether its end mends what it broke, whoever else broke it too.
    fileprivate var isUndoneForAll: Bool {
        switch self {
        case .swizzle, .crash, .slowLinks, .diskFull, .pause, .corrupt: true
        case .partition, .onewayPartition, .departure, .flashCrowd, .disconnect, .clockStep: false
        }
    }
}
