import Cryptography
import Identity
import Primitives

@testable import Gossipsub

/// Routers that speak to each other in virtual time: every link has the same latency, events of one instant keep their order.
struct GossipNetwork {
    private struct Scheduled {
        let at: Instant
        let number: Int
        let node: Int
        let input: GossipsubMachine.Input
    }

    var machines: [GossipsubMachine]
    var now = Instant.zero
    var latency = Duration.milliseconds(20)
    /// What each node delivered to its application, in order.
    var delivered: [[MessageID]]
    var misbehaviours: [GossipsubMachine.Misbehaviour] = []
    var messageCopies = 0
    private var links: Set<[Int]> = []
    private var events: [Scheduled] = []
    private var eventCount = 0
    private let ids: [PeerID: Int]

    init(_ count: Int, config: GossipsubConfig = GossipsubConfig(), seed: Int) {
        machines = (0..<count).map { number in
            GossipsubMachine(config: config, key: key(number), firstSequence: 0, random: random(seed * 1000 + number))
        }
        delivered = Array(repeating: [], count: count)
        ids = Dictionary(uniqueKeysWithValues: (0..<count).map { (peer($0), $0) })
    }

    mutating func link(_ first: Int, _ second: Int) {
        guard links.insert([min(first, second), max(first, second)]).inserted else { return }
        connect(first, to: second, isOutbound: true)
        connect(second, to: first, isOutbound: false)
    }

    private mutating func connect(_ node: Int, to other: Int, isOutbound: Bool) {
        let name = "/meshsub/1.3.0"
        feed(node, .peerConnected(peer(other), protocolName: name, isOutbound: isOutbound, address: address(other)))
    }

    mutating func unlink(_ first: Int, _ second: Int) {
        guard links.remove([min(first, second), max(first, second)]) != nil else { return }
        feed(first, .peerDisconnected(peer(second)))
        feed(second, .peerDisconnected(peer(first)))
    }

    func isLinked(_ first: Int, _ second: Int) -> Bool { links.contains([min(first, second), max(first, second)]) }

    mutating func feed(_ node: Int, _ input: GossipsubMachine.Input) {
        var outputs: [GossipsubMachine.Output] = []
        machines[node].handle(input, at: now, into: &outputs)
        machines[node].checkInvariants(at: now)
        for output in outputs { carryOut(output, of: node) }
    }

    private mutating func carryOut(_ output: GossipsubMachine.Output, of node: Int) {
        switch output {
        case .openStream(let other): schedule(node, .streamReady(other), after: latency)
        case .send(let receiver, let rpc):
            guard let target = ids[receiver] else { return }
            messageCopies += rpc.messages.count
            schedule(target, .received(peer(node), rpc), after: latency)
        case .verify(let id, let check): schedule(node, .verified(id, check.holds), after: .milliseconds(1))
        case .validate(let id, let message):
            delivered[node].append(message.id)
            schedule(node, .validated(id, .accept), after: .milliseconds(1))
        case .misbehaved(_, let what): misbehaviours.append(what)
        case .closeStream, .published, .publishRefused, .peerSubscribed, .peerUnsubscribed, .meshJoined, .meshLeft,
            .connect:
            break
        }
    }

    private mutating func schedule(_ node: Int, _ input: GossipsubMachine.Input, after delay: Duration) {
        eventCount += 1
        let event = Scheduled(at: now.advanced(by: delay), number: eventCount, node: node, input: input)
        // Nearly always the last: all delays are short and alike.
        var index = events.count
        while index > 0 && events[index - 1].at > event.at { index -= 1 }
        events.insert(event, at: index)
    }

    mutating func run(for duration: Duration) {
        let end = now.advanced(by: duration)
        while true {
            let timers = machines.indices.compactMap { node in machines[node].nextDeadline.map { ($0, node) } }
            let timer = timers.min { $0.0 < $1.0 }
            if let event = events.first, event.at <= end, timer.map({ event.at <= $0.0 }) ?? true {
                now = event.at
                events.removeFirst()
                deliver(event)
            } else if let timer, timer.0 <= end {
                now = max(now, timer.0)
                feed(timer.1, .deadlineReached)
            } else {
                break
            }
        }
        now = end
    }

    /// A message that is under way when its link is cut is lost.
    private mutating func deliver(_ event: Scheduled) {
        if case .received(let sender, _) = event.input, let source = ids[sender], !isLinked(source, event.node) {
            return
        }
        if case .streamReady(let other) = event.input, let target = ids[other], !isLinked(target, event.node) { return }
        feed(event.node, event.input)
    }
}
