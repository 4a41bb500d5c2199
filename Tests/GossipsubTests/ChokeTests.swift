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
        victim.connect(1...2, isOutbound: true, topics: [topic])
        victim.connect(3...6, topics: [topic])
        for number in 1...6 { speakChoke(number) }
        victim.advance(by: .milliseconds(100))
        #expect(victim.machine.mesh(of: topic).count == 6)
        victim.sent = [:]
    }

    private mutating func speakChoke(_ number: Int) {
        victim.hear(number, RPC(control: ControlMessage(extensions: GossipExtensions(choke: true))))
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
        victim.connect([8], protocolName: "/floodsub/1.0.0")
        #expect(victim.sent(to: 8).allSatisfy { $0.control.isEmpty })
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
        for number in 1...6 { victim.hear(number, RPC(control: ControlMessage(extensions: GossipExtensions()))) }
        bring([1, 2, 3, 4, 5, 6], seconds: 30)
        #expect(choked().isEmpty)
    }

    @Test mutating func `those who came by themselves and heed no CHOKE silence nobody, however fast they are`() {
        for number in 3...5 { victim.hear(number, RPC(control: ControlMessage(extensions: GossipExtensions()))) }
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
