import Primitives
import Testing

@testable import Simulator

@Suite struct `Simulation random` {
    /// The reference implementation's first outputs from the state 1, 2, 3, 4 (as in the tests of the Rust crate rand_xoshiro).
    @Test func `draws what the reference draws`() {
        var random = SimulationRandom(1, 2, 3, 4)
        let expected: [UInt64] = [
            11520, 0, 1_509_978_240, 1_215_971_899_390_074_240, 1_216_172_134_540_287_360, 607_988_272_756_665_600,
            16_172_922_978_634_559_625, 8_476_171_486_693_032_832, 10_595_114_339_597_558_777,
            2_904_607_092_377_533_576,
        ]
        #expect(expected.map { _ in random.next() } == expected)
    }

    /// The outputs of the authors' splitmix64.c from the seed 1234567.
    @Test func `spreads its seed by SplitMix64`() {
        var spread = SplitMix64(state: 1_234_567)
        let expected: [UInt64] = [
            6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
            4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
        ]
        #expect(expected.map { _ in spread.next() } == expected)
    }

    @Test func `draws every number below a bound equally often`() {
        var random = SimulationRandom(seed: 9)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<70_000 { counts[random.below(7)] += 1 }
        // Six standard deviations of a binomial of 70,000 with p = 1/7 are 556.
        #expect(counts.allSatisfy { abs($0 - 10_000) < 556 })
    }

    @Test func `draws units on their own side of zero and one`() {
        var random = SimulationRandom(seed: 10)
        for _ in 0..<10_000 {
            #expect((0..<1).contains(random.unit()))
            let positive = random.positiveUnit()
            #expect(positive > 0 && positive <= 1)
        }
    }
}

@Suite struct `Random streams` {
    let streams = RandomStreams(seed: 17)

    @Test func `differ by purpose, node and seed`() {
        var draws: Set<UInt64> = []
        for purpose in StreamPurpose.allCases {
            for node in -1..<10 {
                var (fast, slow) = (streams.fast(purpose, node: node), streams.stream(purpose, node: node))
                draws.insert(fast.next())
                draws.insert(slow.next())
            }
        }
        var other = RandomStreams(seed: 18).fast(.machine, node: 0)
        draws.insert(other.next())
        #expect(draws.count == StreamPurpose.allCases.count * 11 * 2 + 1)
    }

    @Test func `repeat themselves`() {
        var (first, second) = (streams.fast(.network, node: 3), streams.fast(.network, node: 3))
        #expect((0..<100).allSatisfy { _ in first.next() == second.next() })
    }

    /// A change of these numbers makes every recorded seed worthless.
    @Test func `keep their numbers between versions`() {
        var fast = streams.fast(.network, node: 3)
        var slow = streams.stream(.machine, node: 3)
        #expect(fast.next() == 6_998_767_302_101_616_214)
        #expect(slow.next() == 13_984_094_032_093_407_889)
    }
}

@Suite struct `Trace hash` {
    @Test func `tells the order of events`() {
        var (left, right) = (TraceHash(seed: 1), TraceHash(seed: 1))
        left.mix(1)
        left.mix(2)
        right.mix(2)
        right.mix(1)
        #expect(left.value != right.value)
    }

    @Test func `never forgets one changed word`() {
        var random = SimulationRandom(seed: 2)
        var (left, right) = (TraceHash(seed: 1), TraceHash(seed: 1))
        left.mix(0)
        right.mix(1)
        for _ in 0..<10_000 {
            let word = random.next()
            left.mix(word)
            right.mix(word)
            #expect(left.value != right.value)
        }
    }

    @Test func `takes byte strings with their length`() {
        func hash(_ parts: [[UInt8]]) -> UInt64 {
            var trace = TraceHash(seed: 0)
            for part in parts { trace.mix(part) }
            return trace.value
        }
        #expect(hash([[0]]) != hash([[0, 0]]))
        #expect(hash([[1], [2]]) != hash([[1, 2]]))
        #expect(hash([Array(0..<8)]) != hash([Array(0..<9)]))
    }
}
