import Primitives
import Testing

@testable import Gossipsub

private func moment(_ seconds: Double) -> Instant { Instant.zero.advanced(by: .seconds(seconds)) }
private func named(_ text: String, _ topic: Topic = "t") -> MessageKey { MessageKey(id: id(text), topic: topic) }

extension MessageLog {
    /// Small bounds that tests can reach.
    fileprivate init(countMax: Int = 10, cachedCountMax: Int = 4) {
        self.init(
            limits: Limits(
                timeToLive: .seconds(300),
                countMax: countMax,
                windowCount: 5,
                gossipWindowCount: 2,
                cachedCountMax: cachedCountMax,
                cachedByteCountMax: 100
            )
        )
    }
}

@Suite struct `Judged messages` {
    @Test func `are known for their time and not longer`() {
        var log = MessageLog()
        log.insert(named("a"), .accepted, at: .zero)
        log.expire(at: moment(299.9))
        #expect(log.contains(named("a")))
        log.expire(at: moment(300))
        #expect(!log.contains(named("a")) && log.count == 0)
    }

    @Test func `are bounded; the oldest is forgotten first`() {
        var log = MessageLog(countMax: 3)
        for name in ["a", "b", "c", "d"] { log.insert(named(name), .ignored, at: .zero) }
        log.checkInvariants()
        #expect(log.count == 3 && !log.contains(named("a")) && log.contains(named("d")))
    }

    @Test func `are counted apart in two topics`() {
        var log = MessageLog()
        log.insert(named("a", "wrong"), .rejected, at: .zero)
        #expect(!log.contains(named("a", "right")))
    }

    @Test func `note each deliverer once, and a newcomer at a place anew`() {
        var (log, first) = (MessageLog(), PlaceSet())
        first.insert(1)
        log.insert(named("a"), .accepted, deliverers: first, at: .zero)
        var news: [Bool?] = []
        for place: PeerPlace in [1, 2, 2, 70, 70] { news.append(log.noteCopy(of: named("a"), from: place)?.isFirst) }
        #expect(news == [false, true, false, true, false])
        log.forget(2)
        #expect(log.noteCopy(of: named("a"), from: 2)?.isFirst == true)
        #expect(log.noteCopy(of: named("b"), from: 1) == nil)
    }

    @Test func `keep their verdict when all else is forgotten`() {
        var log = MessageLog()
        log.insert(named("good"), .accepted, at: .zero)
        log.insert(named("bad"), .rejected, at: .zero)
        for _ in 0..<5 { log.shift() }
        log.checkInvariants()
        #expect(log.noteCopy(of: named("bad"), from: 1)?.verdict == .rejected)
        let copy = log.noteCopy(of: named("good"), from: 1)
        #expect(copy?.verdict == .accepted && copy?.isFirst == false)
    }

    /// Against a plain dictionary, through growth, expiry and the bound.
    @Test(arguments: 1...4) func `are found exactly while they are known`(seed: Int) {
        var (draw, log) = (random(seed), MessageLog(countMax: 300))
        var model: [(name: String, at: Double)] = []
        for step in 0..<4_000 {
            let (now, name) = (Double(step) / 4, "\(draw.below(600))")
            log.expire(at: moment(now))
            model.removeAll { $0.at + 300 <= now }
            #expect(log.contains(named(name)) == model.contains { $0.name == name })
            if !model.contains(where: { $0.name == name }) {
                if model.count == 300 { model.removeFirst() }
                model.append((name, now))
            }
            log.insert(named(name), .ignored, at: moment(now))
            if step % 16 == 0 { log.shift() }
            if step % 64 == 0 { log.checkInvariants() }
        }
        #expect(log.count == model.count && model.allSatisfy { log.contains(named($0.name)) })
    }
}

@Suite struct `Messages of the last heartbeats` {
    private var log = MessageLog()
    private var draws = random(1)

    /// Eight bytes as a field of an RPC.
    private func message(_ byte: UInt8, _ topic: Topic = "t") -> WireMessage { WireMessage(data: [byte], topic: topic) }

    private mutating func insert(_ name: String, _ message: WireMessage) {
        log.insert(named(name, message.topic), .accepted, message, at: .zero)
    }

    private mutating func asked(_ name: String, _ topics: [Topic] = ["t"], by place: PeerPlace = 1) -> WireMessage? {
        log.transmission(of: id(name), to: place, rank: topics.firstIndex(of:))?.message
    }

    @Test mutating func `are gossiped about for two and kept for five`() {
        insert("a", message(1))
        #expect(gossip("t", to: 1) == [id("a")] && log.hasGossip)
        log.shift()
        #expect(gossip("t", to: 2) == [id("a")] && gossip("u", to: 2).isEmpty)
        log.shift()
        #expect(gossip("t", to: 3).isEmpty && !log.hasGossip)
        for _ in 0..<2 { log.shift() }
        #expect(asked("a") == message(1))
        log.shift()
        #expect(asked("a") == nil && log.cachedCount == 0 && log.cachedByteCount == 0)
    }

    private mutating func gossip(_ topic: Topic, to place: PeerPlace, countMax: Int = 10) -> Set<MessageID> {
        Set(log.takeIDs(of: topic, for: place, countMax: countMax, using: &draws))
    }

    @Test mutating func `are named once to each peer, and not to whoever brought them`() {
        for name in ["a", "b", "c"] { insert(name, message(1)) }
        #expect(log.noteCopy(of: named("b", "t"), from: 1)?.isFirst == true)
        #expect(gossip("t", to: 1) == [id("a"), id("c")] && gossip("t", to: 1).isEmpty)
        insert("d", message(1))
        #expect(gossip("t", to: 1) == [id("d")])
        #expect(gossip("t", to: 2).count == 4)
        log.forget(2)
        #expect(gossip("t", to: 2).count == 4, "another peer has the place now")
    }

    @Test mutating func `are not named to whoever named them`() {
        for name in ["a", "b"] { insert(name, message(1)) }
        #expect(log.noteHolder(of: named("a", "t"), at: 1) && !log.noteHolder(of: named("unknown", "t"), at: 1))
        #expect(gossip("t", to: 1) == [id("b")] && gossip("t", to: 2) == [id("a"), id("b")])
        #expect(log.noteCopy(of: named("a", "t"), from: 1)?.isFirst == true, "naming is not bringing")
    }

    @Test mutating func `of this heartbeat are named alone to whoever is told in each`() {
        insert("a", message(1))
        log.shift()
        insert("b", message(1))
        let fresh = log.takeIDs(of: "t", for: 1, ofThisHeartbeat: true, countMax: 10, using: &draws)
        #expect(fresh == [id("b")] && gossip("t", to: 1) == [id("a")])
    }

    @Test mutating func `are named later when they are too many at a time`() {
        for name in ["a", "b", "c"] { insert(name, message(1)) }
        let first = gossip("t", to: 1, countMax: 2)
        let second = gossip("t", to: 1, countMax: 2)
        #expect(first.count == 2 && second.count == 1 && first.union(second).count == 3)
    }

    @Test mutating func `count their transmissions by peer`() {
        insert("a", message(1))
        var counts: [Int?] = []
        for place: PeerPlace in [1, 1, 1, 2] {
            counts.append(log.transmission(of: id("a"), to: place) { $0 == "t" ? 0 : nil }?.count)
        }
        #expect(counts == [1, 2, 3, 1])
    }

    @Test mutating func `are served under the first topic that has them`() {
        insert("a", message(1, "t"))
        insert("a", message(2, "u"))
        #expect(asked("a", ["u", "t"]) == message(2, "u"))
        #expect(asked("a", ["v", "t"]) == message(1, "t"))
    }

    @Test mutating func `cost a look only where the id is known, however many topics there are`() {
        insert("a", message(1, "t"))
        insert("a", message(2, "u"))
        insert("b", message(3, "t"))
        var looks: [Topic] = []
        for name in ["a", "b", "c"] {
            _ = log.transmission(of: id(name), to: 1) { topic in
                looks.append(topic)
                return nil
            }
        }
        #expect(looks.sorted { $0.text < $1.text } == ["t", "t", "u"])
        // The older of two that rank alike, whatever a hash table says.
        #expect(log.transmission(of: id("a"), to: 1) { _ in 0 }?.message == message(1, "t"))
        // The count pushes the first one out.
        for name in ["d", "e"] { insert(name, message(4, "t")) }
        log.checkInvariants()
        #expect(log.transmission(of: id("a"), to: 1) { _ in 0 }?.message == message(2, "u"))
    }

    @Test mutating func `are bounded by count and by bytes`() {
        for name in ["a", "b", "c", "d", "e"] { insert(name, message(1)) }
        log.checkInvariants()
        #expect(log.cachedCount == 4 && asked("a") == nil && log.contains(named("a")))
        insert("large", WireMessage(data: [UInt8](repeating: 0, count: 77), topic: "t"))
        log.checkInvariants()
        #expect(log.cachedCount == 3 && log.cachedByteCount == 100)
        insert("huge", WireMessage(data: [UInt8](repeating: 0, count: 94), topic: "t"))
        #expect(log.cachedCount == 3)
    }
}

@Suite struct `Message ids` {
    @Test(arguments: [0, 1, 7, 8, 20, 46, 48]) func `keep their bytes and their order`(count: Int) {
        var draw = random(count + 1)
        let texts = (0..<20).map { _ in draw.bytes(count) } + [[UInt8](repeating: 0, count: count)]
        for text in texts {
            #expect(MessageID(bytes: text).bytes == text && MessageID(bytes: text) == MessageID(bytes: Array(text)))
            for other in texts {
                #expect((MessageID(bytes: text) == MessageID(bytes: other)) == (text == other))
                let isBefore = text.lexicographicallyPrecedes(other)
                #expect((MessageID(bytes: text) < MessageID(bytes: other)) == isBefore)
            }
        }
    }

    @Test func `of other lengths differ`() {
        #expect(MessageID(bytes: [1]) != MessageID(bytes: [1, 0]))
        #expect(MessageID(bytes: [1]) < MessageID(bytes: [1, 0]))
    }
}
