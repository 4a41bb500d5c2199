public import Cryptography
internal import Primitives

/// What a record speaks about: of all records with one subject key the highest sequence wins.
public struct SubjectKey: Hashable, Comparable, Sendable {
    /// What the key says, by reference: a record's key stands in half a dozen tables, and there it takes a pointer.
    private final class Content: Sendable {
        let author: Ed25519.PublicKey
        let kind: RecordKind
        let id: [UInt8]
        /// The author's first eight bytes: they decide nearly every comparison.
        let prefix: UInt64
        /// Books look their subjects up some dozen times for every record.
        let keyedHash: Int

        init(_ author: Ed25519.PublicKey, _ prefix: UInt64, _ kind: RecordKind, _ id: [UInt8]) {
            (self.author, self.prefix, self.kind, self.id) = (author, prefix, kind, id)
            var hasher = Hasher()
            hasher.combine(prefix)
            hasher.combine(kind.rawValue)
            unsafe id.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
            keyedHash = hasher.finalize()
        }
    }

    private let content: Content

    /// The author; of a conflict or proof the culprit, whoever found it.
    public var author: Ed25519.PublicKey { content.author }
    /// Never `.withdrawal`, which takes the key of what it withdraws.
    public var kind: RecordKind { content.kind }
    /// The id of what it speaks about, the presence's class number, or the kind and id of a conflict's subject.
    public var id: [UInt8] { content.id }

    public init(author: Ed25519.PublicKey, kind: RecordKind, id: [UInt8]) {
        precondition(kind != .withdrawal, "a withdrawal takes the key of what it withdraws")
        content = Content(author, author.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }, kind, id)
    }

    public static func machine(_ machine: MachineID, of provider: Ed25519.PublicKey) -> SubjectKey {
        SubjectKey(author: provider, kind: .machine, id: machine.bytes)
    }

    public static func offer(_ offer: OfferID, of provider: Ed25519.PublicKey) -> SubjectKey {
        SubjectKey(author: provider, kind: .offer, id: offer.bytes)
    }

    public static func presence(of provider: Ed25519.PublicKey, in marketClass: MarketClass) -> SubjectKey {
        SubjectKey(author: provider, kind: .presence, id: [marketClass.rawValue])
    }

    public static func conflict(over subject: SubjectKey) -> SubjectKey {
        SubjectKey(author: subject.author, kind: .conflict, id: [subject.kind.rawValue] + subject.id)
    }

    /// What the same author says of something else.
    func sibling(_ kind: RecordKind, _ id: [UInt8]) -> SubjectKey { SubjectKey(beside: self, kind, id) }

    private init(beside sibling: SubjectKey, _ kind: RecordKind, _ id: [UInt8]) {
        content = Content(sibling.content.author, sibling.content.prefix, kind, id)
    }

    /// By author, then kind, then id: one author's subjects stand together.
    public static func < (left: SubjectKey, right: SubjectKey) -> Bool {
        let (left, right) = (left.content, right.content)
        if left.prefix != right.prefix { return left.prefix < right.prefix }
        if left === right { return false }
        if left.author != right.author { return left.author.bytes.lexicographicallyPrecedes(right.author.bytes) }
        if left.kind != right.kind { return left.kind < right.kind }
        return left.id.lexicographicallyPrecedes(right.id)
    }

    public static func == (left: SubjectKey, right: SubjectKey) -> Bool {
        let (left, right) = (left.content, right.content)
        if left === right { return true }
        return left.keyedHash == right.keyedHash && left.prefix == right.prefix && left.kind == right.kind
            && left.id == right.id && left.author == right.author
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(content.keyedHash) }
    public func _rawHashValue(seed: Int) -> Int { KeyedHash.filed(content.keyedHash, seed: seed) }
}
