import Cryptography
import Identity
import Primitives
import Testing

@testable import Gossipsub

/// Keys and ids of small numbers.
func key(_ number: Int) -> Ed25519.PrivateKey {
    var seed = [UInt8](repeating: 7, count: 32)
    (seed[0], seed[1]) = (UInt8(number & 0xff), UInt8(number >> 8))
    return Ed25519.PrivateKey(seed: seed)
}

func peer(_ number: Int) -> PeerID { PeerID(publicKey: key(number).publicKey) }

func random(_ seed: Int) -> SeededRandom {
    var bytes = [UInt8](repeating: 0, count: 32)
    (bytes[0], bytes[1]) = (UInt8(seed & 0xff), UInt8(seed >> 8))
    return SeededRandom(seed: bytes)
}

func id(_ text: String) -> MessageID { MessageID(bytes: Array(text.utf8)) }

/// A public address of its own for every number.
func address(_ number: Int) -> IPAddress { IPAddress(8, 8, UInt8(number >> 8), UInt8(number & 0xff)) }

/// One router in virtual time whose peers are spoken for by the test: they write raw RPCs and their streams open at once.
struct Victim {
    var machine: GossipsubMachine
    var now = Instant.zero
    var outputs: [GossipsubMachine.Output] = []
    var verdict: (GossipMessage) -> Validation? = { _ in .accept }
    var judged: [GossipMessage] = []
    /// What each peer was sent since the last look.
    var sent: [PeerID: [RPC]] = [:]

    init(_ config: GossipsubConfig = GossipsubConfig(), seed: Int = 1) {
        machine = GossipsubMachine(config: config, key: key(0), firstSequence: 100, random: random(seed))
    }

    mutating func feed(_ input: GossipsubMachine.Input) {
        var inputs = [input]
        while !inputs.isEmpty {
            var fresh: [GossipsubMachine.Output] = []
            machine.handle(inputs.removeFirst(), at: now, into: &fresh)
            machine.checkInvariants(at: now)
            for output in fresh {
                switch output {
                case .openStream(let peer): inputs.append(.streamReady(peer))
                case .verify(let id, let check): inputs.append(.verified(id, check.holds))
                case .validate(let id, let message):
                    judged.append(message)
                    if let verdict = verdict(message) { inputs.append(.validated(id, verdict)) }
                case .send(let peer, let sent):
                    let rpc = try? RPC(decoding: sent.encoded, limits: RPCLimits())
                    #expect(rpc != nil)
                    self.sent[peer, default: []].append(rpc ?? RPC())
                default: break
                }
            }
            outputs += fresh
        }
    }

    mutating func advance(by duration: Duration) {
        let end = now.advanced(by: duration)
        while let due = machine.nextDeadline, due <= end {
            now = max(now, due)
            feed(.deadlineReached)
        }
        now = end
    }

    /// Connects peers that are subscribed to the topics.
    mutating func connect(
        _ numbers: some Sequence<Int>,
        isOutbound: Bool = false,
        protocolName: String = "/meshsub/1.3.0",
        topics: [Topic] = [],
        extensions: GossipExtensions? = nil
    ) {
        for number in numbers {
            let address = address(number)
            feed(.peerConnected(peer(number), protocolName: protocolName, isOutbound: isOutbound, address: address))
            if !topics.isEmpty {
                let subscriptions = topics.map { Subscription(topic: $0, isSubscribed: true) }
                hear(number, RPC(subscriptions: subscriptions, control: ControlMessage(extensions: extensions)))
            }
        }
    }

    mutating func hear(_ number: Int, _ rpc: RPC) {
        hear(number, bytes: rpc.encoded)
    }

    mutating func hear(_ number: Int, bytes: [UInt8]) {
        do {
            feed(.received(peer(number), try RPC(decoding: bytes, limits: RPCLimits())))
        } catch {
            feed(.receivedUnreadable(peer(number), error))
        }
    }

    mutating func hear(_ number: Int, _ control: ControlMessage) {
        hear(number, RPC(control: control))
    }

    mutating func hear(_ number: Int, _ text: String, in topic: Topic) {
        hear(number, RPC(messages: [WireMessage(data: Array(text.utf8), topic: topic)]))
    }

    func score(_ number: Int) -> Double { machine.score(of: peer(number)) }

    func sent(to number: Int) -> [RPC] { sent[peer(number)] ?? [] }

    func messages(to number: Int) -> [[UInt8]] { sent(to: number).flatMap(\.messages).map { $0.data ?? [] } }

    func prunes(to number: Int) -> [Prune] { sent(to: number).flatMap(\.control.prune) }

    func misbehaviours(of number: Int) -> [GossipsubMachine.Misbehaviour] {
        outputs.compactMap { output in
            if case .misbehaved(peer(number), let what) = output { what } else { nil }
        }
    }
}
