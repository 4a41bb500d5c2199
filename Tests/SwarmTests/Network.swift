import Cryptography
import Identity
import Primitives
import Testing

@testable import Swarm

/// Swarms in one virtual world: sockets split, delay and join bytes as the seed wills.
///
/// Events are done in the order of their instants and, within one, of their making. Bytes of one direction of a socket never
/// overtake each other.
struct Network {
    /// What the application at one node saw, without the transport.
    typealias Event = SwarmMachine.Output

    struct Node {
        var machine: SwarmMachine
        var events: [Event] = []
        let address: IPAddress
        /// Whether `data` is consumed as soon as it is told.
        var consumes = true
        var received: [StreamHandle: [UInt8]] = [:]
        /// Streams whose own direction the test has closed: writing behind that would be its own mistake.
        var closed: [StreamHandle] = []
        var isStopped = false
    }

    /// One end of a socket.
    struct End: Hashable {
        let node: Int
        let id: ConnectionID
    }

    struct Socket {
        let other: End
        var isClosed = false
        /// When the last bytes sent from here arrive: later ones arrive later.
        var lastArrival = Instant.zero
        var isPaused = false
        var withheld: [[UInt8]] = []
    }

    private enum Happening {
        case input(Int, SwarmMachine.Input)
        case deliver(End, [UInt8])
        case closed(End, TransportFailure?)
    }

    private(set) var now = Instant.zero
    var nodes: [Node] = []
    var sockets: [End: Socket] = [:]
    private var listening: [Endpoint: Int] = [:]
    private var queue: [(at: Instant, order: Int, happening: Happening)] = []
    private var order = 0
    private var nextAccepted: UInt64 = 1
    private var random: SeededRandom
    /// Bytes that a tampering middleman changes on their way.
    var tamper: (@Sendable (End, inout [UInt8]) -> Void)?
    /// Every TCP segment is at most so long; `nil` leaves pieces whole.
    var segmentMax: Int?
    var latencyMax = 5
    /// Answers of the resolver.
    var names: [NameQuery: NameAnswer] = [:]
    /// Endpoints where nothing ever answers.
    var blackHoles: Set<Endpoint> = []

    init(seed: Int, segmentMax: Int? = nil) {
        random = SeededRandom(seed: [UInt8](repeating: UInt8(truncatingIfNeeded: seed), count: 32))
        self.segmentMax = segmentMax
    }

    // MARK: Making

    /// Adds a node at 10.0.0.n that listens on port 4001, and gives its number.
    @discardableResult
    mutating func add(
        _ config: SwarmConfig = SwarmConfig(),
        at address: IPAddress? = nil,
        protocols: [String] = ["/test/1"],
        isListening: Bool = true
    ) -> Int {
        let number = nodes.count
        let machine = SwarmMachine(
            config: config,
            identity: TestPeer.key(UInt8(number + 1)),
            random: SeededRandom(seed: [UInt8](repeating: UInt8(number + 101), count: 32))
        )
        let home = address ?? IPAddress(10, 0, 0, UInt8(number + 1))
        nodes.append(Node(machine: machine, address: home))
        feed(number, .clock(unixMilliseconds: 1_700_000_000_000))
        feed(number, .setProtocols(protocols))
        feed(number, .started(listen: isListening ? [Endpoint(address: home, port: 4001)] : []))
        return number
    }

    func peer(_ number: Int) -> PeerID { TestPeer.id(UInt8(number + 1)) }

    func address(_ number: Int) -> Multiaddr {
        Multiaddr(endpoint: Endpoint(address: nodes[number].address, port: 4001))
    }

    // MARK: Doing

    mutating func feed(_ node: Int, _ input: SwarmMachine.Input) {
        guard !nodes[node].isStopped else { return }
        var outputs: [SwarmMachine.Output] = []
        nodes[node].machine.handle(input, at: now, into: &outputs)
        nodes[node].machine.checkInvariants()
        for output in outputs { perform(output, of: node) }
    }

    /// Runs until nothing is left to happen before `instant`.
    mutating func run(until instant: Instant) {
        while true {
            let next = queue.first?.at
            let timer = nodes.indices.compactMap { index in
                nodes[index].machine.nextDeadline.map { (at: max($0, now), node: index) }
            }.min { $0.at < $1.at }
            if let next, next <= instant, timer.map({ next <= $0.at }) ?? true {
                let (at, _, happening) = queue.removeFirst()
                now = max(now, at)
                happen(happening)
            } else if let timer, timer.at <= instant {
                now = timer.at
                feed(timer.node, .deadlineReached)
            } else {
                now = max(now, instant)
                return
            }
        }
    }

    mutating func run(for duration: Duration) {
        run(until: now.advanced(by: duration))
    }

    mutating func connect(_ from: Int, to other: Int, request: UInt64 = 1) {
        feed(from, .connect(ConnectRequestID(rawValue: request), peer(other), [address(other)]))
    }

    /// A socket of an outsider to a node, whose bytes the test writes; gives the node's end.
    mutating func rawConnection(to node: Int, from remote: IPAddress, port: UInt16 = 999) -> End {
        let end = End(node: node, id: ConnectionID(rawValue: nextAccepted))
        nextAccepted += 2
        sockets[end] = Socket(other: End(node: -1, id: end.id))
        let local = Endpoint(address: nodes[node].address, port: 4001)
        feed(node, .transport(.accepted(end.id, local: local, remote: Endpoint(address: remote, port: port))))
        return end
    }

    // MARK: The driver

    private mutating func perform(_ output: SwarmMachine.Output, of node: Int) {
        guard case .transport(let action) = output else {
            if case .stopped = output { nodes[node].isStopped = true }
            nodes[node].events.append(output)
            if case .data(let stream, let bytes) = output {
                nodes[node].received[stream, default: []] += bytes
                if nodes[node].consumes { later(.input(node, .consumed(stream, bytes.count)), in: .zero) }
            }
            return
        }
        switch action {
        case .listen(let id, let endpoint):
            listening[endpoint] = node
            later(.input(node, .transport(.listening(id, endpoint))), in: .zero)
        case .stopListening: listening = listening.filter { $0.value != node }
        case .dial(let id, let endpoint): dial(End(node: node, id: id), endpoint)
        case .send(let id, let bytes): send(bytes, from: End(node: node, id: id))
        case .pauseReading(let id): sockets[End(node: node, id: id)]?.isPaused = true
        case .resumeReading(let id): resume(End(node: node, id: id))
        case .close(let id): close(End(node: node, id: id), isAbort: false)
        case .abort(let id): close(End(node: node, id: id), isAbort: true)
        case .resolve(let id, let query):
            let answer = names[query] ?? .failed("no such name")
            later(.input(node, .transport(.resolved(id, answer))), in: .milliseconds(3))
        }
    }

    private mutating func dial(_ end: End, _ endpoint: Endpoint) {
        sockets[end] = Socket(other: End(node: -1, id: end.id))
        guard !blackHoles.contains(endpoint) else { return }
        guard let target = listening[endpoint], !nodes[target].isStopped else {
            sockets[end] = nil
            return later(.input(end.node, .transport(.dialFailed(end.id, .refused))), in: .milliseconds(1))
        }
        let accepted = End(node: target, id: ConnectionID(rawValue: nextAccepted))
        nextAccepted += 2
        sockets[end] = Socket(other: accepted)
        // The dialer hears of the connection before it hears of bytes on it.
        sockets[accepted] = Socket(other: end, lastArrival: now.advanced(by: .milliseconds(2)))
        let source = Endpoint(address: nodes[end.node].address, port: UInt16(50_000 + random.below(10_000)))
        later(.input(target, .transport(.accepted(accepted.id, local: endpoint, remote: source))), in: .milliseconds(1))
        later(.input(end.node, .transport(.dialed(end.id, local: source, remote: endpoint))), in: .milliseconds(2))
    }

    private mutating func send(_ bytes: [UInt8], from end: End) {
        guard let socket = sockets[end], !socket.isClosed, socket.other.node >= 0 else { return }
        var bytes = bytes
        tamper?(end, &bytes)
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = segmentMax.map { 1 + random.below(min($0, rest.count)) } ?? rest.count
            deliver(Array(rest.prefix(count)), from: end)
            rest = rest.dropFirst(count)
        }
    }

    private mutating func deliver(_ bytes: [UInt8], from end: End) {
        guard let socket = sockets[end] else { return }
        let arrival = max(socket.lastArrival, now.advanced(by: .milliseconds(random.below(latencyMax + 1))))
        sockets[end]?.lastArrival = arrival
        later(.deliver(socket.other, bytes), at: arrival)
    }

    private mutating func close(_ end: End, isAbort: Bool) {
        guard let socket = sockets[end], !socket.isClosed else { return }
        sockets[end]?.isClosed = true
        later(.closed(end, nil), in: .zero)
        let arrival = isAbort ? now : max(socket.lastArrival, now)
        if socket.other.node >= 0 { later(.closed(socket.other, isAbort ? .reset : nil), at: arrival) }
    }

    private mutating func resume(_ end: End) {
        sockets[end]?.isPaused = false
        let withheld = sockets[end]?.withheld ?? []
        sockets[end]?.withheld = []
        for bytes in withheld { later(.deliver(end, bytes), in: .zero) }
    }

    private mutating func happen(_ happening: Happening) {
        switch happening {
        case .input(let node, .transport(.accepted(let id, let local, let remote))):
            guard sockets[End(node: node, id: id)]?.isClosed == false else { return }
            feed(node, .transport(.accepted(id, local: local, remote: remote)))
        case .input(let node, .transport(.dialed(let id, let local, let remote))):
            guard sockets[End(node: node, id: id)]?.isClosed == false else { return }
            feed(node, .transport(.dialed(id, local: local, remote: remote)))
        case .input(let node, let input):
            feed(node, input)
        case .deliver(let end, let bytes):
            guard let socket = sockets[end], !socket.isClosed else { return }
            if socket.isPaused {
                sockets[end]?.withheld.append(bytes)
            } else {
                feed(end.node, .transport(.received(end.id, bytes)))
            }
        case .closed(let end, let failure):
            guard sockets.removeValue(forKey: end) != nil else { return }
            feed(end.node, .transport(.disconnected(end.id, failure)))
        }
    }

    private mutating func later(_ happening: Happening, in delay: Duration) {
        later(happening, at: now.advanced(by: delay))
    }

    private mutating func later(_ happening: Happening, at instant: Instant) {
        let index = queue.firstIndex { $0.at > instant } ?? queue.count
        queue.insert((instant, order, happening), at: index)
        order += 1
    }
}

extension Network.Node {
    /// Forgets what happened so far.
    mutating func clear() {
        events = []
        received = [:]
    }

    func has(_ event: Network.Event) -> Bool { events.contains(event) }

    func count(_ matches: (Network.Event) -> Bool) -> Int { events.count(where: matches) }

    var descriptions: [PeerDescription] {
        events.compactMap { event in
            if case .identified(_, let description) = event { description } else { nil }
        }
    }

    var openedStreams: [StreamHandle] {
        events.compactMap { event in
            if case .streamOpened(_, let stream, _) = event { stream } else { nil }
        }
    }

    var inboundStreams: [StreamHandle] {
        events.compactMap { event in
            if case .inboundStream(let stream, _, _) = event { stream } else { nil }
        }
    }

    var answers: [Result<PeerID, ConnectFailure>] {
        events.compactMap { event in
            if case .connectAnswered(_, let result) = event { result } else { nil }
        }
    }

    var disconnections: [DisconnectReason] {
        events.compactMap { event in
            if case .disconnected(_, let reason) = event { reason } else { nil }
        }
    }
}
