internal import Primitives

/// The name under which peers publish and subscribe: 1 to 128 bytes of text.
///
/// Nothing else is asked of it here: what a market topic looks like is the market's business, and foreign peers have topics of
/// their own. The bound keeps a subscription flood small.
public struct Topic: Hashable, Comparable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    public static let byteCountMax = 128

    public let text: String
    /// The text's hash: topics are looked up for every message, and a hash of the text costs as much as all else.
    let textHash: Int

    /// `nil` unless the text has 1 to 128 bytes of UTF-8.
    public init?(_ text: String) {
        guard (1...Self.byteCountMax).contains(text.utf8.count) else { return nil }
        self.text = text
        textHash = text.hashValue
    }

    /// A topic that our own source names; its length is the programmer's duty.
    public init(stringLiteral text: String) {
        precondition((1...Self.byteCountMax).contains(text.utf8.count), "a topic has 1 to 128 bytes: \(text)")
        self.text = text
        textHash = text.hashValue
    }

    /// `nil` unless the bytes are 1 to 128 bytes of UTF-8.
    init?(utf8 bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self) else { return nil }
        self.init(text)
    }

    public var description: String { text }

    public static func == (left: Topic, right: Topic) -> Bool {
        left.textHash == right.textHash && left.text == right.text
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(textHash) }
    public func _rawHashValue(seed: Int) -> Int { KeyedHash.filed(textHash, seed: seed) }

    public static func < (left: Topic, right: Topic) -> Bool {
        left.text < right.text
    }
}

/// What proves who published a message (pubsub specification, "Message Signing").
public enum SignaturePolicy: Hashable, Sendable {
    /// Messages carry no author, sequence number, signature or key; what they carry proves itself. Ours.
    case strictNoSign
    /// Messages carry all of them but the key, and the signature must hold. The default of foreign networks.
    case strictSign
}

/// How one topic is run.
///
/// All nodes of a topic must agree on the signature policy, for it decides the message ids.
public struct TopicConfig: Hashable, Sendable {
    public var signatures: SignaturePolicy
    /// What peers earn and lose in this topic; `nil` leaves the topic out of the score.
    public var score: TopicScoreParams?

    public init(signatures: SignaturePolicy = .strictNoSign, score: TopicScoreParams? = TopicScoreParams()) {
        self.signatures = signatures
        self.score = score
    }
}
