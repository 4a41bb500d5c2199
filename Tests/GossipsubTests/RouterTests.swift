import Cryptography
import Identity
import Primitives
import Testing

@testable import Gossipsub

private let topic: Topic = "t"

@Suite struct `Router` {
    private var victim = Victim()

    @Test mutating func `the hello states all topics, a hundred an RPC`() {
        for number in 0..<250 { victim.feed(.subscribe(Topic(stringLiteral: "t\(number)"), TopicConfig())) }
        victim.connect([1])
        #expect(victim.sent(to: 1).map(\.subscriptions.count) == [100, 100, 50])
        #expect(Set(victim.sent(to: 1).flatMap(\.subscriptions).map(\.topic)).count == 250)
    }

    @Test mutating func `later subscriptions are announced as they happen`() {
        victim.connect([1])
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.feed(.unsubscribe(topic))
        #expect(
            victim.sent(to: 1).flatMap(\.subscriptions) == [
                Subscription(topic: topic, isSubscribed: true), Subscription(topic: topic, isSubscribed: false),
            ]
        )
    }

    @Test mutating func `joining grafts six peers and leaving prunes them for ten seconds`() {
        victim.connect(1...9, topics: [topic])
        victim.feed(.subscribe(topic, TopicConfig()))
        let mesh = victim.machine.mesh(of: topic)
        #expect(mesh.count == 6)
        for number in 1...9 {
            #expect(victim.sent(to: number).flatMap(\.control.graft) == (mesh.contains(peer(number)) ? [topic] : []))
        }
        victim.feed(.unsubscribe(topic))
        for number in 1...9 where mesh.contains(peer(number)) {
            #expect(victim.prunes(to: number) == [Prune(topic: topic, backoffSeconds: 10, peers: [])])
        }
        // Joining again honours the backoff of our own leaving.
        victim.feed(.subscribe(topic, TopicConfig()))
        #expect(Set(victim.machine.mesh(of: topic)).isDisjoint(with: mesh))
        #expect(victim.machine.mesh(of: topic).count == 3)
        victim.advance(by: .seconds(13))
        #expect(victim.machine.mesh(of: topic).count == 6)
    }

    @Test mutating func `the first heartbeat comes after 100 milliseconds, then one each second`() {
        victim.connect([1])
        #expect(victim.machine.nextDeadline == Instant.zero.advanced(by: .milliseconds(100)))
        victim.advance(by: .milliseconds(100))
        #expect(victim.machine.nextDeadline == Instant.zero.advanced(by: .milliseconds(1100)))
        victim.feed(.deadlineReached)
        #expect(victim.machine.heartbeatCount == 1)
    }

    @Test mutating func `a mesh without two outbound peers gets them`() {
        victim.connect(1...6, topics: [topic])
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(7...9, isOutbound: true, topics: [topic])
        victim.advance(by: .milliseconds(100))
        let outbound = victim.machine.mesh(of: topic).filter { [7, 8, 9].map(peer).contains($0) }
        #expect(outbound.count == 2)
    }

    @Test mutating func `a mesh worth little grafts two better peers a minute`() {
        victim.connect(1...6, topics: [topic])
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(7...9, topics: [topic])
        for number in 7...9 { victim.feed(.setApplicationScore(peer(number), 5)) }
        victim.advance(by: .milliseconds(58_200))
        #expect(victim.machine.mesh(of: topic).count == 6)
        victim.advance(by: .seconds(1))
        #expect(victim.machine.mesh(of: topic).count == 8)
    }

    @Test mutating func `messages go on to the mesh but not back`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...6, topics: [topic])
        victim.advance(by: .milliseconds(100))
        victim.hear(1, "hello", in: topic)
        #expect(victim.messages(to: 1).isEmpty)
        for number in 2...6 { #expect(victim.messages(to: number) == [Array("hello".utf8)]) }
        #expect(victim.judged.count == 1)
    }

    @Test mutating func `a copy that comes while the verdict is pending is not answered with a copy`() {
        var ids: [ValidationID] = []
        victim.verdict = { _ in nil }
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...3, topics: [topic])
        victim.advance(by: .milliseconds(100))
        victim.hear(1, "hello", in: topic)
        victim.hear(2, "hello", in: topic)
        for case .validate(let id, _) in victim.outputs { ids.append(id) }
        #expect(ids.count == 1)
        victim.feed(.validated(ids[0], .accept))
        #expect(victim.messages(to: 2).isEmpty && victim.messages(to: 3).count == 1)
        // A late or repeated verdict has no effect.
        victim.feed(.validated(ids[0], .reject))
        #expect(victim.score(1) >= 0)
    }

    @Test mutating func `floodsub peers get every message and no control`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...3, topics: [topic])
        victim.connect([4], protocolName: "/floodsub/1.0.0", topics: [topic])
        victim.advance(by: .seconds(3))
        victim.hear(1, "hello", in: topic)
        #expect(victim.messages(to: 4).count == 1)
        victim.advance(by: .seconds(3))
        #expect(victim.sent(to: 4).allSatisfy { $0.control.isEmpty })
    }

    @Test mutating func `an unknown protocol or a stranger has no effect`() {
        victim.feed(.peerConnected(peer(1), protocolName: "/other/1", isOutbound: true, address: address(1)))
        victim.hear(1, RPC(subscriptions: [Subscription(topic: topic, isSubscribed: true)]))
        victim.feed(.drained(peer(2)))
        victim.feed(.peerDisconnected(peer(2)))
        #expect(victim.outputs.isEmpty)
        victim.feed(.streamReady(peer(2)))
        #expect(victim.outputs == [.closeStream(peer(2))])
    }

    @Test mutating func `a lost stream leaves the mesh and is opened again, six times soon and then after minutes`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect([1], topics: [topic])
        victim.advance(by: .milliseconds(100))
        #expect(victim.machine.mesh(of: topic) == [peer(1)])
        for _ in 0..<10 {
            victim.feed(.streamClosed(peer(1)))
            #expect(victim.machine.mesh(of: topic).isEmpty)
            victim.advance(by: .seconds(40))
        }
        #expect(victim.outputs.count { $0 == .openStream(peer(1)) } == 7)
        victim.advance(by: .seconds(720))
        #expect(victim.outputs.count { $0 == .openStream(peer(1)) } == 8, "nobody is given up for good")
    }

    @Test mutating func `a loss in five minutes is forgotten, and the stream opened again for ever`() {
        victim.connect([1], topics: [topic])
        for _ in 0..<10 {
            victim.advance(by: .seconds(300))
            victim.feed(.streamClosed(peer(1)))
        }
        victim.advance(by: .seconds(2))
        #expect(victim.outputs.count { $0 == .openStream(peer(1)) } == 11)
    }

    @Test mutating func `more peers than the limit are not served`() {
        var config = GossipsubConfig()
        config.peerCountMax = 2
        victim = Victim(config)
        victim.connect(1...3)
        #expect(victim.outputs.count { if case .openStream = $0 { true } else { false } } == 2)
    }
}

@Suite struct `Publishing` {
    private var victim = Victim()

    @Test mutating func `own messages reach the mesh and others up to 32 peers`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...40, topics: [topic])
        victim.advance(by: .milliseconds(100))
        let mesh = victim.machine.mesh(of: topic)
        victim.feed(.publish(topic, [1, 2, 3]))
        let receivers = (1...40).filter { victim.messages(to: $0) == [[1, 2, 3]] }
        #expect(receivers.count == 32)
        #expect(mesh.allSatisfy { receivers.map(peer).contains($0) })
        #expect(victim.outputs.contains(.published(topic, .hashing([1, 2, 3]))))
    }

    @Test mutating func `nothing is published twice and nothing too long`() {
        victim.feed(.publish(topic, [1]))
        victim.feed(.publish(topic, [1]))
        #expect(victim.outputs.last == .publishRefused(topic, .duplicate))
        victim.feed(.publish("another", [1]))
        #expect(victim.outputs.last == .published("another", .hashing([1])))
        victim.feed(.publish(topic, [UInt8](repeating: 0, count: 256 << 10)))
        #expect(victim.outputs.last == .publishRefused(topic, .tooLong))
    }

    @Test mutating func `peers below the publish threshold get nothing of ours`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...2, topics: [topic])
        victim.feed(.setApplicationScore(peer(1), -301))
        victim.advance(by: .milliseconds(100))
        victim.feed(.publish(topic, [1]))
        #expect(victim.messages(to: 1).isEmpty && victim.messages(to: 2).count == 1)
    }

    @Test mutating func `a topic that we did not join keeps its fanout for a minute`() {
        var config = GossipsubConfig()
        config.floodsOwnMessages = false
        victim = Victim(config)
        victim.connect(1...12, topics: [topic])
        victim.feed(.publish(topic, [1]))
        let first = (1...12).filter { !victim.messages(to: $0).isEmpty }
        #expect(first.count == 6)
        victim.advance(by: .seconds(59))
        victim.feed(.publish(topic, [2]))
        #expect((1...12).filter { victim.messages(to: $0).contains([2]) } == first)
        victim.advance(by: .seconds(61))
        #expect(victim.machine.fanoutTopics.isEmpty)
        // Joining takes the fanout into the mesh.
        victim.feed(.publish(topic, [3]))
        let third = (1...12).filter { victim.messages(to: $0).contains([3]) }.map(peer)
        victim.feed(.subscribe(topic, TopicConfig()))
        #expect(victim.machine.mesh(of: topic) == third.sorted() && victim.machine.fanoutTopics.isEmpty)
    }

    @Test mutating func `fanout topics are bounded; the longest unused gives way`() {
        for number in 0..<70 { victim.feed(.publish(Topic(stringLiteral: "t\(number)"), [1])) }
        #expect(victim.machine.fanoutTopics.count == 64)
    }

    @Test mutating func `a congested peer keeps 64 messages and loses the oldest, gossip before them`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect([1], topics: [topic])
        victim.advance(by: .milliseconds(100))
        victim.feed(.congested(peer(1)))
        victim.sent = [:]
        for number in 0..<100 { victim.feed(.publish(topic, [UInt8(number)])) }
        victim.feed(.subscribe("new", TopicConfig()))
        victim.hear(1, ControlMessage(ihave: [IHave(topic: topic, ids: [id("gossip")])]))
        #expect(victim.sent(to: 1).isEmpty)
        victim.feed(.drained(peer(1)))
        #expect(victim.messages(to: 1) == (36..<100).map { [UInt8($0)] })
        #expect(victim.sent(to: 1).flatMap(\.control.iwant).isEmpty)
        #expect(victim.sent(to: 1).flatMap(\.subscriptions) == [Subscription(topic: "new", isSubscribed: true)])
    }

    @Test mutating func `a congested peer keeps 256 KiB, and mesh control beyond it`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect([1], topics: [topic])
        victim.advance(by: .milliseconds(100))
        victim.feed(.congested(peer(1)))
        for number in 0..<40 { victim.feed(.publish(topic, [UInt8](repeating: UInt8(number), count: 10_000))) }
        #expect((240_000...256 << 10).contains(victim.machine.queuedByteCount(for: peer(1))))
        victim.feed(.unsubscribe(topic))
        victim.sent = [:]
        victim.feed(.drained(peer(1)))
        #expect(victim.messages(to: 1).count == 26)
        #expect(victim.prunes(to: 1).map(\.topic) == [topic])
        #expect(victim.machine.queuedByteCount(for: peer(1)) == 0)
    }
}

@Suite struct `Signatures` {
    private var victim = Victim()
    private let signed = TopicConfig(signatures: .strictSign)

    private func message(by author: Int, _ text: String, sequence: UInt8 = 1) -> WireMessage {
        var wire = WireMessage(data: Array(text.utf8), topic: topic)
        (wire.author, wire.sequence) = (peer(author).bytes, [0, 0, 0, 0, 0, 0, 0, sequence])
        wire.signature = key(author).signature(of: wire.signedBytes)
        return wire
    }

    private mutating func hear(_ number: Int, _ wire: WireMessage) { victim.hear(number, RPC(messages: [wire])) }

    private mutating func prepare() {
        victim.feed(.subscribe(topic, signed))
        victim.connect(1...3, topics: [topic])
        victim.advance(by: .milliseconds(100))
    }

    @Test mutating func `a signed message is verified, judged and passed on unchanged`() {
        prepare()
        let wire = message(by: 9, "hello")
        hear(1, wire)
        #expect(victim.judged.map(\.author) == [peer(9)] && victim.judged.map(\.sequence) == [1])
        #expect(victim.judged.map(\.id.bytes) == [peer(9).bytes + [0, 0, 0, 0, 0, 0, 0, 1]])
        #expect(victim.sent(to: 2).flatMap(\.messages) == [wire])
        var withKey = message(by: 8, "key is repeated")
        withKey.key = KeyCodec.encode(key(8).publicKey)
        hear(1, withKey)
        #expect(victim.judged.count == 2)
    }

    @Test mutating func `our own signed messages satisfy others`() throws {
        prepare()
        victim.feed(.publish(topic, [1, 2]))
        let wire = try #require(victim.sent(to: 1).flatMap(\.messages).first)
        #expect(wire.sequence == [0, 0, 0, 0, 0, 0, 0, 101] && wire.key == nil)
        #expect(key(0).publicKey.verifies(signature: wire.signature ?? [], of: wire.signedBytes))
    }

    @Test mutating func `forged, unsigned and incomplete messages cost the bringer`() {
        prepare()
        var forged = message(by: 9, "hello")
        forged.data = [1]
        hear(1, forged)
        #expect(victim.score(1) == -40 && victim.misbehaviours(of: 1) == [.forgedSignature(topic)])
        var unsigned = message(by: 9, "hello")
        unsigned.signature = nil
        hear(2, unsigned)
        #expect(victim.score(2) == -40)
        var short = message(by: 9, "hello")
        short.sequence = [1]
        hear(2, short)
        #expect(victim.score(2) == -160)
        var wrongKey = message(by: 9, "hello")
        wrongKey.key = KeyCodec.encode(key(8).publicKey)
        hear(2, wrongKey)
        #expect(victim.score(2) == -360 && victim.judged.isEmpty)
        // The id of the honest message was not poisoned by its forgery.
        hear(3, message(by: 9, "hello"))
        #expect(victim.judged.count == 1)
    }

    @Test mutating func `an honest copy overtakes a forgery of the same id that is still being verified`() {
        prepare()
        var forged = message(by: 9, "hello")
        forged.data = [1]
        var outputs: [GossipsubMachine.Output] = []
        for (number, wire) in [(1, forged), (2, message(by: 9, "hello"))] {
            victim.machine.handle(
                .received(peer(number), RPC(messages: [wire])),
                at: victim.now,
                into: &outputs
            )
        }
        let checks = outputs.compactMap { if case .verify(let id, let check) = $0 { (id, check.holds) } else { nil } }
        #expect(checks.map(\.1) == [false, true])
        for (id, holds) in checks { victim.feed(.verified(id, holds)) }
        #expect(victim.judged.map(\.source) == [peer(2)] && victim.score(1) == -40 && victim.score(2) >= 0)
    }

    /// Each copy would otherwise be compared with all before it.
    @Test mutating func `of one id a peer brings one message at a time, however many forgeries it sends`() {
        prepare()
        let honest = message(by: 9, "hello")
        let forgeries = (0..<800).map { number in
            var forged = honest
            forged.data = [UInt8(number & 0xff), UInt8(number >> 8)]
            return forged
        }
        var outputs: [GossipsubMachine.Output] = []
        func hear(_ number: Int, _ messages: [WireMessage]) -> [Bool] {
            outputs = []
            victim.machine.handle(.received(peer(number), RPC(messages: messages)), at: victim.now, into: &outputs)
            victim.machine.checkInvariants(at: victim.now)
            return outputs.compactMap { if case .verify(_, let check) = $0 { check.holds } else { nil } }
        }
        #expect(hear(1, forgeries) == [false])
        #expect(hear(2, [honest]) == [true], "the honest one is not shut out")
        #expect(hear(3, [honest]) == [], "a copy")
        #expect(hear(2, forgeries) == [])
        #expect(victim.machine.pendingCount == 2)
    }

    @Test mutating func `messages in our own name are dropped without charge`() {
        prepare()
        hear(1, message(by: 0, "echo"))
        #expect(victim.judged.isEmpty && victim.score(1) == 0)
    }

    @Test mutating func `an author whose key we cannot read is ignored without charge`() throws {
        prepare()
        var wire = message(by: 9, "hello")
        wire.author = [0x12, 0x20] + SHA256.hash([1])
        hear(1, wire)
        #expect(victim.judged.isEmpty && victim.score(1) == 0)
    }

    @Test mutating func `topics without signatures refuse every trace of one`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...4, topics: [topic])
        let whole = message(by: 9, "hello")
        let traces = [
            WireMessage(author: whole.author, data: [1], topic: topic),
            WireMessage(data: [1], sequence: whole.sequence, topic: topic),
            WireMessage(data: [1], topic: topic, signature: whole.signature),
            WireMessage(data: [1], topic: topic, key: [1]),
        ]
        for (index, wire) in traces.enumerated() {
            hear(index + 1, wire)
            #expect(victim.score(index + 1) == -40)
        }
        #expect(victim.judged.isEmpty)
    }
}
