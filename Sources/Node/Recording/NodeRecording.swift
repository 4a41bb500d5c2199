public import Cryptography
public import Identity
internal import Market
public import Primitives
internal import Swarm

/// What a node was built from, without its identity key: the first entry of a recording.
///
/// Whoever holds it can repeat what the node drew at random, and with the key read what it said: it is as secret as the home.
public struct NodeOrigin: Sendable {
    public var config: NodeConfig
    /// Whose key is needed to repeat the recording.
    public var peer: PeerID
    public var isFreshIdentity: Bool
    public var restored: RestoredState
    /// What seeded the node's random stream.
    public var randomSeed: [UInt8]
    /// Everything of the configuration that is not recorded is this program's standard.
    public var programVersion: String

    public init(
        config: NodeConfig,
        peer: PeerID,
        isFreshIdentity: Bool,
        restored: RestoredState,
        randomSeed: [UInt8],
        programVersion: String
    ) {
        precondition(randomSeed.count == SeededRandom.seedByteCount, "the seed of a random stream")
        (self.config, self.peer, self.isFreshIdentity) = (config, peer, isFreshIdentity)
        (self.restored, self.randomSeed, self.programVersion) = (restored, randomSeed, programVersion)
    }

    /// The node as it was when the recording began; `nil` if the key is another's.
    public func node(identity key: Ed25519.PrivateKey) -> NodeMachine? {
        guard PeerID(publicKey: key.publicKey) == peer else { return nil }
        return NodeMachine(
            config: config,
            identity: key,
            isFreshIdentity: isFreshIdentity,
            restored: restored,
            random: SeededRandom(seed: randomSeed)
        )
    }
}

/// One input, when it came, and what the outputs up to and including it added up to.
public struct RecordedStep: Sendable {
    public let at: Instant
    public let input: NodeMachine.Input
    public let digest: UInt64

    public init(at: Instant, input: NodeMachine.Input, digest: UInt64) {
        (self.at, self.input, self.digest) = (at, input, digest)
    }
}

/// The entries of a recording as bytes.
///
/// A recording is a sequence of entries, each behind its length in four bytes, the highest first: a ``NodeOrigin``, then a
/// ``RecordedStep`` for each input. Decoding is bounded by the bytes that are there.
public enum NodeRecording {
    /// The first bytes of an origin: what the file is, and its version.
    static let magic = "rialto recording 4"
    /// No entry is longer: an import of records, or the state that a store restored.
    public static let entryByteCountMax = 1 << 30

    /// Whether a file that begins with these bytes is a recording: a length, and what the first entry begins with.
    public static func isRecording(_ head: [UInt8]) -> Bool {
        var writer = RecordingWriter()
        writer.text(magic)
        return head.dropFirst(4).starts(with: writer.bytes)
    }

    public static func encode(_ origin: NodeOrigin) -> [UInt8] {
        var writer = RecordingWriter()
        writer.text(magic)
        writer.text(origin.programVersion)
        writer.bytes(origin.peer.bytes)
        writer.flag(origin.isFreshIdentity)
        writer.bytes(origin.randomSeed)
        writer.config(origin.config)
        writer.state(origin.restored)
        return writer.bytes
    }

    public static func origin(_ bytes: [UInt8]) throws(RecordingError) -> NodeOrigin {
        var reader = RecordingReader(bytes)
        guard try reader.text() == magic else { throw .senseless }
        let (version, peer, isFresh) = (try reader.text(), try reader.peer(), try reader.flag())
        let seed = try reader.byteArray()
        guard seed.count == SeededRandom.seedByteCount else { throw .senseless }
        let (config, restored) = (try reader.config(), try reader.state())
        guard reader.isAtEnd else { throw .senseless }
        return NodeOrigin(
            config: config,
            peer: peer,
            isFreshIdentity: isFresh,
            restored: restored,
            randomSeed: seed,
            programVersion: version
        )
    }

    public static func encode(_ step: RecordedStep) -> [UInt8] {
        var writer = RecordingWriter()
        writer.signed(step.at.nanoseconds)
        writer.number(step.digest)
        writer.input(step.input)
        return writer.bytes
    }

    public static func step(_ bytes: [UInt8]) throws(RecordingError) -> RecordedStep {
        var reader = RecordingReader(bytes)
        let (nanoseconds, digest) = (try reader.signed(), try reader.number())
        let input = try reader.input()
        guard reader.isAtEnd else { throw .senseless }
        return RecordedStep(at: Instant(nanoseconds: nanoseconds), input: input, digest: digest)
    }
}

extension RecordingWriter {
    fileprivate mutating func input(_ input: NodeMachine.Input) {
        switch input {
        case .started: number(0)
        case .clock(let unixMilliseconds):
            number(1)
            signed(unixMilliseconds)
        case .transport(let input):
            number(2)
            transport(input)
        case .verified(let batch, let results):
            number(3)
            number(batch.rawValue)
            list(results) { $0.flag($1) }
        case .persisted(let ticket):
            number(4)
            number(ticket.rawValue)
        case .persistFailed(let ticket, let failure):
            number(5)
            number(ticket.rawValue)
            storeFailure(failure)
        case .command(let id, let command):
            number(6)
            number(id.rawValue)
            self.command(command)
        case .deadlineReached: number(7)
        case .multicast(let bytes, let source):
            number(8)
            self.bytes(bytes)
            address(source)
        case .swarm, .rpc: preconditionFailure("a node is recorded that keeps its connections itself")
        }
    }

    /// What the settings of a node can change.
    fileprivate mutating func config(_ config: NodeConfig) {
        text(config.network)
        list(config.listen) { $0.endpoint($1) }
        list(config.seeds) { $0.bytes($1.bytes) }
        var tuning = NodeTuning()
        (tuning.banned, tuning.allowed) = (config.banned, config.allowed)
        tuning.connectionsLow = config.swarm.trimming.lowWater
        tuning.connectionsHigh = config.swarm.trimming.highWater
        self.tuning(tuning)
        optional(config.followedSegments?.sorted()) { writer, segments in
            writer.list(segments) { $0.segment($1) }
        }
        flag(config.keepsCustody)
        optional(config.kademlia) { $0.optional($1.prefix) { $0.text($1) } }
        optional(config.probeInterval) { $0.signed($1.milliseconds) }
        optional(config.hostID) { $0.bytes($1) }
        policy(config.leases)
        flag(config.usesMulticastDNS)
    }

    fileprivate mutating func state(_ state: RestoredState) {
        list(state.facts) { writer, fact in
            writer.text(fact.name)
            writer.bytes(fact.value)
        }
        list(state.ownRecords) { $0.record($1) }
        list(state.records) { $0.record($1) }
        list(state.floors) { writer, floor in
            writer.subject(floor.subject)
            writer.number(floor.sequence)
            writer.signed(floor.until)
        }
        list(state.peers) { writer, peer in
            writer.bytes(peer.peer.bytes)
            writer.list(peer.addresses) { $0.bytes($1.bytes) }
            writer.signed(peer.lastSeen)
        }
        list(state.rows) { $0.row($1) }
    }
}

extension RecordingReader {
    fileprivate mutating func input() throws(RecordingError) -> NodeMachine.Input {
        switch try number() {
        case 0: return .started
        case 1: return .clock(unixMilliseconds: try signed())
        case 2: return .transport(try transport())
        case 3:
            let batch = BatchID(rawValue: try number())
            return .verified(batch, try list { reader throws(RecordingError) in try reader.flag() })
        case 4: return .persisted(Ticket(rawValue: try number()))
        case 5: return .persistFailed(Ticket(rawValue: try number()), try storeFailure())
        case 6: return .command(CommandID(rawValue: try number()), try command())
        case 7: return .deadlineReached
        case 8: return .multicast(try byteArray(), from: try address())
        default: throw .senseless
        }
    }

    fileprivate mutating func config() throws(RecordingError) -> NodeConfig {
        let network = try text()
        let listen = try list { reader throws(RecordingError) in try reader.endpoint() }
        var config = NodeConfig(
            listen: listen,
            seeds: try list { reader throws(RecordingError) in try reader.multiaddr() }
        )
        config.network = network
        let tuning = try tuning()
        (config.banned, config.allowed) = (tuning.banned, tuning.allowed)
        config.swarm.trimming.lowWater = tuning.connectionsLow
        config.swarm.trimming.highWater = tuning.connectionsHigh
        config.followedSegments = try optional { reader throws(RecordingError) in
            Set(try reader.list { reader throws(RecordingError) in try reader.segment() })
        }
        config.keepsCustody = try flag()
        config.kademlia = try optional { reader throws(RecordingError) in
            var part = NodeKademlia()
            part.prefix = try reader.optional { reader throws(RecordingError) in try reader.text() }
            return part
        }
        config.probeInterval = try optional { reader throws(RecordingError) in .milliseconds(try reader.signed()) }
        config.hostID = try optional { reader throws(RecordingError) in try reader.byteArray() }
        config.leases = try policy()
        config.usesMulticastDNS = try flag()
        return config
    }

    fileprivate mutating func state() throws(RecordingError) -> RestoredState {
        var state = RestoredState.empty
        state.facts = try list { reader throws(RecordingError) in
            (name: try reader.text(), value: try reader.byteArray())
        }
        state.ownRecords = try list { reader throws(RecordingError) in try reader.record() }
        state.records = try list { reader throws(RecordingError) in try reader.record() }
        state.floors = try list { reader throws(RecordingError) in
            SubjectFloor(subject: try reader.subject(), sequence: try reader.number(), until: try reader.signed())
        }
        state.peers = try list { reader throws(RecordingError) in
            let peer = try reader.peer()
            let addresses = try reader.list { reader throws(RecordingError) in try reader.multiaddr() }
            return StoredPeer(peer: peer, addresses: addresses, lastSeen: try reader.signed())
        }
        state.rows = try list { reader throws(RecordingError) in try reader.row() }
        return state
    }
}
