public import Cryptography
public import Primitives

/// Why bytes are not an envelope.
public enum EnvelopeError: Error, Hashable, Sendable {
    case tooLong
    case malformed(ProtobufError)
    case key(KeyError)
    /// Absent, or not of 64 bytes.
    case signatureLength
    /// The fields are there, but not in their one encoding: other order, padded numbers, unknown or repeated fields.
    case notCanonical
}

/// Bytes with a type, signed by a peer for one purpose (libp2p/specs, RFC 0002).
///
/// The purpose is the *domain*: it is signed but not sent, so a signature for one purpose is worthless for another. Unlike
/// the specification, whose protobuf may be encoded in many ways, an envelope here has exactly one encoding: whoever names
/// it by a hash of its bytes gets one name. Known implementations write this one.
public struct SignedEnvelope: Hashable, Sendable {
    /// Longer than every registered code that names a payload.
    public static let payloadTypeByteCountMax = 64

    public let publicKey: Ed25519.PublicKey
    public let payloadType: [UInt8]
    public let payload: [UInt8]
    public let signature: [UInt8]

    /// Reads an envelope of at most `byteCountMax` bytes; whether its signature holds must be asked.
    public init(parsing source: Span<UInt8>, byteCountMax: Int) throws(EnvelopeError) {
        guard source.count <= byteCountMax else { throw .tooLong }
        var (key, type, payload, signature): ([UInt8], [UInt8], [UInt8], [UInt8]) = ([], [], [], [])
        do throws(ProtobufError) {
            var reader = ProtobufReader(source)
            while let field = try reader.next() {
                switch field.number {
                case 1: key = try field.bytes(of: source, byteCountMax: Self.keyByteCountMax)
                case 2: type = try field.bytes(of: source, byteCountMax: Self.payloadTypeByteCountMax)
                case 3: payload = try field.bytes(of: source, byteCountMax: byteCountMax)
                case 5: signature = try field.bytes(of: source, byteCountMax: Ed25519.signatureByteCount)
                default: break
                }
            }
            if key.isEmpty { throw .missing(field: 1) }
            if type.isEmpty { throw .missing(field: 2) }
        } catch {
            throw .malformed(error)
        }
        do { publicKey = try KeyCodec.decodePublicKey(key) } catch { throw .key(error) }
        guard signature.count == Ed25519.signatureByteCount else { throw .signatureLength }
        payloadType = type
        self.payload = payload
        self.signature = signature
        // Unknown and repeated fields, other orders and padded numbers do not survive this comparison.
        guard bytes.span.isIdentical(to: source) else { throw .notCanonical }
    }

    private init(publicKey: Ed25519.PublicKey, payloadType: [UInt8], payload: [UInt8], signature: [UInt8]) {
        self.publicKey = publicKey
        self.payloadType = payloadType
        self.payload = payload
        self.signature = signature
    }

    /// Signs `payload` with `key` for one purpose.
    public static func seal(
        payload: [UInt8],
        payloadType: [UInt8],
        domain: String,
        by key: Ed25519.PrivateKey
    ) -> SignedEnvelope {
        precondition((1...payloadTypeByteCountMax).contains(payloadType.count), "a payload has a type")
        let message = signedBytes(domain: domain, payloadType: payloadType, payload: payload)
        return SignedEnvelope(
            publicKey: key.publicKey,
            payloadType: payloadType,
            payload: payload,
            signature: key.signature(of: message)
        )
    }

    /// The one encoding.
    public var bytes: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(1, KeyCodec.encode(publicKey))
        writer.bytes(2, payloadType)
        writer.bytes(3, payload)
        writer.bytes(5, signature)
        return writer.bytes
    }

    /// What the signature covers: domain, type and payload, each behind its length (RFC 0002, "Signature Production").
    public static func signedBytes(domain: String, payloadType: [UInt8], payload: [UInt8]) -> [UInt8] {
        [Array(domain.utf8), payloadType, payload].flatMap(LengthPrefixedFrames.framed)
    }

    /// The verification that `isSignedValidly` does, as a value to hand out.
    public func signatureCheck(domain: String) -> SignatureCheck {
        let message = Self.signedBytes(domain: domain, payloadType: payloadType, payload: payload)
        return SignatureCheck(key: publicKey, message: message, signature: signature)
    }

    /// Whether the envelope was signed by its key for this purpose.
    ///
    /// About 60 µs.
    public func isSignedValidly(domain: String) -> Bool {
        signatureCheck(domain: domain).holds
    }

    /// An RSA key of 4096 bits has 550 bytes in its message: such an envelope is refused by the key's type, not as malformed.
    private static let keyByteCountMax = 1024
}

extension Span where Element == UInt8 {
    fileprivate func isIdentical(to other: borrowing Span<UInt8>) -> Bool {
        guard count == other.count else { return false }
        for index in 0..<count where self[index] != other[index] { return false }
        return true
    }
}
