/// Bytes as text whose first character names the base (multiformats/multibase).
///
/// Read are the bases that libp2p nodes write: `f` base16, `b` base32, `k` base36, `z` base58btc, `u` base64url.
enum Multibase {
    static let textByteCountMax = 1024

    static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard let prefix = text.first, text.count <= textByteCountMax else { return nil }
        let digits = text.dropFirst()
        switch prefix {
        case UInt8(ascii: "f"): return BitwiseBase.base16.bytes(digits)
        case UInt8(ascii: "b"): return BitwiseBase.base32.bytes(digits)
        case UInt8(ascii: "k"): return PositionalBase.base36.bytes(digits)
        case UInt8(ascii: "z"): return PositionalBase.base58.bytes(digits)
        case UInt8(ascii: "u"): return BitwiseBase.base64url.bytes(digits)
        default: return nil
        }
    }

    static func base32(_ bytes: [UInt8]) -> String {
        "b" + BitwiseBase.base32.text(bytes)
    }

    static func base64url(_ bytes: [UInt8]) -> String {
        "u" + BitwiseBase.base64url.text(bytes)
    }
}
