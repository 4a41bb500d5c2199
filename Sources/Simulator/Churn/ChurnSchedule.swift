/// Who is up at the start, and how long everyone stays up and away.
///
/// The start is stationary: a node is up with the chance mean session ÷ (mean session + mean downtime), and what remains of its session or downtime
/// is drawn as at an arbitrary moment. Each node draws from its own stream, so that one more node changes nobody's times.
public struct ChurnSchedule: Sendable {
    public enum Presence: Hashable, Sendable {
        /// Never leaves but by a fault.
        case stable
        case up(for: Duration)
        case away(for: Duration)
    }

    /// Whether a node that returns is the one that left.
    public let keepsIdentity: Bool
    /// The share of the time that a node which is not stable is up.
    public let upShare: Double

    private let session: Distribution
    private let downtime: Distribution
    private let stableCount: Int
    private let streams: RandomStreams
    private var randoms: [SimulationRandom] = []

    /// Plans for so many nodes, of which the first few are stable.
    public init(plan: ChurnPlan, nodeCount: Int, streams: RandomStreams) {
        precondition(plan.session.isSound && plan.downtime.isSound, "the lengths of the churn plan cannot be drawn")
        (session, downtime, keepsIdentity) = (plan.session, plan.downtime, plan.keepsIdentity)
        stableCount = plan.stable.of(nodeCount)
        self.streams = streams
        upShare = Self.upShare(session: plan.session.mean, downtime: plan.downtime.mean)
        randoms.reserveCapacity(nodeCount)
        for _ in 0..<nodeCount { addNode() }
    }

    /// Takes in one node more, which is not stable.
    public mutating func addNode() {
        randoms.append(streams.fast(.churn, node: randoms.count))
    }

    public func isStable(_ node: Int) -> Bool { node < stableCount }

    /// How a node is at the start; asked once.
    public mutating func presenceAtStart(of node: Int) -> Presence {
        guard !isStable(node) else { return .stable }
        guard randoms[node].unit() < upShare else { return .away(for: downtime.drawResidual(using: &randoms[node])) }
        return .up(for: session.drawResidual(using: &randoms[node]))
    }

    /// How long the session lasts that begins now.
    public mutating func session(of node: Int) -> Duration {
        session.draw(using: &randoms[node])
    }

    /// How long the node stays away that leaves now.
    public mutating func downtime(of node: Int) -> Duration {
        downtime.draw(using: &randoms[node])
    }

    private static func upShare(session: Duration?, downtime: Duration?) -> Double {
        guard let session else { return 1 }
        guard let downtime else { return 0 }
        guard downtime > .zero else { return 1 }
        return session.inNanoseconds / (session + downtime).inNanoseconds
    }
}
