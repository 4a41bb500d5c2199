import Primitives
import Testing

@testable import Gossipsub

private func moment(_ seconds: Double) -> Instant { Instant.zero.advanced(by: .seconds(seconds)) }
private func named(_ text: String, _ topic: Topic = "t") -> MessageKey { MessageKey(id: id(text), topic: topic) }

@Suite struct `Seen cache` {
    @Test func `forgets after its time and not before`() {
        var cache = SeenCache(timeToLive: .seconds(300), countMax: 10)
        cache.insert(named("a"), .accepted, deliverers: [], at: .zero)
        cache.expire(at: moment(299.9))
        #expect(cache.contains(named("a")))
        cache.expire(at: moment(300))
        #expect(!cache.contains(named("a")) && cache.count == 0)
    }

    @Test func `is bounded and drops the oldest`() {
        var cache = SeenCache(timeToLive: .seconds(300), countMax: 3)
        for name in ["a", "b", "c", "d"] { cache.insert(named(name), .ignored, deliverers: [], at: .zero) }
        cache.checkInvariants()
        #expect(cache.count == 3 && !cache.contains(named("a")) && cache.contains(named("d")))
    }

    @Test func `counts the same id apart in two topics`() {
        var cache = SeenCache(timeToLive: .seconds(300), countMax: 3)
        cache.insert(named("a", "wrong"), .rejected, deliverers: [], at: .zero)
        #expect(!cache.contains(named("a", "right")))
    }

    @Test func `notes each deliverer once`() {
        var cache = SeenCache(timeToLive: .seconds(300), countMax: 3)
        cache.insert(named("a"), .accepted, deliverers: [peer(1)], at: .zero)
        let news = [1, 2, 2].map { cache.noteCopy(of: named("a"), from: peer($0))?.isFirst }
        #expect(news == [false, true, false])
        let unknown = cache.noteCopy(of: named("b"), from: peer(1))
        #expect(unknown == nil)
    }
}

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

@Suite struct `Message cache` {
    private var cache = MessageCache(windowCount: 5, gossipWindowCount: 2, countMax: 4, byteCountMax: 100)

    /// Eight bytes as a field of an RPC.
    private func message(_ byte: UInt8, _ topic: Topic = "t") -> WireMessage { WireMessage(data: [byte], topic: topic) }

    @Test mutating func `gossips two windows and keeps five`() {
        cache.insert(named("a"), message(1))
        #expect(cache.gossipIDs(of: "t") == [id("a")])
        cache.shift()
        #expect(cache.gossipIDs(of: "t") == [id("a")] && cache.gossipIDs(of: "u").isEmpty)
        cache.shift()
        #expect(cache.gossipIDs(of: "t").isEmpty)
        for _ in 0..<2 { cache.shift() }
        let kept = cache.transmission(of: id("a"), to: peer(1), preferring: { _ in true })
        #expect(kept?.message == message(1))
        cache.shift()
        let gone = cache.transmission(of: id("a"), to: peer(1), preferring: { _ in true })
        #expect(gone == nil)
        #expect(cache.count == 0 && cache.byteCount == 0)
    }

    @Test mutating func `counts transmissions by peer`() {
        cache.insert(named("a"), message(1))
        let counts = [1, 1, 1, 2].map {
            cache.transmission(of: id("a"), to: peer($0), preferring: { _ in true })?.count
        }
        #expect(counts == [1, 2, 3, 1])
    }

    @Test mutating func `prefers the topic that the peer follows`() {
        cache.insert(named("a", "t"), message(1, "t"))
        cache.insert(named("a", "u"), message(2, "u"))
        let found = cache.transmission(of: id("a"), to: peer(1), preferring: { $0 == "u" })
        #expect(found?.message == message(2, "u"))
    }

    @Test mutating func `is bounded by count and by bytes`() {
        for name in ["a", "b", "c", "d", "e"] { cache.insert(named(name), message(1)) }
        cache.checkInvariants()
        let oldest = cache.transmission(of: id("a"), to: peer(1), preferring: { _ in true })
        #expect(cache.count == 4 && oldest == nil)
        cache.insert(named("large"), WireMessage(data: [UInt8](repeating: 0, count: 77), topic: "t"))
        cache.checkInvariants()
        #expect(cache.count == 3 && cache.byteCount == 100)
        cache.insert(named("huge"), WireMessage(data: [UInt8](repeating: 0, count: 94), topic: "t"))
        #expect(cache.count == 3)
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
