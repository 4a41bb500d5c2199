/// Two exact workloads on which any simulator can be timed, and on which every correct one shows the same numbers.
///
/// They use the scheduler, the virtual network, the random streams and the trace hash of every other run, and the lookup of the Kademlia machine.
public enum Bench {
    /// The one-way delay of every message, drawn anew for each.
    static var network: NetworkPlan {
        var plan = NetworkPlan()
        plan.latency = .uniform(.milliseconds(20), .milliseconds(100))
        plan.jitter = .zero
        return plan
    }

    static let median = Share(percent: 50)
    static let ninetyNinth = Share(percent: 99)
}
