/// Why a validation cannot be computed as it was written.
public enum ValidationProblem: Error, Hashable, Sendable {
    case unknownComputation(String)
    case unknownParameter(String)
    /// The parameter lies outside what the computation can do.
    case outOfBounds(String, ClosedRange<Double>)
}

/// Something that a theory or a paper states, computed by the parts of the simulator that every run uses.
///
/// A value without behaviour: its figures are a pure function of it and the seed. What a whole network of nodes must show is a scenario
/// with expectations instead.
public struct Validation: Hashable, Sendable {
    enum Computation: String, Hashable, Sendable, CaseIterable {
        case infectAndDie = "infect-and-die"
        case kadHops = "kad-hops"
        case weibull
        case little
        case ipfsSessions = "ipfs-sessions"
        case trustSybils = "trust-sybils"
        case trustWhitewashing = "trust-whitewashing"
        case trustSlander = "trust-slander"
        case trustSelfDealing = "trust-self-dealing"
    }

    struct Parameter: Hashable, Sendable {
        let name: String
        let standard: Double
        let bounds: ClosedRange<Double>
    }

    /// What can be computed.
    public static let names = Computation.allCases.map(\.rawValue)

    let computation: Computation
    private let values: [Double]

    /// Parameters that are left out have their standard value.
    public init(_ name: String, parameters: [(name: String, value: Double)] = []) throws(ValidationProblem) {
        guard let computation = Computation(rawValue: name) else { throw .unknownComputation(name) }
        let known = computation.parameters
        var values = known.map(\.standard)
        for (name, value) in parameters {
            guard let index = known.firstIndex(where: { $0.name == name }) else { throw .unknownParameter(name) }
            guard known[index].bounds.contains(value) else { throw .outOfBounds(name, known[index].bounds) }
            values[index] = value
        }
        (self.computation, self.values) = (computation, values)
    }

    /// What a computation can be told.
    public static func parameterNames(of name: String) -> [String] {
        Computation(rawValue: name)?.parameters.map(\.name) ?? []
    }

    /// The figures of one seed, by stable name.
    public func metrics(seed: UInt64) -> [Metric] {
        switch computation {
        case .infectAndDie: infectAndDie(seed: seed)
        case .kadHops: kadHops(seed: seed)
        case .weibull: weibull(seed: seed)
        case .little: little(seed: seed)
        case .ipfsSessions: ipfsSessions(seed: seed)
        case .trustSybils: trustSybils(seed: seed)
        case .trustWhitewashing: trustWhitewashing(seed: seed)
        case .trustSlander: trustSlander(seed: seed)
        case .trustSelfDealing: trustSelfDealing(seed: seed)
        }
    }

    subscript(name: String) -> Double {
        guard let index = computation.parameters.firstIndex(where: { $0.name == name }) else {
            preconditionFailure("\(computation) has no parameter \(name)")
        }
        return values[index]
    }

    func count(_ name: String) -> Int { Int(self[name]) }
}

extension Validation.Computation {
    var parameters: [Validation.Parameter] {
        switch self {
        case .infectAndDie:
            [
                Validation.Parameter(name: "nodes", standard: 10_000, bounds: 100...1_000_000),
                Validation.Parameter(name: "publications", standard: 20, bounds: 1...10_000),
            ]
        case .kadHops:
            [Validation.Parameter(name: "nodes", standard: 1_000, bounds: 100...1_000_000)]
        case .weibull:
            [
                Validation.Parameter(name: "shape", standard: 0.52, bounds: 0.1...10),
                Validation.Parameter(name: "scale-hours", standard: 1.94, bounds: 0.001...1_000),
                Validation.Parameter(name: "draws", standard: 1_000_000, bounds: 1_000...100_000_000),
            ]
        case .little:
            [
                Validation.Parameter(name: "nodes", standard: 2_000, bounds: 10...1_000_000),
                Validation.Parameter(name: "hours", standard: 48, bounds: 1...10_000),
                Validation.Parameter(name: "shape", standard: 0.52, bounds: 0.1...10),
                Validation.Parameter(name: "scale-hours", standard: 1.94, bounds: 0.001...1_000),
                Validation.Parameter(name: "downtime-hours", standard: 2, bounds: 0.001...1_000),
            ]
        case .ipfsSessions:
            [Validation.Parameter(name: "draws", standard: 1_000_000, bounds: 1_000...100_000_000)]
        case .trustSybils, .trustSlander, .trustSelfDealing:
            [
                Validation.Parameter(name: "peers", standard: 60, bounds: 10...100_000),
                Validation.Parameter(name: "identities", standard: 1_000, bounds: 2...1_000_000),
            ]
        case .trustWhitewashing:
            [Validation.Parameter(name: "peers", standard: 60, bounds: 10...100_000)]
        }
    }
}
