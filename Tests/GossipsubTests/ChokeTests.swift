import Identity
import Primitives
import Testing

@testable import Gossipsub

private let topic: Topic = "t"

/// Six peers of one mesh; the first two were dialled by us.
///
/// Each message is brought in a fixed order.
@Suite struct `Choking` {
    private var victim = Victim()
    private var count = 0

    init() {
        victim.feed(.subscribe(topic, TopicConfig()))
        let heed = GossipExtensions(choke: true)
        victim.connect(1...2, isOutbound: true, topics: [topic], extensions: heed)
        victim.connect(3...6, topics: [topic], extensions: heed)
        victim.advance(by: .milliseconds(100))
        #expect(victim.machine.mesh(of: topic).count == 6)
        victim.sent = [:]
    }

    /// A peer opens another stream and begins it with these extensions.
    private mutating func reopen(
        _ number: Int,
        listing extensions: GossipExtensions?,
        _ name: String = "/meshsub/1.3.0"
    ) {
        victim.feed(.streamAccepted(peer(number), protocolName: name))
        victim.hear(number, RPC(control: ControlMessage(extensions: extensions)))
    }

    /// A second with one more message in it, first from the first of them.
    private mutating func bring(_ order: [Int], seconds: Int = 1) {
        for _ in 0..<seconds {
            count += 1
            for number in order { victim.hear(number, "message \(count)", in: topic) }
            victim.advance(by: .seconds(1))
        }
    }

    private func choked() -> [Int] {
        (1...6).filter { victim.machine.choked(in: topic).contains(peer($0)) }
    }

    private func told(_ number: Int) -> [[Topic]] {
        let control = victim.sent(to: number).map(\.control)
        return [control.flatMap(\.choke), control.flatMap(\.unchoke)]
    }

    @Test mutating func `the hello says that we heed it, to peers that know a mesh`() {
        victim.connect([7])
        #expect(victim.sent(to: 7).first?.control.extensions == GossipExtensions(choke: true))
        for name in ["/floodsub/1.0.0", "/meshsub/1.0.0", "/meshsub/1.1.0", "/meshsub/1.2.0"] {
            victim.connect([8], protocolName: name)
            #expect(victim.sent(to: 8).count == 1 && victim.sent(to: 8).allSatisfy { $0.control.isEmpty }, "\(name)")
            victim.feed(.peerDisconnected(peer(8)))
            victim.sent = [:]
        }
    }

    @Test mutating func `the extensions stand in the first RPC of every stream of ours, and in no other`() {
        let crowded = (0..<150).map { Topic("crowd \($0)") }.compactMap(\.self)
        for topic in crowded { victim.feed(.subscribe(topic, TopicConfig())) }
        victim.connect([7])
        victim.feed(.streamClosed(peer(7)))
        victim.advance(by: .seconds(10))
        let listed = victim.sent(to: 7).map { $0.control.extensions != nil }
        #expect(listed.count >= 4 && listed.filter(\.self).count == 2)
        // Each hello has two RPCs, for its subscriptions do not fit in one.
        #expect(listed.first == true && listed[1] == false)
    }

    @Test mutating func `the peers that bring least news are choked, one a heartbeat, until three are left`() {
        // Eight deliveries prove a peer; they decay a little meanwhile.
        bring([3, 4, 1, 2, 5, 6], seconds: 8)
        #expect(choked().isEmpty)
        bring([3, 4, 1, 2, 5, 6], seconds: 3)
        #expect(choked().count == 2)
        bring([3, 4, 1, 2, 5, 6], seconds: 10)
        // The first is never last with news; of the rest, which never were first, one that we dialled stays.
        #expect(choked().count == 3 && !choked().contains(3) && !(choked().contains(1) && choked().contains(2)))
        for number in choked() { #expect(told(number) == [[topic], []]) }
        for number in 1...6 where !choked().contains(number) { #expect(told(number) == [[], []]) }
    }

    @Test mutating func `silent peers do not count as sources, so that nobody is choked for them`() {
        bring([1, 3, 4], seconds: 30)
        #expect(choked().isEmpty)
    }

    @Test mutating func `a quiet topic chokes nobody`() {
        for _ in 0..<20 {
            bring([1, 2, 3, 4, 5, 6])
            victim.advance(by: .seconds(20))
        }
        #expect(choked().isEmpty)
    }

    @Test mutating func `peers that do not know it are never asked`() {
        for number in 1...6 { reopen(number, listing: number % 2 == 0 ? GossipExtensions() : nil) }
        bring([1, 2, 3, 4, 5, 6], seconds: 30)
        #expect(choked().isEmpty)
    }

    @Test mutating func `on streams of older versions extensions and CHOKE mean nothing`() {
        for number in 1...6 { reopen(number, listing: GossipExtensions(choke: true), "/meshsub/1.2.0") }
        bring([1, 2, 3, 4, 5, 6], seconds: 30)
        #expect(choked().isEmpty)
        victim.hear(2, RPC(control: ControlMessage(choke: [topic])))
        victim.sent = [:]
        victim.hear(1, "hello", in: topic)
        #expect(victim.messages(to: 2).count == 1)
        #expect((1...6).allSatisfy { victim.misbehaviours(of: $0).isEmpty })
    }

    @Test mutating func `extensions that come late or twice are charged and not heard`() {
        victim.hear(3, RPC(control: ControlMessage(extensions: GossipExtensions())))
        #expect(victim.misbehaviours(of: 3) == [.lateExtensions])
        // What the first RPC listed stands.
        bring([3, 4, 1, 2, 5, 6], seconds: 30)
        #expect(choked().count == 3)
        victim.connect([7], topics: [topic])
        victim.hear(7, RPC(control: ControlMessage(extensions: GossipExtensions(choke: true))))
        #expect(victim.misbehaviours(of: 7) == [.lateExtensions])
        // A stream begun anew may say something else.
        reopen(7, listing: GossipExtensions(choke: true))
        #expect(victim.misbehaviours(of: 7).count == 1)
    }

    @Test mutating func `those who came by themselves and heed no CHOKE silence nobody, however fast they are`() {
        for number in 3...5 { reopen(number, listing: nil) }
        bring([3, 4, 5, 1, 2, 6], seconds: 30)
        #expect(choked().isEmpty)
    }

    @Test mutating func `a choked peer that has news first sends again at once`() throws {
        bring([3, 4, 1, 2, 5, 6], seconds: 30)
        let freed = try #require(choked().last)
        victim.hear(freed, "news", in: topic)
        #expect(!choked().contains(freed))
        #expect(told(freed) == [[topic], [topic]])
    }

    @Test mutating func `choked peers return when the sources fall silent`() {
        bring([3, 4, 1, 2, 5, 6], seconds: 30)
        let before = choked()
        victim.advance(by: .seconds(60))
        #expect(before.count == 3 && choked().isEmpty)
    }

    @Test mutating func `a choked peer owes no deliveries, and has a newcomer's time when it is to send again`() throws
    {
        let order = [3, 4, 1, 2, 5, 6]
        bring(order, seconds: 30)
        let idle = choked()
        // Two a second, or else the topic is too quiet for anybody to owe anything.
        for _ in 0..<150 {
            for _ in 0..<3 {
                count += 1
                for number in order where !idle.contains(number) { victim.hear(number, "more \(count)", in: topic) }
            }
            victim.advance(by: .seconds(1))
        }
        for number in idle { #expect(victim.score(number) >= 0) }
        #expect(victim.machine.scores.threshold(of: topic) > 0)
    }

    @Test mutating func `a choking peer gets the ids once, at the heartbeat, of what it did not bring itself`() {
        victim.hear(2, RPC(control: ControlMessage(choke: [topic])))
        victim.sent = [:]
        victim.hear(1, "hello", in: topic)
        victim.hear(2, "own", in: topic)
        #expect(victim.messages(to: 2).isEmpty && victim.messages(to: 3).count == 2)
        victim.advance(by: .seconds(3))
        let told = victim.sent(to: 2).flatMap(\.control.ihave)
        #expect(told == [IHave(topic: topic, ids: [.hashing(Array("hello".utf8))])])
        // What it lacks it may have.
        victim.hear(2, RPC(control: ControlMessage(iwant: [.hashing(Array("hello".utf8))])))
        #expect(victim.messages(to: 2) == [Array("hello".utf8)])
    }

    @Test mutating func `UNCHOKE, PRUNE and a new GRAFT end it; for strangers to the mesh it has no effect`() {
        victim.hear(2, RPC(control: ControlMessage(choke: [topic])))
        victim.hear(2, RPC(control: ControlMessage(unchoke: [topic])))
        victim.hear(1, "one", in: topic)
        #expect(victim.messages(to: 2).count == 1)
        victim.hear(2, RPC(control: ControlMessage(choke: [topic])))
        victim.hear(2, RPC(control: ControlMessage(prune: [Prune(topic: topic, backoffSeconds: 1, peers: [])])))
        victim.hear(2, RPC(control: ControlMessage(choke: [topic, "elsewhere"])))
        victim.advance(by: .seconds(4))
        victim.hear(2, RPC(control: ControlMessage(graft: [topic])))
        victim.sent = [:]
        victim.hear(1, "two", in: topic)
        #expect(victim.messages(to: 2).count == 1)
    }

    @Test mutating func `own messages reach those that choked us, too`() {
        victim.hear(2, RPC(control: ControlMessage(choke: [topic])))
        victim.sent = [:]
        victim.feed(.publish(topic, Array("mine".utf8)))
        #expect(victim.messages(to: 2) == [Array("mine".utf8)])
    }
}
