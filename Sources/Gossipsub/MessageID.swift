internal import Cryptography
internal import Primitives

/// The name of a message: equal on all nodes of a topic, and what IHAVE, IWANT and IDONTWANT speak of.
///
/// Its bytes stand in the value itself: ids are copied, looked up and told by the thousand, and none of it counts a reference.
public struct MessageID: Hashable, Comparable, Sendable {
    /// Ours have 20 bytes, the default of the pubsub specification (author and sequence number) 46, and 47 with the longest other
    /// kind of key that a peer id can carry.
    public static let byteCountMax = 48

    /// The bytes as big-endian numbers, zeros behind them.
    private let words: InlineArray<6, UInt64>
    /// How many bytes there are, and in the other 56 bits their keyed hash.
    private let tag: UInt64

    /// At most `byteCountMax` bytes, which whoever reads them from a peer checks first.
    public init(bytes: [UInt8]) { self.init(copying: bytes.span) }

    init(copying bytes: Span<UInt8>) {
        precondition(bytes.count <= Self.byteCountMax, "a message id of \(bytes.count) bytes")
        var words = InlineArray<6, UInt64>(repeating: 0)
        for index in bytes.indices { words[index >> 3] |= UInt64(bytes[index]) << UInt64(56 - 8 * (index & 7)) }
        self.words = words
        var hasher = Hasher()
        for index in 0..<(bytes.count + 7) / 8 { hasher.combine(words[index]) }
        tag = UInt64(truncatingIfNeeded: hasher.finalize()) & ~0xFF | UInt64(bytes.count)
    }

    /// The id of a message that proves itself: the first 20 bytes of SHA-256 over its data.
    public static func hashing(_ data: [UInt8]) -> MessageID {
        MessageID(bytes: Array(SHA256.hash(data).prefix(20)))
    }

    /// The id of a signed message: author and sequence number as on the wire (the default of the pubsub specification).
    static func naming(author: [UInt8], sequence: [UInt8]) -> MessageID {
        MessageID(bytes: author + sequence)
    }

    var byteCount: Int { Int(tag & 0xFF) }

    public var bytes: [UInt8] {
        (0..<byteCount).map { UInt8(truncatingIfNeeded: words[$0 >> 3] >> UInt64(56 - 8 * ($0 & 7))) }
    }

    public static func == (left: MessageID, right: MessageID) -> Bool {
        // The hash tells nearly all apart, and who is equal in it and in length differs in no word.
        guard left.tag == right.tag else { return false }
        var difference: UInt64 = 0
        for index in 0..<6 { difference |= left.words[index] ^ right.words[index] }
        return difference == 0
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(tag) }
    public func _rawHashValue(seed: Int) -> Int { KeyedHash.filed(Int(truncatingIfNeeded: tag), seed: seed) }

    /// A hash that nobody outside the process can foresee.
    var keyedHash: UInt64 { tag }

    /// By the bytes; of two that begin alike the shorter comes first.
    public static func < (left: MessageID, right: MessageID) -> Bool {
        for index in 0..<6 where left.words[index] != right.words[index] {
            return left.words[index] < right.words[index]
        }
        return left.byteCount < right.byteCount
    }
}

/// A message id within its topic.
///
/// Ids are counted per topic, unlike go: our ids cover the data alone, so a stranger could otherwise publish an honest record
/// under a wrong topic, have it rejected there, and thereby silence it under the right one; and one request may honestly appear
/// under several topics.
struct MessageKey: Hashable, Sendable {
    static let hashBitCount = 62

    let id: MessageID
    /// The keyed hash of the topic's text stands for it: 64 bits that nobody outside the process can steer.
    private let topic: Int

    init(id: MessageID, topic: Topic) {
        (self.id, self.topic) = (id, topic.textHash)
    }

    /// What stands for a key where many are kept: as hard to steer as the two hashes that it mixes (SplitMix64's finaliser).
    var hash: UInt64 {
        var mixed = id.keyedHash &+ UInt64(bitPattern: Int64(topic)) &* 0x9E37_79B9_7F4A_7C15
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        return (mixed ^ (mixed >> 27)) >> UInt64(64 - Self.hashBitCount)
    }

    func hash(into hasher: inout Hasher) { hasher.combine(hash) }
    func _rawHashValue(seed: Int) -> Int { KeyedHash.filed(Int(truncatingIfNeeded: hash), seed: seed) }
}
