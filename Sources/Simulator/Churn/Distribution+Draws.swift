internal import Primitives

extension Distribution {
    /// No draw is longer than this, thirty-one years, however heavy the tail.
    static let longest = Duration.seconds(1_000_000_000)

    /// Whether lengths can be drawn at all: bounds in order, nothing negative, shapes positive, a trace not empty.
    public var isSound: Bool {
        switch self {
        case .constant(let length): length >= .zero
        case .uniform(let low, let high): low >= .zero && low <= high
        case .exponential(let mean): mean > .zero
        case .weibull(let shape, let scale), .pareto(let shape, let scale):
            shape > 0 && shape.isFinite && scale > .zero
        case .lognormal(let median, let sigma): median > .zero && sigma >= 0 && sigma.isFinite
        case .trace(let lengths): !lengths.isEmpty && lengths.allSatisfy { $0 >= .zero }
        }
    }

    /// Draws a length; the distribution must be sound.
    public func draw(using random: inout SimulationRandom) -> Duration {
        switch self {
        case .constant(let length):
            length
        case .uniform(let low, let high):
            .nanoseconds(low.saturatedNanoseconds + Int64(random.below(Self.steps(from: low, to: high))))
        case .exponential(let mean):
            Self.length(mean, times: random.exponential())
        case .weibull(let shape, let scale):
            Self.length(scale, times: ElementaryFunctions.power(random.exponential(), 1 / shape))
        case .pareto(let shape, let scale):
            Self.length(scale, times: ElementaryFunctions.power(random.positiveUnit(), -1 / shape) - 1)
        case .lognormal(let median, let sigma):
            Self.length(median, times: ElementaryFunctions.exp(sigma * random.normal()))
        case .trace(let lengths):
            lengths[random.below(lengths.count)]
        }
    }

    /// Draws what is left, at an arbitrary moment, of the length that is running then.
    ///
    /// A moment falls into a long length more often than into a short one: with density x · f(x) / mean (length-biased), anywhere in it with
    /// equal chance. Whoever starts a network with fresh lengths instead sees too many departures in the first hour. Where the mean is infinite,
    /// there is no such moment; a fresh length is drawn.
    public func drawResidual(using random: inout SimulationRandom) -> Duration {
        switch self {
        case .exponential:
            // Without memory: what is left is distributed as the whole.
            draw(using: &random)
        case .pareto(let shape, let scale) where shape > 1:
            // What is left of a shifted Pareto of shape a is a shifted Pareto of shape a − 1.
            Distribution.pareto(shape: shape - 1, scale: scale).draw(using: &random)
        case .pareto:
            draw(using: &random)
        case .constant, .uniform, .weibull, .lognormal, .trace:
            Self.length(drawLengthBiased(using: &random), times: random.unit())
        }
    }

    /// Draws the whole of the length that is running at an arbitrary moment.
    private func drawLengthBiased(using random: inout SimulationRandom) -> Duration {
        switch self {
        case .constant(let length):
            return length
        case .uniform(let low, let high):
            // The distribution function is (x² − low²) / (high² − low²).
            let (a, b) = (low.inNanoseconds, high.inNanoseconds)
            return Self.length(.nanoseconds(1), times: (a * a + random.unit() * (b * b - a * a)).squareRoot())
        case .weibull(let shape, let scale):
            // (x / scale)^shape is gamma distributed with shape 1 + 1 / shape; unbiased it would be exponential.
            let gamma = random.gamma(shape: 1 + 1 / shape)
            return Self.length(scale, times: ElementaryFunctions.power(gamma, 1 / shape))
        case .lognormal(let median, let sigma):
            // Lognormal again, its median times e^(σ²).
            return Self.length(median, times: ElementaryFunctions.exp(sigma * (sigma + random.normal())))
        case .trace(let lengths):
            let total = lengths.reduce(0) { $0 + $1.inNanoseconds }
            var left = random.unit() * total
            for length in lengths {
                left -= length.inNanoseconds
                if left < 0 { return length }
            }
            return lengths[lengths.count - 1]
        case .exponential, .pareto:
            preconditionFailure("what is left of \(self) is drawn directly")
        }
    }

    /// The mean length; `nil` where it is infinite.
    public var mean: Duration? {
        switch self {
        case .constant(let length):
            length
        case .uniform(let low, let high):
            (low + high) / 2
        case .exponential(let mean):
            mean
        case .weibull(let shape, let scale):
            Self.length(scale, times: ElementaryFunctions.gamma(1 + 1 / shape))
        case .pareto(let shape, let scale):
            shape > 1 ? Self.length(scale, times: 1 / (shape - 1)) : nil
        case .lognormal(let median, let sigma):
            Self.length(median, times: ElementaryFunctions.exp(sigma * sigma / 2))
        case .trace(let lengths):
            Self.length(.nanoseconds(1), times: lengths.reduce(0) { $0 + $1.inNanoseconds } / Double(lengths.count))
        }
    }

    /// The length that is not exceeded with this chance, which lies between 0 and 1.
    public func quantile(_ chance: Double) -> Duration {
        precondition(chance > 0 && chance < 1, "no length has the chance \(chance)")
        let exceeded = 1 - chance
        switch self {
        case .constant(let length):
            return length
        case .uniform(let low, let high):
            return low + Self.length(high - low, times: chance)
        case .exponential(let mean):
            return Self.length(mean, times: -ElementaryFunctions.log(exceeded))
        case .weibull(let shape, let scale):
            let power = ElementaryFunctions.power(-ElementaryFunctions.log(exceeded), 1 / shape)
            return Self.length(scale, times: power)
        case .pareto(let shape, let scale):
            return Self.length(scale, times: ElementaryFunctions.power(exceeded, -1 / shape) - 1)
        case .lognormal(let median, let sigma):
            let normal = ElementaryFunctions.normalQuantile(chance)
            return Self.length(median, times: ElementaryFunctions.exp(sigma * normal))
        case .trace(let lengths):
            return lengths.sorted()[Int(Double(lengths.count) * chance)]
        }
    }

    /// How many whole nanoseconds lie between two lengths, both counted.
    private static func steps(from low: Duration, to high: Duration) -> Int {
        Int(clamping: (high - low).saturatedNanoseconds) + 1
    }

    private static func length(_ unit: Duration, times factor: Double) -> Duration {
        .nanoseconds(Int64(min(unit.inNanoseconds * factor, longest.inNanoseconds)))
    }
}

extension Duration {
    /// As a floating-point number: exact up to 104 days, to 53 bits beyond.
    var inNanoseconds: Double { Double(saturatedNanoseconds) }
}
