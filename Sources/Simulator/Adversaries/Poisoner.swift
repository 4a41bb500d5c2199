internal import Identity
internal import Kademlia
internal import Node
internal import Primitives
internal import Swarm

/// Lies in the hash table: of whatever it is asked it names others of its kind, and nobody else.
///
/// A poisoner lies about all keys and passes nothing on besides, so that whoever knows only its kind hears nothing of the market. A
/// hider lies about a few keys alone, and is honest in everything else: nobody notices it who does not ask there.
struct Poisoner: Sendable {
    /// As many as an answer may name.
    private static let namedCount = KademliaMessage.closerPeerCountMax
    /// No signed value: the validator of every honest node turns it down.
    private static let forgery = [UInt8](repeating: 0x5a, count: 64)
    private static let questionCountMax = 64

    private let from: Instant
    private let accomplices: [(key: KademliaKey, peer: KademliaPeer)]
    /// What it lies about; `nil` for everything.
    private let keys: Set<[UInt8]>?
    private var table: ProtocolStreams
    private var books = ProtocolStreams(SyncLimits.protocolName)
    /// What each stream asked and has not been answered yet, in order: the answer to a search for peers does not repeat it.
    private var questions: [StreamHandle: (frames: LengthPrefixedFrames, keys: [[UInt8]])] = [:]

    init(from: Instant, network: String, accomplices: [KademliaPeer], about keys: Set<[UInt8]>? = nil) {
        (self.from, self.keys) = (from, keys)
        table = ProtocolStreams(NodeKademlia().protocolName(in: network))
        self.accomplices = accomplices.map { (KademliaKey(hashing: $0.id.bytes), $0) }
    }

    mutating func hear(_ input: NodeMachine.Input) {
        table.hear(input)
        books.hear(input)
        guard case .swarm(let word) = input else { return }
        switch word {
        case .data(let stream, let bytes) where table.contains(stream): read(bytes, on: stream)
        case .streamReset(let stream), .remoteClosedWrite(let stream): questions[stream] = nil
        default: break
        }
    }

    private mutating func read(_ bytes: [UInt8], on stream: StreamHandle) {
        let none = (frames: LengthPrefixedFrames(byteCountMax: KademliaMessage.byteCountMax), keys: [[UInt8]]())
        var asked = questions[stream] ?? none
        asked.frames.append(bytes)
        while asked.keys.count < Self.questionCountMax, let frame = try? asked.frames.next() {
            guard let question = try? KademliaMessage(parsing: frame.span), question.kind != .addProvider else {
                continue
            }
            asked.keys.append(question.key)
        }
        questions[stream] = asked
    }

    mutating func filter(_ outputs: inout [NodeMachine.Output], tap: GossipTap, at now: Instant) {
        let table = table
        table.rewrite(&outputs) { stream, answer in lie(inPlaceOf: answer, on: stream, at: now) }
        guard now >= from, keys == nil else { return }
        Silence.mute(&outputs, tap: tap)
        books.silence(&outputs)
    }

    /// What it says for an answer of its node's; `nil` for one that it leaves.
    private mutating func lie(inPlaceOf bytes: [UInt8], on stream: StreamHandle, at now: Instant) -> [UInt8]? {
        guard var asked = questions[stream], let key = asked.keys.first else { return nil }
        asked.keys.removeFirst()
        questions[stream] = asked
        guard now >= from, keys?.contains(key) ?? true, var answer = try? KademliaMessage(parsing: bytes.span) else {
            return nil
        }
        switch answer.kind {
        case .findNode: break
        case .getProviders: answer.providerPeers = nearest(to: key)
        case .getValue: answer.record = keys == nil ? KademliaValue(key: key, value: Self.forgery) : nil
        case .putValue, .addProvider, .ping: return nil
        }
        answer.closerPeers = nearest(to: key)
        return answer.encoded
    }

    private func nearest(to key: [UInt8]) -> [KademliaPeer] {
        let target = KademliaKey(hashing: key)
        let ranked = accomplices.sorted { $0.key.distance(to: target) < $1.key.distance(to: target) }
        return ranked.prefix(Self.namedCount).map(\.peer)
    }
}
