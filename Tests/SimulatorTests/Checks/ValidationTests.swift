import Testing

@testable import Simulator

@Suite struct `A validation` {
    static func metrics(_ name: String, _ parameters: [(name: String, value: Double)]) throws -> [String: Double] {
        let metrics = try Validation(name, parameters: parameters).metrics(seed: 1)
        return Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0.value) })
    }

    @Test func `knows its computations and their parameters`() {
        #expect(
            Validation.names == [
                "infect-and-die", "kad-hops", "weibull", "little", "ipfs-sessions", "trust-sybils",
                "trust-whitewashing", "trust-slander", "trust-self-dealing",
            ]
        )
        #expect(throws: ValidationProblem.unknownComputation("gossip")) { try Validation("gossip") }
        #expect(throws: ValidationProblem.unknownParameter("size")) {
            try Validation("weibull", parameters: [("size", 1)])
        }
        #expect(throws: ValidationProblem.outOfBounds("draws", 1_000...100_000_000)) {
            try Validation("weibull", parameters: [("draws", 1)])
        }
        #expect(Validation.parameterNames(of: "kad-hops") == ["nodes"])
    }

    @Test func `a rumour that is passed on once spreads as epidemics do`() throws {
        let found = try Self.metrics("infect-and-die", [("nodes", 1_000), ("publications", 20)])
        #expect(abs((found["coverage_3"] ?? 0) - 0.9405) < 0.01)
        #expect(abs((found["coverage_8"] ?? 0) - 0.9997) < 0.002)
    }

    @Test func `sessions have the mean, the median and the tails that they should`() throws {
        let weibull = try Self.metrics("weibull", [("draws", 50_000)])
        #expect(abs((weibull["mean_ratio"] ?? 0) - 1) < 0.05)
        #expect(abs((weibull["median_ratio"] ?? 0) - 1) < 0.05)
        let sessions = try Self.metrics("ipfs-sessions", [("draws", 50_000)])
        #expect(abs((sessions["share_under_8h"] ?? 0) - 0.876) < 0.01)
        #expect(abs((sessions["share_over_24h"] ?? 0) - 0.025) < 0.01)
    }

    @Test func `Little's law holds from the first second`() throws {
        let found = try Self.metrics("little", [("nodes", 500), ("hours", 100)])
        #expect(abs((found["up_ratio"] ?? 0) - 1) < 0.05)
    }
}
