internal import Cryptography
public import Identity

/// The name of a message: equal on all nodes of a topic, and what IHAVE, IWANT and IDONTWANT speak of.
public struct MessageID: Hashable, Comparable, Sendable {
    public let bytes: [UInt8]
    /// Their hash: every copy of a message is looked up by its id.
    private let bytesHash: Int

    public init(bytes: [UInt8]) {
        var hasher = Hasher()
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        (self.bytes, bytesHash) = (bytes, hasher.finalize())
    }

    /// The id of a message that proves itself: the first 20 bytes of SHA-256 over its data.
    public static func hashing(_ data: [UInt8]) -> MessageID {
        MessageID(bytes: Array(SHA256.hash(data).prefix(20)))
    }

    /// The id of a signed message: author and sequence number as on the wire (the default of the pubsub specification).
    static func naming(author: [UInt8], sequence: [UInt8]) -> MessageID {
        MessageID(bytes: author + sequence)
    }

    public static func == (left: MessageID, right: MessageID) -> Bool {
        left.bytesHash == right.bytesHash && left.bytes == right.bytes
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytesHash) }

    /// Enough of the hash to tell a few ids apart.
    var shortHash: UInt32 { UInt32(truncatingIfNeeded: bytesHash) }

    public static func < (left: MessageID, right: MessageID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

/// A message id within its topic.
///
/// Ids are counted per topic, unlike go: our ids cover the data alone, so a stranger could otherwise publish an honest record
/// under a wrong topic, have it rejected there, and thereby silence it under the right one; and one request may honestly appear
/// under several topics.
struct MessageKey: Hashable, Sendable {
    let id: MessageID
    let topic: Topic
}

/// A message that a peer delivered and the owner shall judge.
public struct GossipMessage: Sendable {
    public let id: MessageID
    public let topic: Topic
    public let data: [UInt8]
    /// Who brought it; not who wrote it.
    public let source: PeerID
    /// Who signed it; `nil` in topics without signatures.
    public let author: PeerID?
    /// The author's sequence number; 0 in topics without signatures.
    public let sequence: UInt64
    /// What `data` is, if its publisher is in this process and said so; never for a message that was bytes.
    public let content: (any GossipContent)?
}

extension GossipMessage: Hashable {
    public static func == (left: GossipMessage, right: GossipMessage) -> Bool {
        left.id == right.id && left.topic == right.topic && left.data == right.data && left.source == right.source
            && left.author == right.author && left.sequence == right.sequence
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(id)
        hasher.combine(topic)
        hasher.combine(source)
    }
}

/// Names one validation, from the output that asks for it to the input that answers it.
public struct ValidationID: Hashable, Comparable, Sendable {
    let number: UInt64

    public static func < (left: ValidationID, right: ValidationID) -> Bool {
        left.number < right.number
    }
}

/// The verdict over a message (gossipsub 1.1, "Extended Validators").
public enum Validation: Hashable, Sendable {
    /// Forward it and credit who brought it.
    case accept
    /// No honest node sends it: drop it and charge who brought it.
    case reject
    /// Drop it at nobody's cost. A final one is not asked about again; another copy of one that is not final is.
    case ignore(isFinal: Bool)
}

/// Another peer of a topic that someone recommended with PRUNE, with the proof of its addresses.
public struct PeerExchangeEntry: Hashable, Sendable {
    public let peer: PeerID
    public let addresses: [Multiaddr]
    /// The signed peer record as received, for the address book.
    public let envelope: [UInt8]
}
