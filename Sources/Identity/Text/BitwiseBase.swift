/// Texts in which every character carries a fixed number of bits: hexadecimal, base32 and base64url, lower case and unpadded
/// (RFC 4648 §5 to §8).
enum BitwiseBase {
    case base16
    case base32
    case base64url

    func text(_ bytes: [UInt8]) -> String {
        var characters: [UInt8] = []
        var (pending, pendingBits) = (0, 0)
        for byte in bytes {
            pending = (pending << 8 | Int(byte)) & 0xffff
            pendingBits += 8
            while pendingBits >= bits {
                pendingBits -= bits
                characters.append(alphabet[pending >> pendingBits & mask])
            }
        }
        if pendingBits > 0 { characters.append(alphabet[pending << (bits - pendingBits) & mask]) }
        return String(decoding: characters, as: UTF8.self)
    }

    /// `nil` for foreign characters, a superfluous character, or set bits behind the last byte: one byte string has one text.
    func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var (pending, pendingBits) = (0, 0)
        for character in text {
            guard let digit = alphabet.firstIndex(of: character) else { return nil }
            pending = (pending << bits | digit) & 0xffff
            pendingBits += bits
            guard pendingBits >= 8 else { continue }
            pendingBits -= 8
            bytes.append(UInt8(truncatingIfNeeded: pending >> pendingBits))
        }
        guard pendingBits < bits, pending & (1 << pendingBits - 1) == 0 else { return nil }
        return bytes
    }

    private var bits: Int {
        switch self {
        case .base16: 4
        case .base32: 5
        case .base64url: 6
        }
    }

    private var mask: Int { 1 << bits - 1 }

    private var alphabet: [UInt8] {
        switch self {
        case .base16: Self.base16Alphabet
        case .base32: Self.base32Alphabet
        case .base64url: Self.base64urlAlphabet
        }
    }

    private static let base16Alphabet = [UInt8]("0123456789abcdef".utf8)
    private static let base32Alphabet = [UInt8]("abcdefghijklmnopqrstuvwxyz234567".utf8)
    private static let base64urlAlphabet = [UInt8](
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8
    )
}
