import Foundation
import Testing

/// What honest peers send, and thousands of inputs that are near it, for every fuzz target, in the ordinary build.
///
/// A failure is a trap, which ends the process: run again with `RIALTO_FUZZ_KEEP=<file>`, and the input that did it is left there.
/// `RIALTO_FUZZ_SEED=<number>` makes other neighbours, `RIALTO_FUZZ_COUNT=<factor>` more of them; `bootstrap/fuzz` looks further.
@Suite struct `Every decoder and machine` {
    private static let environment = ProcessInfo.processInfo.environment
    private static let seed = environment["RIALTO_FUZZ_SEED"].flatMap { UInt64($0) } ?? 1
    private static let factor = environment["RIALTO_FUZZ_COUNT"].flatMap { Int($0) } ?? 1

    @Test(arguments: FuzzTarget.allCases)
    func `returns from what honest peers send and from what is near it`(target: FuzzTarget) throws {
        let seeds = target.seeds
        try #require(!seeds.isEmpty && seeds.allSatisfy { !$0.isEmpty }, "\(target.rawValue) has no valid input")
        for input in seeds { try Self.run(target, input) }
        var mutation = Mutation(seed: Self.seed)
        for _ in 0..<target.neighbourCount * Self.factor { try Self.run(target, mutation.next(of: seeds)) }
    }

    private static func run(_ target: FuzzTarget, _ input: [UInt8]) throws {
        if let path = environment["RIALTO_FUZZ_KEEP"] { try Data(input).write(to: URL(filePath: path)) }
        target.run(input)
    }

    @Test func `gets the same neighbours from the same seed, and others from another`() {
        let inputs: [[UInt8]] = [[1, 2, 3], Array(repeating: 7, count: 40), []]
        func neighbours(_ seed: UInt64) -> [[UInt8]] {
            var mutation = Mutation(seed: seed)
            return (0..<200).map { _ in mutation.next(of: inputs) }
        }
        #expect(neighbours(5) == neighbours(5))
        #expect(neighbours(5) != neighbours(6))
        #expect(Set(neighbours(5)).count > 150)
    }
}

extension FuzzTarget {
    /// How many neighbours a test run tries: what a whole node reads takes a thousand times as long as what a decoder reads.
    fileprivate var neighbourCount: Int {
        switch self {
        case .connection, .session, .streams: 60
        case .noiseInitiator, .noiseResponder, .noiseTransport, .yamux, .reconciliation: 500
        default: 2_000
        }
    }
}
