internal import Primitives

// What the theories state, one method each.
extension Validation {
    /// Everybody passes a rumour on once, to F fixed others: `coverage_3`, `coverage_5`, `coverage_8` are the shares that hear it.
    func infectAndDie(seed: UInt64) -> [Metric] {
        [3, 5, 8].map { fanOut in
            var workload = CastWorkload(nodeCount: count("nodes"), seed: seed)
            workload.fanOut = fanOut
            workload.publicationCount = count("publications")
            return Metric("coverage_\(fanOut)", Bench.cast(workload)["coverage"] ?? 0)
        }
    }

    /// Lookups over filled tables that do not change, k = 16 and three requests at a time.
    func kadHops(seed: UInt64) -> [Metric] {
        let result = Bench.kad(KadWorkload(nodeCount: count("nodes"), seed: seed))
        return [
            Metric("hops_mean", result["hops_mean"] ?? 0),
            Metric("requests_per_lookup", result["requests_per_lookup"] ?? 0),
            Metric("closest_found", result["closest_found"] ?? 0),
            Metric("lookup_p50_milliseconds", result.latencyP50 / .milliseconds(1)),
            Metric("lookup_p99_milliseconds", result.latencyP99 / .milliseconds(1)),
        ]
    }

    /// Sessions of one distribution against its closed forms: each is a ratio that must be 1.
    func weibull(seed: UInt64) -> [Metric] {
        let (shape, scale) = (self["shape"], Duration.hours(self["scale-hours"]))
        let distribution = Distribution.weibull(shape: shape, scale: scale)
        let lengths = draws(of: distribution, seed: seed)
        let mean = lengths.reduce(0, +) / Double(lengths.count)
        let median = lengths.sorted()[lengths.count / 2]
        let halfLife = ElementaryFunctions.power(ElementaryFunctions.log(2), 1 / shape)
        let theory = (distribution.mean ?? .zero) / .seconds(1)
        return [
            Metric("mean_ratio", mean / theory),
            Metric("mean_seconds", mean),
            Metric("median_ratio", median / (scale / .seconds(1) * halfLife)),
            Metric("median_seconds", median),
        ]
    }

    /// Little's law over the churn model: the mean number of nodes up = arrivals per second × mean session.
    func little(seed: UInt64) -> [Metric] {
        var plan = ChurnPlan(
            session: .weibull(shape: self["shape"], scale: .hours(self["scale-hours"])),
            downtime: .exponential(mean: .hours(self["downtime-hours"]))
        )
        plan.stable = .count(0)
        let count = count("nodes")
        var churn = ChurnSchedule(plan: plan, nodeCount: count, streams: RandomStreams(seed: seed))
        let whole = self["hours"] * 3_600
        var (upSeconds, arrivals, sessions, sessionSeconds) = (0.0, 0.0, 0.0, 0.0)
        for node in 0..<count {
            var now = 0.0
            var isUp = false
            switch churn.presenceAtStart(of: node) {
            case .stable: preconditionFailure("nobody is stable here")
            case .up(let left):
                now = left / .seconds(1)
                upSeconds += min(now, whole)
            case .away(let left):
                now = left / .seconds(1)
                isUp = true
            }
            while now < whole {
                let length = (isUp ? churn.session(of: node) : churn.downtime(of: node)) / .seconds(1)
                if isUp {
                    arrivals += 1
                    sessions += 1
                    sessionSeconds += length
                    upSeconds += min(length, whole - now)
                }
                now += length
                isUp.toggle()
            }
        }
        let up = upSeconds / whole
        let mean = (plan.session.mean ?? .zero) / .seconds(1)
        return [
            Metric("up_ratio", up / (arrivals / whole * mean)),
            Metric("nodes_up", up),
            Metric("arrivals_per_second", arrivals / whole),
            Metric("session_mean_seconds", sessions > 0 ? sessionSeconds / sessions : 0),
        ]
    }

    /// How many of IPFS' sessions are shorter than eight hours and longer than a day.
    func ipfsSessions(seed: UInt64) -> [Metric] {
        let lengths = draws(of: .weibull(shape: 0.52, scale: .hours(1.94)), seed: seed)
        let count = Double(lengths.count)
        return [
            Metric("share_under_8h", Double(lengths.count { $0 < 8 * 3_600 }) / count),
            Metric("share_over_24h", Double(lengths.count { $0 > 24 * 3_600 }) / count),
        ]
    }

    /// Draws in seconds, from the stream that the churn of a run draws from.
    private func draws(of distribution: Distribution, seed: UInt64) -> [Double] {
        var random = RandomStreams(seed: seed).fast(.churn)
        return (0..<count("draws")).map { _ in distribution.draw(using: &random) / .seconds(1) }
    }
}

extension Duration {
    fileprivate static func hours(_ hours: Double) -> Duration { .nanoseconds(Int64(hours * 3.6e12)) }
}
