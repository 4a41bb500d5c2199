import Identity
import Kademlia
import Primitives

/// Machines in virtual time: every message takes 20 to 100 ms, in the order of a heap, so a seed tells the whole story.
final class VirtualNetwork {
    private enum Event {
        case feed(Int, KademliaMachine.Input)
        case timer(Int)
        /// A request that a node has sent to another one.
        case request(Int, to: Int, KademliaRequestID, [UInt8])
    }

    let nodeCount: Int
    /// Which of the test's peers each node is; those behind the first `nodeCount` are hostile from the start.
    private let names: [Int]
    /// They answer, but name their own kind alone, the nearest to whatever is searched.
    private(set) var hostile: Set<Int> = []
    private(set) var now = Instant.zero
    private(set) var results: [KademliaCommandID: KademliaResult] = [:]
    private(set) var requestCount = 0
    private var dead: Set<Int> = []
    private var machines: [KademliaMachine] = []
    private var armed: [Instant?]
    private var numbers: [PeerID: Int] = [:]
    private var keys: [KademliaKey] = []
    private var queue = EventQueue<Event>()
    private var random: SeededRandom
    private var inbound: [KademliaInboundID: (from: Int, KademliaRequestID)] = [:]
    private var nextNumber: UInt64 = 0
    /// Pairs that have a connection, the smaller number first.
    private var connections: Set<[Int]> = []

    /// `hostileCount` of the nodes are hostile before anybody has spoken, and so are `ground`, peers that come on top.
    init(nodeCount: Int, config: KademliaConfig, seed number: UInt8, hostileCount: Int = 0, ground: [Int] = []) {
        self.nodeCount = nodeCount
        names = Array(0..<nodeCount) + ground
        random = SeededRandom(seed: seed(number))
        armed = Array(repeating: nil, count: names.count)
        hostile = Set(nodeCount..<names.count)
        // The seed is honest: nobody helps who knows liars alone.
        if hostileCount > 0 { hostile.formUnion(random.sample(Array(1..<nodeCount), hostileCount)) }
        for number in names.indices {
            var config = config
            config.seeds = number == 0 ? [] : [peer(0)]
            let (peerID, peer) = (identity(of: number), entry(of: number))
            machines.append(
                KademliaMachine(
                    own: peerID,
                    config: config,
                    validator: RankedValues(),
                    random: random.split()
                )
            )
            numbers[peerID] = number
            keys.append(KademliaKey(hashing: peerID.bytes))
            let start = Instant.zero.advanced(by: .milliseconds(random.below(10_000)))
            queue.push(.feed(number, .clock(unixMilliseconds: 0)), at: start)
            queue.push(.feed(number, .ownAddresses(peer.addresses)), at: start)
            queue.push(.feed(number, .started), at: start)
        }
    }

    private func identity(of node: Int) -> PeerID { peerID(names[node]) }

    private func entry(of node: Int) -> KademliaPeer { peer(names[node]) }

    private func address(of node: Int) -> IPAddress { host(names[node]) }

    var honest: [Int] { (0..<nodeCount).filter { !hostile.contains($0) && !dead.contains($0) } }

    var tableCounts: [Int] { honest.map { machines[$0].tableCount } }

    func kill(_ number: Int) { dead.insert(number) }

    /// A node that was away begins anew with an empty table.
    func revive(_ number: Int, config: KademliaConfig) {
        dead.remove(number)
        armed[number] = nil
        var config = config
        config.seeds = [entry(of: 0)]
        machines[number] = KademliaMachine(
            own: identity(of: number),
            config: config,
            validator: RankedValues(),
            random: random.split()
        )
        for input in [.clock(unixMilliseconds: 0), .ownAddresses(entry(of: number).addresses), .started]
            as [KademliaMachine.Input]
        {
            queue.push(.feed(number, input), at: now)
        }
    }

    /// So many of the nodes have only waited to be known.
    func turnHostile(_ count: Int) { hostile = Set(random.sample(Array(0..<nodeCount), count)) }

    /// A command at a node; its result appears in `results`.
    func command(_ command: KademliaCommand, at number: Int) -> KademliaCommandID {
        nextNumber += 1
        let id = KademliaCommandID(rawValue: nextNumber)
        queue.push(.feed(number, .command(id, command)), at: now)
        return id
    }

    func run(until end: Instant) {
        while let (at, event) = queue.pop(before: end) {
            now = at
            switch event {
            case .feed(let node, let input): feed(node, input)
            case .timer(let node):
                guard armed[node] == now else { continue }
                armed[node] = nil
                feed(node, .deadlineReached)
            case .request(let asker, let node, let id, let bytes): deliver(bytes, id, from: asker, to: node)
            }
        }
        now = end
        for number in honest { machines[number].checkInvariants() }
    }

    /// The honest live nodes nearest to a key, nearest first.
    func nearest(to key: [UInt8]) -> [Int] {
        let target = KademliaKey(hashing: key)
        return honest.sorted { keys[$0].distance(to: target) < keys[$1].distance(to: target) }
    }

    private func delay() -> Duration { .milliseconds(20 + random.below(81)) }

    private func feed(_ node: Int, _ input: KademliaMachine.Input) {
        guard !dead.contains(node) else { return }
        var outputs: [KademliaMachine.Output] = []
        machines[node].handle(input, at: now, into: &outputs)
        for output in outputs { carryOut(output, of: node) }
        guard let deadline = machines[node].nextDeadline else { return }
        if let timer = armed[node], timer <= deadline, timer > now { return }
        armed[node] = max(now, deadline)
        queue.push(.timer(node), at: max(now, deadline))
    }

    private func carryOut(_ output: KademliaMachine.Output, of node: Int) {
        switch output {
        case .request(let id, let peer, let bytes, let expectsResponse):
            requestCount += 1
            guard let target = numbers[peer.id], !peer.addresses.isEmpty else {
                return queue.push(.feed(node, .requestFailed(id)), at: now.advanced(by: delay()))
            }
            queue.push(.request(node, to: target, id, bytes), at: now.advanced(by: delay()))
            if !expectsResponse { queue.push(.feed(node, .delivered(id)), at: now.advanced(by: delay())) }
        case .respond(let id, let bytes):
            guard let question = inbound.removeValue(forKey: id) else { return }
            let answer = KademliaMachine.Input.response(question.1, bytes, from: address(of: node))
            queue.push(.feed(question.from, answer), at: now.advanced(by: delay()))
        case .refuse(let id):
            guard let question = inbound.removeValue(forKey: id) else { return }
            queue.push(.feed(question.from, .requestFailed(question.1)), at: now.advanced(by: delay()))
        case .accept(let id): inbound[id] = nil
        case .finished(let id, let result): results[id] = result
        case .learned, .cancel, .peerAdded, .peerRemoved, .searched: break
        }
    }

    private func deliver(_ bytes: [UInt8], _ id: KademliaRequestID, from asker: Int, to node: Int) {
        guard !dead.contains(node) else { return }
        if connections.insert([min(asker, node), max(asker, node)]).inserted {
            feed(node, .identified(entry(of: asker), isServer: true, from: address(of: asker)))
            feed(asker, .identified(entry(of: node), isServer: true, from: address(of: node)))
        }
        guard !hostile.contains(node) else {
            guard let answer = lie(about: bytes, at: node) else { return }
            let input = KademliaMachine.Input.response(id, answer.encoded, from: address(of: node))
            return queue.push(.feed(asker, input), at: now.advanced(by: delay()))
        }
        nextNumber += 1
        let number = KademliaInboundID(rawValue: nextNumber)
        inbound[number] = (asker, id)
        feed(node, .inbound(number, identity(of: asker), bytes, from: address(of: asker)))
    }

    private func lie(about bytes: [UInt8], at node: Int) -> KademliaMessage? {
        guard var message = try? KademliaMessage(parsing: bytes.span), message.kind != .addProvider else { return nil }
        if message.key == identity(of: node).bytes {
            message.closerPeers = [entry(of: node)]
            return message
        }
        let target = KademliaKey(hashing: message.key)
        let friends = hostile.sorted { keys[$0].distance(to: target) < keys[$1].distance(to: target) }
        message.closerPeers = friends.prefix(machines[node].config.k).map { entry(of: $0) }
        message.record = nil
        return message
    }
}

/// A binary heap by instant, then by the order of arrival.
struct EventQueue<Event> {
    private var entries: [(at: Instant, number: Int, event: Event)] = []
    private var nextNumber = 0

    mutating func push(_ event: Event, at instant: Instant) {
        entries.append((instant, nextNumber, event))
        nextNumber += 1
        var child = entries.count - 1
        while child > 0, isBefore(child, (child - 1) / 2) {
            entries.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func pop(before end: Instant) -> (Instant, Event)? {
        guard let first = entries.first, first.at < end else { return nil }
        entries.swapAt(0, entries.count - 1)
        entries.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < entries.count && isBefore(child, least) {
                least = child
            }
            guard least != parent else { break }
            entries.swapAt(parent, least)
            parent = least
        }
        return (first.at, first.event)
    }

    private func isBefore(_ left: Int, _ right: Int) -> Bool {
        (entries[left].at, entries[left].number) < (entries[right].at, entries[right].number)
    }
}
