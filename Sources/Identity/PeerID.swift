public import Cryptography
internal import Primitives

/// Why bytes or a text are not a peer id.
public enum PeerIDError: Error, Hashable, Sendable {
    case malformedMultihash(MultihashError)
    /// Neither SHA-256 of 32 bytes nor an inlined key of at most 42 bytes.
    case unsupportedMultihash
    /// The inlined bytes are not the one encoding of a key.
    case notCanonicalKey
    /// Neither base58btc nor a CIDv1 of a libp2p key.
    case malformedText
}

/// The name of a peer: the multihash of its encoded public key (libp2p/specs, peer-ids).
///
/// An Ed25519 key is short enough to stand in the id itself, so such an id (`12D3Koo…`) is the key. Ids of other keys can be
/// named and passed on, but nobody can authenticate as one of them here.
public struct PeerID: Hashable, Sendable {
    /// Keys of at most so many bytes are inlined, longer ones hashed (libp2p/specs, peer-ids, "Peer Ids").
    public static let inlinedByteCountMax = 42
    /// Code and length before an inlined key of 42 bytes.
    public static let byteCountMax = 2 + inlinedByteCountMax
    /// A CIDv1 of 46 bytes in hexadecimal, its longest form, with the multibase prefix.
    public static let textByteCountMax = 93

    /// The multihash.
    public let bytes: [UInt8]
    /// Their hash: ids are looked up many times for every message, and a hash of the bytes would cost most of it.
    private let bytesHash: Int

    public init(publicKey: Ed25519.PublicKey) {
        self.init(checked: Multihash(identity: KeyCodec.encode(publicKey)).bytes)
    }

    private init(checked bytes: [UInt8]) {
        (self.bytes, bytesHash) = (bytes, KeyedHash.of(bytes))
    }

    /// Reads a multihash and refuses what no key of libp2p has as its id.
    public init(bytes: [UInt8]) throws(PeerIDError) {
        guard bytes.count <= Self.byteCountMax else { throw .unsupportedMultihash }
        let hash: Multihash
        do { hash = try Multihash(bytes: bytes) } catch { throw .malformedMultihash(error) }
        switch hash.code {
        case Multihash.sha256Code where hash.digest.count == SHA256.byteCount:
            break
        case Multihash.identityCode:
            guard Self.isCanonicalKey(hash.digest) else { throw .notCanonicalKey }
        default:
            throw .unsupportedMultihash
        }
        self.init(checked: bytes)
    }

    /// Reads `12D3Koo…` or `Qm…` (base58btc), or a CIDv1 in any multibase that libp2p nodes write, such as `bafz…`.
    public init(text: String) throws(PeerIDError) {
        guard (1...Self.textByteCountMax).contains(text.utf8.count) else { throw .malformedText }
        if text.hasPrefix("1") || text.hasPrefix("Qm") {
            guard let bytes = Base58.bytes(text) else { throw .malformedText }
            try self.init(bytes: bytes)
        } else {
            guard let cid = Multibase.bytes(text.utf8), cid.starts(with: Self.cidHead) else { throw .malformedText }
            try self.init(bytes: Array(cid.dropFirst(Self.cidHead.count)))
        }
    }

    /// The key that the id itself carries; `nil` for hashed ids and for keys that are not Ed25519.
    public var publicKey: Ed25519.PublicKey? {
        guard bytes.first == UInt8(Multihash.identityCode) else { return nil }
        return try? KeyCodec.decodePublicKey(Array(bytes.dropFirst(2)))
    }

    public static func == (left: PeerID, right: PeerID) -> Bool {
        left.bytesHash == right.bytesHash && left.bytes == right.bytes
    }

    public func hash(into hasher: inout Hasher) { hasher.combine(bytesHash) }
    public func _rawHashValue(seed: Int) -> Int { KeyedHash.filed(bytesHash, seed: seed) }

    /// The newer text form, a CIDv1 in base32: `bafz…`.
    public var cidText: String {
        Multibase.base32(Self.cidHead + bytes)
    }

    /// CID version 1, codec `libp2p-key`.
    private static let cidHead: [UInt8] = [0x01, 0x72]

    /// Whether these bytes have the one form of a key: `Type`, then `Data` to the end, 32 bytes of it for Ed25519.
    ///
    /// The length takes one byte because an inlined key has at most 42.
    private static func isCanonicalKey(_ key: [UInt8]) -> Bool {
        guard (4...inlinedByteCountMax).contains(key.count) else { return false }
        guard key[0] == 0x08, key[1] <= 3, key[2] == 0x12, Int(key[3]) == key.count - 4 else { return false }
        return key[1] != 1 || key.count == KeyCodec.publicByteCount
    }
}

/// By the bytes of the multihash.
extension PeerID: Comparable {
    public static func < (left: PeerID, right: PeerID) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension PeerID: CustomStringConvertible {
    /// The text form that everyone reads: base58btc.
    public var description: String { Base58.text(bytes) }
}
