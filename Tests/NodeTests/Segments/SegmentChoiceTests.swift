import Cryptography
import Identity
import Market
import Primitives
import TestSupport
import Testing

@testable import Node

@Suite struct `The choice of segments` {
    private static let weekMilliseconds = SegmentCustody.weekMilliseconds
    private static let here = Segment(marketClass: .amdConsumer, shard: 0)
    private static let there = Segment(marketClass: .nvidiaConsumer, shard: 2)

    private static func custody(_ number: Int) -> SegmentCustody {
        SegmentCustody(peer: `Address tables`.peer(number), profile: .first)
    }

    @Test func `custody follows from peer and week alone, and turns when it says`() {
        for number in 1...20 {
            let custody = Self.custody(number)
            let (segment, until) = custody.turn(at: TestNetwork.epochMilliseconds)
            #expect(custody.turn(at: until - 1) == (segment, until))
            #expect(custody.turn(at: until).until == until + Self.weekMilliseconds)
            #expect(until > TestNetwork.epochMilliseconds)
        }
    }

    @Test func `the segment of custody is left when its week ends`() {
        let custody = Self.custody(1)
        var choice = SegmentChoice(interest: [], custody: custody)
        let (segment, until) = custody.turn(at: TestNetwork.epochMilliseconds)
        #expect(choice.weigh(unixMilliseconds: until - 1, at: .zero) == [segment])
        #expect(choice.reason(for: segment) == .custody)
        #expect(choice.nextDeadline == Instant.zero.advanced(by: SegmentChoice.interval))
        #expect(choice.weigh(unixMilliseconds: until, at: .zero) == [custody.turn(at: until).segment])
    }

    /// 600 turns over 16 segments: 37.5 expected of each, six standard deviations are 36.
    @Test func `custody reaches every segment, and no segment much more than others`() {
        var counts: [Segment: Int] = [:]
        for number in 1...60 {
            for week in 0..<10 {
                let time = TestNetwork.epochMilliseconds + Int64(week) * Self.weekMilliseconds
                counts[Self.custody(number).turn(at: time).segment, default: 0] += 1
            }
        }
        #expect(counts.count == 16)
        #expect(counts.values.allSatisfy { (10...72).contains($0) })
    }

    @Test func `clocks that are out of their mind do no harm`() {
        for time in [Int64.min, -1, 0, .max] { _ = Self.custody(1).turn(at: time) }
    }

    @Test func `a node of the whole market chooses nothing`() {
        var choice = SegmentChoice(interest: nil, custody: Self.custody(1))
        choice.need([Self.here], at: .zero)
        #expect(!choice.isPartial)
        #expect(choice.weigh(unixMilliseconds: 0, at: .zero) == nil)
        #expect(choice.nextDeadline == nil)
    }

    @Test func `what is needed is followed for ten minutes beyond the need`() {
        var choice = SegmentChoice(interest: [Self.here], custody: nil)
        #expect(choice.weigh(unixMilliseconds: 0, at: .zero) == [Self.here])
        #expect(choice.nextDeadline == nil)
        choice.need([Self.there, Self.here], at: .zero)
        #expect(choice.weigh(unixMilliseconds: 0, at: .zero) == [Self.here, Self.there])
        #expect(choice.reason(for: Self.here) == .interest)
        #expect(choice.reason(for: Self.there) == .dealings)
        let last = Instant.zero.advanced(by: .seconds(599))
        #expect(choice.weigh(unixMilliseconds: 0, at: last) == [Self.here, Self.there])
        #expect(choice.nextDeadline == last.advanced(by: SegmentChoice.interval))
        #expect(choice.weigh(unixMilliseconds: 0, at: last.advanced(by: .seconds(1))) == [Self.here])
        #expect(choice.nextDeadline == nil)
    }

    @Test(arguments: [
        ("nvidia-consumer", 4), ("nvidia-consumer/3", 1), ("other", 1), ("other/0", 1), ("other/1", 0), ("nvidia", 0),
        ("nvidia-consumer/", 0), ("nvidia-consumer/03", 0), ("", 0), ("/", 0),
    ]) func `a text names a class, a segment, or nothing`(text: String, count: Int) {
        #expect(MarketProfile.first.segments(named: text).count == count)
    }
}
