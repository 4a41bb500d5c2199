import Cryptography
import Gossipsub
import Identity
import Primitives
import Sockets
import Swarm
import Testing

@testable import DaemonControl

/// Two daemons on a network without delay, and the programs that command them: everything happens in the test's own thread.
struct DaemonPair {
    struct Side {
        var machine: DaemonMachine
        let endpoint: Endpoint
        /// What the daemon did at its programs' streams, in order.
        var local: [LocalOutput] = []
        /// What programs were sent, by stream.
        var sent: [LocalStreamID: [UInt8]] = [:]
        /// The other end of every connection.
        var wires: [ConnectionID: ConnectionID] = [:]
        var nextAccepted: UInt64 = 1
        var nextProgram: UInt64 = 1
        var isStopped = false
    }

    enum Event {
        case input(Int, DaemonMachine.Input)
    }

    private(set) var sides: [Side]
    private(set) var now = Instant.zero
    private var queue: [Event] = []

    init(gossip: Bool = true, configure: (inout DaemonConfig) -> Void = { _ in }) {
        sides = (0..<2).map { index in
            var config = DaemonConfig()
            config.listen = [Endpoint(address: IPAddress(127, 0, 0, 1), port: UInt16(4001 + index))]
            if gossip { config.gossip = DaemonConfig.openGossip }
            configure(&config)
            let seed = [UInt8](repeating: UInt8(index + 1), count: 32)
            let machine = DaemonMachine(
                config: config,
                identity: Ed25519.PrivateKey(seed: seed),
                firstSequence: 1,
                random: SeededRandom(seed: seed)
            )
            return Side(machine: machine, endpoint: config.listen[0])
        }
        for index in sides.indices {
            feed(index, .clock(unixMilliseconds: 1_800_000_000_000))
            feed(index, .started)
        }
        run()
    }

    func peer(_ index: Int) -> PeerID { sides[index].machine.peer }

    func address(_ index: Int) -> Multiaddr { Multiaddr(endpoint: sides[index].endpoint) }

    // MARK: Programs

    /// A program connects.
    mutating func program(at index: Int) -> LocalStreamID {
        let id = LocalStreamID(rawValue: sides[index].nextProgram)
        sides[index].nextProgram += 2
        local(index, .accepted(id))
        return id
    }

    mutating func ask(_ requests: ControlRequest..., of program: LocalStreamID, at index: Int) {
        local(index, .received(program, requests.flatMap { LengthPrefixedFrames.framed($0.encoded) }))
    }

    /// Asks by a program of its own and takes the one answer.
    mutating func answer(to request: ControlRequest, at index: Int) throws -> ControlResponse {
        let program = program(at: index)
        ask(request, of: program, at: index)
        return try #require(try answers(to: program, at: index).first)
    }

    mutating func local(_ index: Int, _ input: LocalInput) {
        feed(index, .local(input))
        run()
    }

    /// The answers that a program got since the last look.
    mutating func answers(to program: LocalStreamID, at index: Int) throws -> [ControlResponse] {
        try frames(to: program, at: index).map { try ControlResponse(parsing: $0) }
    }

    /// The messages that a program was sent since the last look.
    mutating func frames(to program: LocalStreamID, at index: Int) throws -> [[UInt8]] {
        var frames = LengthPrefixedFrames(byteCountMax: 4 << 20)
        frames.append(bytes(to: program, at: index))
        var all: [[UInt8]] = []
        while let frame = try frames.next() { all.append(frame) }
        return all
    }

    mutating func bytes(to program: LocalStreamID, at index: Int) -> [UInt8] {
        sides[index].sent.removeValue(forKey: program) ?? []
    }

    /// What was done at the programs' streams since the last look, but for what they were sent.
    mutating func takeLocal(_ index: Int) -> [LocalOutput] {
        defer { sides[index].local = [] }
        return sides[index].local
    }

    // MARK: Time and events

    mutating func feed(_ index: Int, _ input: DaemonMachine.Input) {
        queue.append(.input(index, input))
    }

    mutating func run() {
        while !queue.isEmpty {
            guard case .input(let index, let input) = queue.removeFirst() else { return }
            var outputs: [DaemonMachine.Output] = []
            sides[index].machine.handle(input, at: now, into: &outputs)
            sides[index].machine.checkInvariants()
            for output in outputs { perform(output, of: index) }
        }
    }

    /// Lets time pass, deadline by deadline.
    mutating func advance(by duration: Duration) {
        let end = now.advanced(by: duration)
        while let next = earliest(sides[0].machine.nextDeadline, sides[1].machine.nextDeadline), next <= end {
            now = max(now, next)
            for index in sides.indices { feed(index, .deadlineReached) }
            run()
        }
        now = end
    }

    private mutating func perform(_ output: DaemonMachine.Output, of index: Int) {
        switch output {
        case .transport(let output): perform(output, of: index)
        case .local(.send(let id, let bytes)): sides[index].sent[id, default: []] += bytes
        case .local(let output): sides[index].local.append(output)
        case .verify(let id, let check): feed(index, .verified([(id, check.holds)]))
        case .listening, .listenFailed: break
        case .stopped: sides[index].isStopped = true
        }
    }

    private mutating func perform(_ output: TransportOutput, of index: Int) {
        let other = 1 - index
        switch output {
        case .listen(let id, let endpoint): feed(index, .transport(.listening(id, endpoint)))
        case .dial(let id, let endpoint):
            guard endpoint == sides[other].endpoint else {
                return feed(index, .transport(.dialFailed(id, .refused)))
            }
            let accepted = ConnectionID(rawValue: sides[other].nextAccepted)
            sides[other].nextAccepted += 2
            sides[index].wires[id] = accepted
            sides[other].wires[accepted] = id
            let local = sides[index].endpoint
            feed(index, .transport(.dialed(id, local: local, remote: endpoint)))
            feed(other, .transport(.accepted(accepted, local: endpoint, remote: local)))
        case .send(let id, let bytes):
            if let wire = sides[index].wires[id] { feed(other, .transport(.received(wire, bytes))) }
        case .close(let id), .abort(let id):
            guard let wire = sides[index].wires.removeValue(forKey: id) else { return }
            sides[other].wires[wire] = nil
            feed(index, .transport(.disconnected(id, nil)))
            feed(other, .transport(.disconnected(wire, nil)))
        case .stopListening, .pauseReading, .resumeReading, .resolve: break
        }
    }
}
