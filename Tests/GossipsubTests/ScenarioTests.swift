import Cryptography
import Identity
import Primitives
import Testing

@testable import Gossipsub

private let topic: Topic = "t"

/// The black-box scenarios S-02 to S-11; S-01 is among the network tests.
@Suite struct `Attacks by raw peers` {
    private var victim = Victim()

    private mutating func prepare(peers: some Sequence<Int> = 1...1) {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(peers, topics: [topic])
        victim.advance(by: .milliseconds(100))
    }

    private func fresh(_ range: Range<Int>) -> [MessageID] { range.map { id("fresh \($0)") } }

    @Test mutating func `S-02: fifty IWANTs for one id get three copies beside the first`() {
        prepare()
        victim.feed(.publish(topic, [1]))
        for _ in 0..<50 { victim.hear(1, ControlMessage(iwant: [.hashing([1])])) }
        #expect(victim.messages(to: 1) == [[1], [1], [1], [1]])
    }

    @Test mutating func `IWANT causes at most one mebibyte a heartbeat`() {
        prepare()
        var ids: [MessageID] = []
        for number in 0..<60 {
            let data = [UInt8](repeating: UInt8(number), count: 20_000)
            ids.append(.hashing(data))
            victim.feed(.publish(topic, data))
        }
        victim.sent = [:]
        victim.hear(1, ControlMessage(iwant: ids))
        #expect(victim.messages(to: 1).count == 52)
        victim.advance(by: .seconds(1))
        victim.hear(1, ControlMessage(iwant: [ids[59]]))
        #expect(victim.messages(to: 1).count == 53)
    }

    @Test mutating func `five thousand ids are looked for in a heartbeat, and no more`() {
        prepare()
        victim.feed(.publish(topic, [1]))
        victim.sent = [:]
        let ids = fresh(0..<5_000)
        for start in stride(from: 0, to: ids.count, by: 500) {
            victim.hear(1, ControlMessage(iwant: Array(ids[start..<start + 500])))
        }
        victim.hear(1, ControlMessage(iwant: [.hashing([1])]))
        #expect(victim.messages(to: 1).isEmpty)
        victim.advance(by: .seconds(1))
        victim.hear(1, ControlMessage(iwant: [.hashing([1])]))
        #expect(victim.messages(to: 1) == [[1]])
    }

    @Test mutating func `S-03: an IHAVE flood is asked for 500 ids a heartbeat and pays for what it does not deliver`()
    {
        prepare()
        for round in 0..<2 {
            for number in 0..<100 {
                let start = round * 10_000 + number * 100
                victim.hear(1, ControlMessage(ihave: [IHave(topic: topic, ids: fresh(start..<start + 100))]))
            }
            let asked = victim.sent(to: 1).flatMap(\.control.iwant)
            #expect(asked.count == 500 && Set(asked).count == 500)
            victim.sent = [:]
            #expect(victim.score(1) == 0 || round == 1)
            victim.advance(by: .seconds(1))
        }
        #expect(victim.score(1) >= 0)
        victim.advance(by: .seconds(3))
        #expect(victim.score(1) < 0)
        #expect(victim.misbehaviours(of: 1) == [.brokenPromises(5), .brokenPromises(5)])
    }

    @Test mutating func `a congested peer owes no answer to a question that may have been dropped`() {
        prepare()
        victim.feed(.congested(peer(1)))
        victim.hear(1, ControlMessage(ihave: [IHave(topic: topic, ids: fresh(0..<5))]))
        victim.advance(by: .seconds(5))
        #expect(victim.misbehaviours(of: 1).isEmpty)
    }

    @Test mutating func `ten RPCs with IHAVE are heard in a heartbeat`() {
        prepare()
        for number in 0..<20 {
            victim.hear(1, ControlMessage(ihave: [IHave(topic: topic, ids: fresh(number..<number + 1))]))
        }
        #expect(victim.sent(to: 1).flatMap(\.control.iwant) == fresh(0..<10))
    }

    @Test mutating func `a kept promise costs nothing, and IHAVE for a foreign topic is not asked for`() {
        prepare()
        victim.hear(1, ControlMessage(ihave: [IHave(topic: "foreign", ids: fresh(0..<5))]))
        #expect(victim.sent(to: 1).flatMap(\.control.iwant).isEmpty)
        victim.hear(1, ControlMessage(ihave: [IHave(topic: topic, ids: [.hashing([1])])]))
        #expect(victim.sent(to: 1).flatMap(\.control.iwant) == [.hashing([1])])
        victim.hear(1, RPC(messages: [WireMessage(data: [1], topic: topic)]))
        victim.hear(1, ControlMessage(ihave: [IHave(topic: topic, ids: [.hashing([1])])]))
        victim.advance(by: .seconds(5))
        #expect(victim.misbehaviours(of: 1).isEmpty && victim.sent(to: 1).flatMap(\.control.iwant).count == 1)
    }

    @Test mutating func `S-04: a GRAFT for an unknown topic gets no answer and leaves no state`() {
        prepare()
        victim.sent = [:]
        victim.hear(1, ControlMessage(graft: ["unknown"]))
        #expect(victim.sent(to: 1).isEmpty && victim.machine.backoffs.count == 0)
        #expect(victim.machine.topics(of: peer(1)) == [topic])
    }

    @Test mutating func `S-05: early GRAFTs are answered with PRUNE, cost 1, 3, 5 and end in silence`() {
        victim.connect([1], topics: [topic])
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.hear(1, RPC(control: ControlMessage(prune: [Prune(topic: topic, backoffSeconds: 0, peers: [])])))
        victim.now = victim.now.advanced(by: .seconds(11))
        for attempt in 1...9 {
            victim.hear(1, ControlMessage(graft: [topic]))
            #expect(
                victim.prunes(to: 1)
                    == Array(repeating: Prune(topic: topic, backoffSeconds: 60, peers: []), count: attempt)
            )
            let surplus = max(0, Double(2 * attempt - 1) - 6)
            #expect(victim.score(1) == -10 * surplus * surplus)
            #expect((victim.score(1) < 0) == (attempt >= 4))
        }
        #expect(victim.score(1) < -1000)
        victim.hear(1, ControlMessage(graft: [topic]))
        #expect(victim.prunes(to: 1).count == 9)
        // The backoff ends, the score has not recovered: still no link.
        victim.advance(by: .seconds(63))
        victim.hear(1, ControlMessage(graft: [topic]))
        #expect(victim.score(1) < 0 && victim.machine.mesh(of: topic).isEmpty)
    }

    @Test mutating func `S-06: invalid messages graylist at the sixth and honest traffic goes on`() {
        prepare(peers: 1...3)
        victim.verdict = { $0.source == peer(1) ? .reject : .accept }
        for number in 0..<20 {
            victim.hear(1, "bad \(number)", in: topic)
            if number == 5 { #expect(victim.score(1) == -1440) }
        }
        #expect(victim.judged.count == 6)
        victim.advance(by: .seconds(1))
        #expect(!victim.machine.mesh(of: topic).contains(peer(1)))
        #expect(victim.prunes(to: 1).map(\.topic) == [topic])
        victim.hear(2, "good", in: topic)
        #expect(victim.messages(to: 3) == [Array("good".utf8)] && victim.messages(to: 1).isEmpty)
    }

    @Test mutating func `whoever brings a rejected message again pays as well`() {
        prepare(peers: 1...3)
        victim.verdict = { _ in .reject }
        for number in 1...3 { victim.hear(number, "bad", in: topic) }
        #expect(victim.judged.count == 1)
        for number in 1...3 { #expect(victim.score(number) <= -40) }
    }

    @Test mutating func `an ignored message costs nothing; only a final one is not asked about again`() {
        prepare(peers: 1...2)
        victim.verdict = { $0.data == Array("early".utf8) ? .ignore(isFinal: false) : .ignore(isFinal: true) }
        for number in 1...2 {
            victim.hear(number, "early", in: topic)
            victim.hear(number, "stale", in: topic)
            #expect(victim.score(number) >= 0)
        }
        #expect(victim.judged.count == 3 && victim.messages(to: 2).isEmpty)
    }

    private static let backoffs: [UInt64] = [
        0, 1, 60, 3599, 3600, 3601, 1 << 31, 1 << 32, 0x7fff_ffff_ffff_ffff, 1 << 63, .max - 120, .max - 1, .max,
    ]

    @Test mutating func `PRUNEs of peers that were in no mesh make us forget nobody whom we pruned`() {
        var config = GossipsubConfig()
        config.backoffCountMax = 8
        var victim = Victim(config)
        let topics = (0..<12).map { Topic("topic \($0)") ?? topic }
        for topic in topics { victim.feed(.subscribe(topic, TopicConfig())) }
        victim.connect([1], topics: [topics[0]])
        victim.advance(by: .seconds(2))
        #expect(victim.machine.mesh(of: topics[0]) == [peer(1)])
        victim.hear(1, ControlMessage(prune: [Prune(topic: topics[0], backoffSeconds: 60, peers: [])]))
        victim.connect([2])
        victim.hear(2, ControlMessage(prune: topics.map { Prune(topic: $0, backoffSeconds: 3600, peers: []) }))
        #expect(victim.machine.backoffs.count == 8)
        #expect(!victim.machine.backoffs.allowsOurGraft(topics[0], peer(1), at: victim.now))
        #expect(!victim.machine.backoffs.allowsOurGraft(topics[11], peer(2), at: victim.now))
    }

    @Test(arguments: backoffs)
    mutating func `S-07: no backoff of a stranger lasts longer than an hour or stops the node`(seconds: UInt64) {
        prepare()
        victim.hear(1, bytes: pruneBytes(backoff: seconds))
        let entry = victim.machine.backoffs.entry(topic, peer(1))
        let expected = seconds == 0 ? 60 : min(seconds, 3600)
        #expect(entry?.until == victim.now.advanced(by: .seconds(Int(expected))))
        for _ in 0..<120 { victim.advance(by: .seconds(1)) }
        victim.hear(2, "", in: topic)
        #expect(victim.machine.heartbeatCount == 121)
        #expect(victim.machine.mesh(of: topic).contains(peer(1)) == (expected <= 118))
    }

    @Test mutating func `S-07: nor does it near the end of time`() {
        victim.now = Instant(nanoseconds: .max - 200_000_000_000)
        prepare()
        victim.hear(1, bytes: pruneBytes(backoff: .max))
        for _ in 0..<120 { victim.advance(by: .seconds(1)) }
        #expect(victim.machine.heartbeatCount == 121)
    }

    @Test mutating func `S-08: IDONTWANT is bounded, expires after three heartbeats and leaves with the stream`() {
        prepare()
        for number in 0..<2000 {
            victim.hear(1, ControlMessage(idontwant: fresh(number * 20..<number * 20 + 20)))
        }
        #expect(victim.machine.unwantedCount(of: peer(1)) == UnwantedMessages.countMax)
        victim.advance(by: .seconds(2))
        #expect(victim.machine.unwantedCount(of: peer(1)) == UnwantedMessages.countMax)
        victim.advance(by: .seconds(1))
        #expect(victim.machine.unwantedCount(of: peer(1)) == 0)
        victim.hear(1, ControlMessage(idontwant: fresh(0..<20)))
        #expect(victim.machine.unwantedCount(of: peer(1)) == 10)
        victim.feed(.streamClosed(peer(1)))
        #expect(victim.machine.unwantedCount(of: peer(1)) == 0)
        #expect(victim.score(1) >= 0)
    }

    @Test mutating func `an unwanted message is not sent; one beyond the cap of ids is`() {
        prepare(peers: 1...2)
        let ids = (0..<11).map { MessageID.hashing([UInt8($0)]) }
        victim.hear(1, ControlMessage(idontwant: ids))
        victim.hear(2, RPC(messages: [WireMessage(data: [0], topic: topic), WireMessage(data: [10], topic: topic)]))
        #expect(victim.messages(to: 1) == [[10]])
        victim.hear(1, ControlMessage(iwant: [ids[0]]))
        #expect(victim.messages(to: 1) == [[10]])
    }

    @Test mutating func `S-09: 512 subscriptions are kept, and a huge RPC is refused before it is decoded`() {
        victim.connect([1])
        for round in 0..<6 {
            let topics = (0..<100).map { Topic(stringLiteral: "topic \(round * 100 + $0)") }
            victim.hear(1, RPC(subscriptions: topics.map { Subscription(topic: $0, isSubscribed: true) }))
        }
        #expect(victim.machine.topics(of: peer(1)).count == 512)
        let subscription = Subscription(topic: "another", isSubscribed: true).field
        let bytes = (0..<100_000).flatMap { _ in subscription }
        victim.hear(1, bytes: bytes)
        #expect(victim.misbehaviours(of: 1) == [.oversizedRPC(byteCount: bytes.count)])
        #expect(victim.machine.topics(of: peer(1)).count == 512)
        // Who leaves makes room.
        victim.hear(1, RPC(subscriptions: [Subscription(topic: "topic 0", isSubscribed: false)]))
        victim.hear(1, RPC(subscriptions: [Subscription(topic: "another", isSubscribed: true)]))
        #expect(victim.machine.topics(of: peer(1)).count == 512)
        #expect(victim.outputs.last == .peerSubscribed(peer(1), "another"))
    }

    @Test mutating func `bytes that are no RPC are refused and charged`() {
        prepare()
        victim.hear(1, bytes: [0xff, 0xff])
        #expect(victim.misbehaviours(of: 1) == [.malformedRPC])
    }

    @Test mutating func `S-10: a full mesh turns inbound GRAFTs away and is cut to the best with two outbound`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...14)
        for number in 1...14 { victim.hear(number, ControlMessage(graft: [topic])) }
        #expect(victim.machine.mesh(of: topic) == (1...10).map(peer).sorted())
        for number in 11...14 {
            #expect(victim.prunes(to: number) == [Prune(topic: topic, backoffSeconds: 60, peers: [])])
            // There was no link that we could want back.
            #expect(victim.machine.backoffs.entry(topic, peer(number))?.endedLink == false)
        }
        victim.connect(21...23, isOutbound: true)
        for number in 21...23 { victim.hear(number, ControlMessage(graft: [topic])) }
        #expect(victim.machine.mesh(of: topic).count == 13)
        for number in 1...4 { victim.feed(.setApplicationScore(peer(number), Double(number))) }
        victim.advance(by: .milliseconds(100))
        let kept = Set(victim.machine.mesh(of: topic))
        #expect(kept.count == 6 && kept.isSuperset(of: (1...4).map(peer)))
        #expect(kept.intersection((21...23).map(peer)).count == 2)
    }

    @Test mutating func `S-11: recommendations are followed from a pinned peer alone, and never forged ones`() {
        prepare()
        var infos = (101...116).map { number in
            let record = PeerRecord(peer: peer(number), sequence: 1, addresses: [])
            return PeerInfo(peer: peer(number).bytes, record: record.seal(by: key(number)).bytes)
        }
        infos[3] = PeerInfo(peer: peer(200).bytes, record: infos[3].record)
        let prune = ControlMessage(prune: [Prune(topic: topic, backoffSeconds: 60, peers: infos)])
        victim.hear(1, prune)
        #expect(!victim.outputs.contains { if case .connect = $0 { true } else { false } })
        victim.feed(.setPinned(peer(1), true))
        victim.hear(1, prune)
        let connected = victim.outputs.compactMap { if case .connect(let entries) = $0 { entries } else { nil } }
        #expect(connected.map { $0.map(\.peer) } == [(101...116).filter { $0 != 104 }.map(peer)])
        #expect(victim.misbehaviours(of: 1) == [.forgedRecord])
    }

    @Test(arguments: 0...6)
    mutating func `recommendations are followed only by who has nobody in the topic's mesh`(meshCount: Int) {
        prepare(peers: 2..<2 + meshCount)
        victim.connect([1], topics: ["elsewhere"])
        victim.feed(.setPinned(peer(1), true))
        let record = PeerRecord(peer: peer(101), sequence: 1, addresses: []).seal(by: key(101)).bytes
        let infos = [PeerInfo(peer: peer(101).bytes, record: record)]
        victim.hear(1, ControlMessage(prune: [Prune(topic: topic, backoffSeconds: 60, peers: infos)]))
        let isFollowed = victim.outputs.contains { if case .connect = $0 { true } else { false } }
        #expect(isFollowed == (meshCount == 0))
    }

    @Test mutating func `who knows others to graft follows no recommendation, and nobody follows two within a minute`()
    {
        // Six are grafted as they come, five more are there.
        prepare(peers: 1...6)
        victim.feed(.setPinned(peer(1), true))
        func infos(_ number: Int) -> [PeerInfo] {
            let record = PeerRecord(peer: peer(number), sequence: 1, addresses: []).seal(by: key(number)).bytes
            return [PeerInfo(peer: peer(number).bytes, record: record)]
        }
        func prune(_ peers: [PeerInfo] = []) -> ControlMessage {
            ControlMessage(prune: [Prune(topic: topic, backoffSeconds: 60, peers: peers)])
        }
        var followed: [Int] {
            victim.outputs.compactMap { if case .connect(let entries) = $0 { entries.count } else { nil } }
        }
        victim.connect(7...11, topics: [topic])
        victim.hear(1, prune(infos(101)))
        #expect(followed.isEmpty, "five others are in the mesh, and five more could be grafted")
        for number in 2...11 { victim.hear(number, prune()) }
        victim.hear(1, prune(infos(102)))
        #expect(followed == [1])
        victim.hear(1, prune(infos(103)))
        #expect(followed == [1])
        victim.advance(by: .seconds(61))
        for number in 2...11 { victim.hear(number, prune()) }
        victim.hear(1, prune(infos(104)))
        #expect(followed == [1, 1])
    }

    @Test mutating func `to be pinned forgives nothing: neither words nor silence`() {
        prepare()
        victim.feed(.setPinned(peer(1), true))
        #expect(victim.score(1) == 0)
        victim.feed(.setApplicationScore(peer(1), -1))
        #expect(victim.score(1) == -1)
        let record = PeerRecord(peer: peer(101), sequence: 1, addresses: []).seal(by: key(101)).bytes
        let infos = [PeerInfo(peer: peer(101).bytes, record: record)]
        victim.hear(1, ControlMessage(prune: [Prune(topic: topic, backoffSeconds: 60, peers: infos)]))
        #expect(!victim.outputs.contains { if case .connect = $0 { true } else { false } })
        victim.advance(by: .seconds(2))
        #expect(victim.machine.mesh(of: topic).isEmpty)
    }

    @Test mutating func `a pruned peer learns of others with their records, a bad one does not`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...12, topics: [topic])
        let record = PeerRecord(peer: peer(2), sequence: 1, addresses: []).seal(by: key(2)).bytes
        victim.feed(.peerRecord(peer(2), record))
        victim.feed(.peerRecord(peer(3), [UInt8](repeating: 0, count: 2049)))
        for number in 1...12 { victim.hear(number, ControlMessage(graft: [topic])) }
        #expect(victim.prunes(to: 12).map(\.peers) == [[PeerInfo(peer: peer(2).bytes, record: record)]])
        victim.feed(.setApplicationScore(peer(11), -1))
        victim.hear(13, ControlMessage(graft: [topic]))
        victim.advance(by: .seconds(63))
        victim.hear(11, ControlMessage(graft: [topic]))
        #expect(victim.prunes(to: 11).last?.peers == [])
    }

    @Test mutating func `a pruned peer learns of as many as a mesh wants, and again after ten minutes`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        victim.connect(1...20, topics: [topic])
        for number in 1...19 {
            let record = PeerRecord(peer: peer(number), sequence: 1, addresses: []).seal(by: key(number)).bytes
            victim.feed(.peerRecord(peer(number), record))
        }
        for number in 1...10 { victim.hear(number, ControlMessage(graft: [topic])) }
        for wait in [0, 63, 63, 600] {
            victim.advance(by: .seconds(wait))
            victim.hear(20, ControlMessage(graft: [topic]))
        }
        #expect(victim.prunes(to: 20).map(\.peers.count) == [6, 0, 0, 6])
    }

    @Test mutating func `a full validation queue drops, marks nothing as seen and wakes the gater`() {
        var config = GossipsubConfig()
        (config.pendingPerPeerMax, config.pendingCountMax) = (5, 8)
        victim = Victim(config)
        victim.verdict = { _ in nil }
        prepare(peers: 1...2)
        for number in 0..<10 { victim.hear(1, "\(number)", in: topic) }
        #expect(victim.machine.pendingCount == 5)
        for number in 5..<15 { victim.hear(2, "\(number)", in: topic) }
        #expect(victim.machine.pendingCount == 8)
        for case .validate(let id, _) in victim.outputs { victim.feed(.validated(id, .accept)) }
        victim.verdict = { _ in .accept }
        victim.advance(by: .seconds(61))
        victim.hear(1, "9", in: topic)
        #expect(victim.judged.last?.data == Array("9".utf8) && victim.judged.count == 9)
    }

    @Test mutating func `subscriptions that come and go leave nothing behind`() {
        victim.feed(.subscribe(topic, TopicConfig()))
        for number in 1...200 {
            victim.connect([number], topics: [topic, "other"])
            if number % 2 == 0 {
                victim.hear(number, RPC(subscriptions: [Subscription(topic: topic, isSubscribed: false)]))
            }
            victim.feed(.peerDisconnected(peer(number)))
        }
        #expect(victim.machine.subscribers(of: topic).isEmpty && victim.machine.subscribers(of: "other").isEmpty)
        #expect(victim.machine.mesh(of: topic).isEmpty && victim.machine.backoffs.count == 0)
    }

    @Test mutating func `a graylisted peer that returns is still graylisted`() {
        prepare()
        victim.verdict = { _ in .reject }
        for number in 0..<6 { victim.hear(1, "bad \(number)", in: topic) }
        victim.feed(.peerDisconnected(peer(1)))
        victim.connect([1], topics: [topic])
        #expect(victim.score(1) == -1440)
        victim.hear(1, "bad again", in: topic)
        #expect(victim.judged.count == 6)
    }

    @Test(arguments: 1...10) func `no bytes and no order of events stop the machine`(seed: Int) {
        var victim = Victim(seed: seed)
        var draw = random(seed)
        for verdict in [Validation.accept, .reject, .ignore(isFinal: true)] {
            victim.verdict = { _ in verdict }
            for _ in 0..<120 { victim.step(&draw) }
        }
        victim.advance(by: .seconds(120))
    }
}

extension Victim {
    /// One random event of a hostile day.
    fileprivate mutating func step(_ draw: inout SeededRandom) {
        let (number, other) = (1 + draw.below(6), draw.below(3))
        let topic = Topic(stringLiteral: "t\(other)")
        switch draw.below(12) {
        case 0: connect([number], isOutbound: draw.chance(1, in: 2), topics: [topic])
        case 1: feed(.peerDisconnected(peer(number)))
        case 2: feed(.streamClosed(peer(number)))
        case 3: feed(draw.chance(1, in: 2) ? .congested(peer(number)) : .drained(peer(number)))
        case 4: feed(.subscribe(topic, TopicConfig()))
        case 5: feed(.unsubscribe(topic))
        case 6: feed(.publish(topic, draw.bytes(3)))
        case 7: hear(number, RPC(messages: [WireMessage(data: draw.bytes(2), topic: topic)]))
        case 8: hear(number, bytes: draw.bytes(draw.below(40)))
        case 9: hear(number, ControlMessage(graft: [topic], prune: [Prune(topic: topic, backoffSeconds: 5, peers: [])]))
        case 10:
            let ids = [MessageID(bytes: draw.bytes(4))]
            hear(number, ControlMessage(ihave: [IHave(topic: topic, ids: ids)], iwant: ids, idontwant: ids))
        default: advance(by: .milliseconds(draw.below(3000)))
        }
    }
}
