import Cryptography
import Gossipsub
import Identity
import Market
import Primitives

/// A record's way on one core: the frame is decoded, the router asks for a verdict, the gate screens and verifies, the book admits.
///
/// The limit is what verifying the same signatures costs by itself.
struct RecordPathWorkload: Workload {
    let rows = [Row.recordPath]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let records = try MarketSample(count: count).records
        let gate = RecordGate(network: MarketSample.network)
        var bench = GossipBench(topics: gate.profile.topics(network: gate.network))
        let frames = try records.map { record in
            try GossipBench.frame(record.envelope, gate.profile.topic(of: record, network: gate.network))
        }
        var (book, changes) = (RecordBook(config: RecordBookConfig(), profile: gate.profile), [BookChange]())
        var admitted = 0
        let duration = try seconds {
            for frame in frames {
                for message in try bench.receive(frame) {
                    var budget = VerificationBudget()
                    let screening = gate.screen(
                        message.data,
                        on: message.topic.text,
                        against: book,
                        at: MarketSample.now,
                        instant: bench.now,
                        budget: &budget
                    )
                    guard case .needsSignatures(let pending, let checks) = screening else { continue }
                    let verdict = gate.admit(
                        pending,
                        signaturesHold: checks.allSatisfy(\.holds),
                        into: &book,
                        at: MarketSample.now,
                        instant: bench.now,
                        changes: &changes
                    )
                    if case .accept = verdict { admitted += 1 }
                    changes.removeAll(keepingCapacity: true)
                    bench.judge(message, .accept)
                }
            }
        }
        guard admitted == count else { throw BenchFailure("\(admitted) records of \(count) were admitted") }
        let checks = records.flatMap(\.signatureChecks)
        let verification = seconds { for check in checks { _ = check.holds } }
        return Figures(
            values: [.recordPath: Double(count) / duration],
            limits: [.recordPath: Double(count) / verification]
        )
    }
}

/// A router with one peer that brings messages.
struct GossipBench {
    let now = Instant(nanoseconds: 1_000_000_000)
    private let peer: PeerID
    private var machine: GossipsubMachine
    private var outputs: [GossipsubMachine.Output] = []
    private var open: [MessageID: ValidationID] = [:]
    private let limits: RPCLimits

    init(topics: [String]) {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 1, count: 32))
        peer = PeerID(publicKey: Ed25519.PrivateKey(seed: [UInt8](repeating: 2, count: 32)).publicKey)
        let config = GossipsubConfig()
        limits = config.rpc
        let seed = [UInt8](repeating: 1, count: SeededRandom.seedByteCount)
        machine = GossipsubMachine(config: config, key: key, firstSequence: 1, random: SeededRandom(seed: seed))
        let address = IPAddress(127, 0, 0, 1)
        feed(.peerConnected(peer, protocolName: "/meshsub/1.1.0", isOutbound: true, address: address))
        feed(.streamReady(peer))
        for topic in topics.compactMap(Topic.init) { feed(.subscribe(topic, TopicConfig())) }
    }

    /// One RPC with one unsigned message.
    static func frame(_ data: [UInt8], _ topic: String) throws -> [UInt8] {
        guard let topic = Topic(topic) else { throw BenchFailure("\(topic) is no topic") }
        return GossipRPC(messages: [WireMessage(data: data, topic: topic)]).encoded
    }

    /// The messages to be judged.
    mutating func receive(_ frame: [UInt8]) throws -> [GossipMessage] {
        feed(.received(peer, try GossipRPC(decoding: frame, limits: limits)))
        var messages: [GossipMessage] = []
        for case .validate(let id, let message) in outputs {
            open[message.id] = id
            messages.append(message)
        }
        return messages
    }

    mutating func judge(_ message: GossipMessage, _ verdict: Validation) {
        if let id = open.removeValue(forKey: message.id) { feed(.validated(id, verdict)) }
    }

    private mutating func feed(_ input: GossipsubMachine.Input) {
        outputs.removeAll(keepingCapacity: true)
        machine.handle(input, at: now, into: &outputs)
    }
}
