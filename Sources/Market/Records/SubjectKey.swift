public import Cryptography
internal import Primitives

/// What a record speaks about: of all records with one subject key the highest sequence wins.
public struct SubjectKey: Hashable, Comparable, Sendable {
    /// The author; of a conflict or proof the culprit, whoever found it.
    public let author: Ed25519.PublicKey
    /// Never `.withdrawal`, which takes the key of what it withdraws.
    public let kind: RecordKind
    /// The id of what it speaks about, the presence's class number, or the kind and id of a conflict's subject.
    public let id: [UInt8]
    /// The author's first eight bytes: they decide nearly every comparison.
    private let prefix: UInt64
    /// Books look their subjects up some dozen times for every record.
    private let keyedHash: Int

    public init(author: Ed25519.PublicKey, kind: RecordKind, id: [UInt8]) {
        precondition(kind != .withdrawal, "a withdrawal takes the key of what it withdraws")
        self.author = author
        self.kind = kind
        self.id = id
        prefix = author.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
        keyedHash = Self.hash(prefix, kind, id)
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
        (author, prefix) = (sibling.author, sibling.prefix)
        (self.kind, self.id) = (kind, id)
        keyedHash = Self.hash(sibling.prefix, kind, id)
    }

    private static func hash(_ prefix: UInt64, _ kind: RecordKind, _ id: [UInt8]) -> Int {
        var hasher = Hasher()
        hasher.combine(prefix)
        hasher.combine(kind.rawValue)
        unsafe id.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }

    /// By author, then kind, then id: one author's subjects stand together.
    public static func < (left: SubjectKey, right: SubjectKey) -> Bool {
        if left.prefix != right.prefix { return left.prefix < right.prefix }
        if left.author != right.author { return left.author.bytes.lexicographicallyPrecedes(right.author.bytes) }
        if left.kind != right.kind { return left.kind < right.kind }
        return left.id.lexicographicallyPrecedes(right.id)
    }

    public static func == (left: SubjectKey, right: SubjectKey) -> Bool {
        left.keyedHash == right.keyedHash && left.prefix == right.prefix && left.kind == right.kind
            && left.id == right.id && left.author == right.author
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(keyedHash) }
    public func _rawHashValue(seed: Int) -> Int { KeyedHash.filed(keyedHash, seed: seed) }
}
