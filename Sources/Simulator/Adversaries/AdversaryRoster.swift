internal import Primitives

/// Who of a scenario's nodes is hostile, and how.
public struct AdversaryRoster: Hashable, Sendable {
    private let roles: [Int: AdversaryRole]

    /// Deals the roles of the scenario, in its order, to nodes drawn from `candidates`; nobody has two.
    public init(scenario: Scenario, candidates: [Int], streams: RandomStreams) {
        var random = streams.fast(.adversary)
        var left = candidates
        random.shuffle(&left)
        var roles: [Int: AdversaryRole] = [:]
        for plan in scenario.adversaries {
            for _ in 0..<min(left.count, plan.quota.of(scenario.nodeCount)) {
                if let node = left.popLast() { roles[node] = plan.role }
            }
        }
        self.roles = roles
    }

    /// `nil`: honest.
    public func role(of node: Int) -> AdversaryRole? { roles[node] }

    public var count: Int { roles.count }
}
