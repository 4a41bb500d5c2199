public import Cryptography

/// Why bytes are not a key that we accept.
public enum KeyError: Error, Hashable, Sendable {
    /// A key of a type that we refuse, known by its first two bytes and parsed no further: RSA 0, secp256k1 2, ECDSA 3, or unknown.
    case unsupportedType(UInt8)
    /// Not the one encoding that the key has: other field order, padded varints, additional fields, other lengths.
    case notCanonical
    /// The public part of a private key belongs to another seed.
    case publicKeyMismatch
}

/// Ed25519 keys as libp2p writes them: a protobuf message of `Type` and `Data` (libp2p/specs, peer-ids, "Keys").
///
/// The encoding is deterministic, so there is nothing to parse: a key is a fixed head and its bytes. Everything else is refused,
/// or else one key would have many ids. Keys of other types are refused by their type, before anything is computed with them
/// (CVE-2023-39533: huge RSA keys burn the CPU of a node that has not even authenticated its peer).
public enum KeyCodec {
    /// Field 1, varint, 1 (Ed25519); field 2, 32 bytes.
    private static let publicHead: [UInt8] = [0x08, 0x01, 0x12, 0x20]
    /// Field 1, varint, 1 (Ed25519); field 2, 64 bytes: seed and public key.
    private static let privateHead: [UInt8] = [0x08, 0x01, 0x12, 0x40]
    private static let ed25519: UInt8 = 1

    public static let publicByteCount = publicHead.count + Ed25519.PublicKey.byteCount
    public static let privateByteCount =
        privateHead.count + Ed25519.PrivateKey.seedByteCount + Ed25519.PublicKey.byteCount

    /// 36 bytes.
    public static func encode(_ key: Ed25519.PublicKey) -> [UInt8] {
        publicHead + key.bytes
    }

    /// Reads a public key; nothing but its 36 bytes may be there.
    public static func decodePublicKey(_ bytes: [UInt8]) throws(KeyError) -> Ed25519.PublicKey {
        guard let key = Ed25519.PublicKey(try data(of: bytes, behind: publicHead)) else { throw .notCanonical }
        return key
    }

    /// 68 bytes, the form of a key file; the caller keeps them secret.
    public static func encode(_ key: Ed25519.PrivateKey) -> [UInt8] {
        privateHead + key.reveal()
    }

    /// Reads a private key and checks that the public part belongs to the seed.
    public static func decodePrivateKey(_ bytes: [UInt8]) throws(KeyError) -> Ed25519.PrivateKey {
        let data = try data(of: bytes, behind: privateHead)
        guard bytes.count == privateByteCount else { throw .notCanonical }
        let key = Ed25519.PrivateKey(seed: Array(data.prefix(Ed25519.PrivateKey.seedByteCount)))
        let publicBytes = data.dropFirst(Ed25519.PrivateKey.seedByteCount)
        guard key.publicKey.bytes[...] == publicBytes else { throw .publicKeyMismatch }
        return key
    }

    private static func data(of bytes: [UInt8], behind head: [UInt8]) throws(KeyError) -> [UInt8] {
        guard bytes.count >= 2, bytes[0] == head[0] else { throw .notCanonical }
        guard bytes[1] == ed25519 else { throw .unsupportedType(bytes[1]) }
        guard bytes.starts(with: head) else { throw .notCanonical }
        return Array(bytes.dropFirst(head.count))
    }
}
