import Cryptography
import Identity
@testable import Market
@testable import Node
import Primitives
import Swarm

/// The leases of a node that lets four GPUs and rents others, and the driver of them: a desk that signs, a disk, and one peer whose
/// streams are always to be had.
struct LeaseVictim {
    static let key = Ed25519.PrivateKey(seed: Array(repeating: 9, count: 32))
    static let sealing = X25519.KeyPair(secret: sealingSecret)
    private static let sealingSecret = [UInt8](repeating: 4, count: 32)
    /// How often a step may lead to the next at one instant, before the leases are taken to be going in circles.
    private static let stepCountMax = 1_000

    var machine: LeaseMachine
    private(set) var now = Instant.zero
    /// What it says to the peer and the peer has not read yet.
    var said: [(stream: StreamHandle, message: MarketMessage)] = []
    private(set) var open: [StreamHandle] = []
    private(set) var settlements: [SettlementOrder] = []
    /// What goes wrong at home until it is mended.
    var isDiskBroken = false
    var isKeyBroken = false
    var isPeerAway = false
    private var nextStream: UInt32 = 2
    private var sequence = UInt64(Sieges.unixMilliseconds)

    init() {
        machine = LeaseMachine(
            key: Self.key,
            network: "main",
            sealingSecret: Self.sealingSecret,
            policy: LeasePolicy(),
            restored: [],
            requestIDs: 1_000...1_999,
            random: Handshakes.random(8)
        )
        feed(.clock(unixMilliseconds: wall))
        feed(.caughtUp)
    }

    var wall: Int64 { Sieges.unixMilliseconds + now.nanoseconds / 1_000_000 }

    mutating func feed(_ input: LeaseMachine.Input) {
        var (inputs, stepCount): ([LeaseMachine.Input], Int) = ([input], 0)
        while !inputs.isEmpty {
            stepCount += 1
            precondition(stepCount < Self.stepCountMax, "the leases go in circles")
            var outputs: [LeaseMachine.Output] = []
            machine.handle(inputs.removeFirst(), at: now, into: &outputs)
            for output in outputs { carryOut(output, &inputs) }
        }
        machine.checkInvariants()
    }

    /// Lets time pass, deadline by deadline.
    mutating func wait(_ duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = machine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            feed(.deadlineReached)
        }
        now = end
    }

    private mutating func carryOut(_ output: LeaseMachine.Output, _ inputs: inout [LeaseMachine.Input]) {
        switch output {
        case .swarm(let input): carryOut(input, &inputs)
        case .persist(let ticket, _): inputs.append(isDiskBroken ? .persistFailed(ticket) : .persisted(ticket))
        case .sign(let id, let body, let expiresAt):
            let record = isKeyBroken ? nil : sign(body, expiresAt: expiresAt)
            inputs.append(record.map { .signed(id, $0) } ?? .signFailed(id, .signingStopped))
        case .requestBid(_, _, let conversation): inputs.append(.bidHeard(conversation, nil))
        case .event(.settlementDue(let order)): settlements.append(order)
        case .publish, .freeSlots, .seek, .answer, .event: break
        }
    }

    private mutating func carryOut(_ input: SwarmMachine.Input, _ inputs: inout [LeaseMachine.Input]) {
        switch input {
        case .connect(let request, let peer?, _):
            let answer: Result<PeerID, ConnectFailure> = isPeerAway ? .failure(.noAddresses) : .success(peer)
            inputs.append(.swarm(.connectAnswered(request, answer), from: nil))
        case .openStream(let request, _, let names):
            inputs.append(.swarm(.streamOpened(request, newStream(by: 0), names[0]), from: nil))
        case .write(let stream, let bytes):
            guard open.contains(stream) else { return }
            var frames = LengthPrefixedFrames(byteCountMax: MarketMessage.byteCountMax)
            frames.append(bytes)
            guard let frame = try? frames.next(), let message = try? MarketMessage(parsing: frame) else {
                preconditionFailure("the leases say what nobody may say")
            }
            said.append((stream, message))
        case .reset(let stream), .closeWrite(let stream): open.removeAll { $0 == stream }
        default: break
        }
    }

    private mutating func sign(_ body: RecordBody, expiresAt: Int64) -> SignedRecord? {
        sequence += 1
        let record = Record(network: "main", sequence: sequence, issuedAt: wall, expiresAt: expiresAt, body: body)
        return try? SignedRecord(signing: record, by: Self.key)
    }

    // MARK: The peer's end of the swarm

    private mutating func newStream(by side: UInt32) -> StreamHandle {
        let stream = StreamHandle(connection: Sieges.connection, stream: nextStream + side)
        nextStream += 2
        open.append(stream)
        return stream
    }

    mutating func accept(from peer: PeerID) {
        let stream = newStream(by: 1)
        feed(.swarm(.inboundStream(stream, peer, MarketMessage.protocolID), from: Sieges.there.address))
    }

    /// What the swarm says of a stream, unless the leases have let it go.
    mutating func hear(_ output: SwarmMachine.Output) {
        guard machine.streams.takes(output) else { return }
        feed(.swarm(output, from: nil))
    }

    mutating func lose(_ stream: StreamHandle, by output: SwarmMachine.Output) {
        open.removeAll { $0 == stream }
        hear(output)
    }

    mutating func part(from peer: PeerID) {
        open = []
        feed(.swarm(.disconnected(peer, .transport(nil)), from: nil))
    }
}
