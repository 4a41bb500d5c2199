/// Who comes and goes.
public struct ChurnPlan: Hashable, Sendable {
    public var session: Distribution
    public var downtime: Distribution
    /// Whether a node that returns keeps its key and its store.
    public var keepsIdentity = true
    /// How many nodes never leave: the seeds, at least.
    public var stable = Quota.count(1)

    public init(session: Distribution, downtime: Distribution) {
        self.session = session
        self.downtime = downtime
    }
}

/// How long something lasts.
public enum Distribution: Hashable, Sendable {
    case constant(Duration)
    case uniform(Duration, Duration)
    case exponential(mean: Duration)
    case weibull(shape: Double, scale: Duration)
    /// Shifted (Lomax): density from zero; the mean is scale / (shape − 1) for a shape over 1.
    case pareto(shape: Double, scale: Duration)
    case lognormal(median: Duration, sigma: Double)
    /// Measured lengths, drawn with equal chance.
    case trace([Duration])
}
