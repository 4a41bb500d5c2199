import Primitives
import Testing

@testable import Gossipsub

private func moment(_ seconds: Double) -> Instant { Instant.zero.advanced(by: .seconds(seconds)) }
private func named(_ text: String, _ topic: Topic = "t") -> MessageKey { MessageKey(id: id(text), topic: topic) }

@Suite struct `Recent data` {
    @Test func `names equal bytes by one id, kept for a few heartbeats and within bounds`() {
        var recent = RecentData()
        let data: [UInt8] = [1, 2, 3]
        #expect(recent.id(of: data) == .hashing(data) && recent.id(of: Array(data)) == .hashing(data))
        #expect(recent.count == 1)
        for _ in 0..<RecentData.heartbeats { recent.grow() }
        #expect(recent.count == 1 && recent.id(of: data) == .hashing(data))
        for _ in 0..<2 * RecentData.heartbeats { recent.grow() }
        #expect(recent.count == 0)
        for number in 0..<5_000 {
            _ = recent.id(of: [UInt8(number & 255), UInt8(number >> 8)])
            recent.checkInvariants()
        }
        #expect(recent.count > RecentData.countMax)
        _ = recent.id(of: [UInt8](repeating: 0, count: RecentData.byteCountMax))
        #expect(recent.id(of: [0, 0]) == .hashing([0, 0]))
    }
}

@Suite struct `Backoff table` {
    private var backoffs = Backoffs(slack: .seconds(2), countMax: 3)

    @Test mutating func `hold a peer to the end and ourselves a little longer`() {
        backoffs.start("t", peer(1), for: .seconds(60), at: .zero)
        #expect(backoffs.holds("t", peer(1), at: moment(59.9)) && !backoffs.holds("t", peer(1), at: moment(60)))
        #expect(!backoffs.allowsOurGraft("t", peer(1), at: moment(61.9)))
        #expect(backoffs.allowsOurGraft("t", peer(1), at: moment(62)))
        #expect(backoffs.allowsOurGraft("t", peer(2), at: .zero) && backoffs.allowsOurGraft("u", peer(1), at: .zero))
    }

    @Test mutating func `are never shortened`() {
        backoffs.start("t", peer(1), for: .seconds(60), at: .zero)
        backoffs.start("t", peer(1), for: .seconds(10), at: moment(1))
        #expect(backoffs.entry("t", peer(1)) == Backoffs.Entry(since: moment(1), until: moment(60)))
    }

    @Test mutating func `are cleared after slack`() {
        backoffs.start("t", peer(1), for: .seconds(60), at: .zero)
        backoffs.clear(at: moment(61))
        #expect(backoffs.count == 1)
        backoffs.clear(at: moment(62))
        #expect(backoffs.count == 0)
    }

    @Test mutating func `are bounded; the one that ends first gives way`() {
        for number in 1...3 { backoffs.start("t", peer(number), for: .seconds(100 - number), at: .zero) }
        backoffs.start("t", peer(4), for: .seconds(60), at: .zero)
        #expect(backoffs.count == 3 && backoffs.entry("t", peer(3)) == nil && backoffs.entry("t", peer(1)) != nil)
    }

    @Test mutating func `that ended no link of ours give way to those that did, and become such when they do`() {
        backoffs.start("t", peer(1), for: .seconds(10), at: .zero)
        backoffs.start("t", peer(2), for: .seconds(20), endedLink: false, at: .zero)
        for number in 3...9 { backoffs.start("t", peer(number), for: .seconds(3600), endedLink: false, at: .zero) }
        #expect(backoffs.count == 3 && backoffs.entry("t", peer(1)) != nil && backoffs.entry("t", peer(2)) == nil)
        backoffs.start("t", peer(9), for: .seconds(1), at: .zero)
        #expect(
            backoffs.entry("t", peer(9)) == Backoffs.Entry(since: .zero, until: moment(3600), endedLink: true)
        )
    }

    @Test func `make room for a sixteenth at a time, so that a flood of PRUNEs costs no walk for each`() {
        var backoffs = Backoffs(slack: .seconds(2), countMax: 64)
        for number in 1...64 {
            backoffs.start("t", peer(number), for: .seconds(100 + number), endedLink: false, at: .zero)
        }
        backoffs.start("t", peer(65), for: .seconds(10), endedLink: false, at: .zero)
        #expect(backoffs.count == 61)
        #expect((1...65).filter { backoffs.entry("t", peer($0)) == nil } == [1, 2, 3, 4])
        // They become such of links, one after the other; a newer one of none finds no room any more.
        for number in 1...65 { backoffs.start("t", peer(number), for: .seconds(100 + number), at: .zero) }
        let count = backoffs.count
        for number in 66...200 { backoffs.start("t", peer(number), for: .seconds(3600), endedLink: false, at: .zero) }
        backoffs.checkInvariants(at: .zero, durationMax: .seconds(3600))
        #expect(backoffs.count == 64 && count == 61)
        #expect((5...64).allSatisfy { backoffs.entry("t", peer($0))?.endedLink == true })
    }

    @Test mutating func `saturate at the end of time`() {
        let late = Instant(nanoseconds: .max - 1_000_000_000)
        backoffs.start("t", peer(1), for: .seconds(3600), at: late)
        #expect(!backoffs.allowsOurGraft("t", peer(1), at: late))
        backoffs.clear(at: late)
        #expect(backoffs.count == 1)
    }
}

@Suite struct `Promise table` {
    private var promises = Promises()
    private var draw = random(3)

    @Test mutating func `break after their time, counted by peer`() {
        promises.add(peer(1), oneOf: [id("a"), id("b")], until: moment(3), random: &draw)
        promises.add(peer(1), oneOf: [id("c")], until: moment(3), random: &draw)
        promises.add(peer(2), oneOf: [id("c")], until: moment(4), random: &draw)
        let early = promises.takeBroken(at: moment(2.9))
        #expect(early.isEmpty)
        let broken = promises.takeBroken(at: moment(3))
        #expect(broken.map(\.peer) == [peer(1)] && broken.map(\.count) == [2])
        #expect(promises.count == 1)
        promises.checkInvariants()
    }

    @Test mutating func `are settled by a delivery from anyone`() {
        promises.add(peer(1), oneOf: [id("a")], until: moment(3), random: &draw)
        promises.add(peer(2), oneOf: [id("a")], until: moment(3), random: &draw)
        promises.settle(id("a"))
        let broken = promises.takeBroken(at: moment(9))
        #expect(promises.count == 0 && broken.isEmpty)
    }

    @Test mutating func `leave with their peer and are bounded`() {
        for number in 0..<Promises.countMax + 10 {
            promises.add(peer(1), oneOf: [id("\(number)")], until: moment(3), random: &draw)
        }
        #expect(promises.count == Promises.countMax)
        promises.forget(peer(1))
        #expect(promises.count == 0)
    }
}
