internal import Cryptography
public import Primitives

/// Why bytes are not a multihash.
public enum MultihashError: Error, Hashable, Sendable {
    case malformedVarint(UnsignedVarintError)
    /// A code beyond the 32 bits that the table of codes uses.
    case unknownCode(UInt64)
    case digestTooLong
    /// The digest has another length than the one stated, or the algorithm another digest length.
    case digestLength
}

/// A digest that says by which function it was made: code, length, digest (multiformats/multihash).
public struct Multihash: Hashable, Sendable {
    /// "Identity": the digest is the message itself.
    public static let identityCode = 0x00
    public static let sha256Code = 0x12
    private static let codeMax = Int(UInt32.max)
    /// Twice the longest digest in use (64 bytes), and more than any inlined key.
    public static let digestByteCountMax = 128

    public let code: Int
    public let digest: [UInt8]

    /// The SHA-256 of `message`.
    public init(sha256 message: [UInt8]) {
        code = Self.sha256Code
        digest = SHA256.hash(message)
    }

    /// The message itself, at most 128 bytes.
    public init(identity message: [UInt8]) {
        precondition(message.count <= Self.digestByteCountMax)
        code = Self.identityCode
        digest = message
    }

    /// Reads one multihash that fills `bytes` exactly.
    ///
    /// A SHA-256 digest may be shorter than 32 bytes, as the multihash table allows truncation; a `PeerID` refuses that.
    public init(bytes: [UInt8]) throws(MultihashError) {
        var offset = 0
        let (code, length): (WireInteger<UInt64>, WireInteger<UInt64>)
        do {
            code = try UnsignedVarint.read(from: bytes.span, at: &offset)
            length = try UnsignedVarint.read(from: bytes.span, at: &offset)
        } catch {
            throw .malformedVarint(error)
        }
        guard let code = code.int(in: 0...Self.codeMax) else { throw .unknownCode(code.opaque) }
        guard let count = length.int(in: 0...Self.digestByteCountMax) else { throw .digestTooLong }
        guard count == bytes.count - offset else { throw .digestLength }
        if code == Self.sha256Code && count > SHA256.byteCount { throw .digestLength }
        self.code = code
        digest = Array(bytes[offset...])
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        UnsignedVarint.append(code, to: &bytes)
        UnsignedVarint.append(digest.count, to: &bytes)
        return bytes + digest
    }
}
