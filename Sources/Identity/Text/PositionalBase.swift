/// Texts that write bytes as one large number in a base that is not a power of two: base58btc and base36.
///
/// Every leading zero byte becomes one leading zero digit. The work grows with the square of the length, so the length is bounded.
enum PositionalBase {
    case base58
    case base36

    /// More than any multihash we read needs (a peer id has at most 44 bytes), little enough that the square does not matter.
    static let byteCountMax = 128
    /// Base36 needs log(256)/log(36) = 1.55 digits a byte.
    static let textByteCountMax = 200

    func text(_ bytes: [UInt8]) -> String {
        let (alphabet, base) = (alphabet, alphabet.count)
        var digits: [UInt8] = []
        for byte in bytes {
            var carry = Int(byte)
            for index in digits.indices {
                carry += Int(digits[index]) << 8
                digits[index] = UInt8(carry % base)
                carry /= base
            }
            while carry > 0 {
                digits.append(UInt8(carry % base))
                carry /= base
            }
        }
        digits += repeatElement(0, count: bytes.prefix { $0 == 0 }.count)
        return String(decoding: digits.reversed().map { alphabet[Int($0)] }, as: UTF8.self)
    }

    /// `nil` if a character is not of the alphabet or the text or its bytes pass their limit.
    func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count <= Self.textByteCountMax else { return nil }
        let (alphabet, base) = (alphabet, alphabet.count)
        var bytes: [UInt8] = []
        for character in text {
            guard var carry = alphabet.firstIndex(of: character) else { return nil }
            for index in bytes.indices {
                carry += Int(bytes[index]) * base
                bytes[index] = UInt8(carry & 0xff)
                carry >>= 8
            }
            if carry > 0 { bytes.append(UInt8(carry)) }
        }
        bytes += repeatElement(0, count: text.prefix { $0 == alphabet[0] }.count)
        return bytes.count <= Self.byteCountMax ? bytes.reversed() : nil
    }

    private var alphabet: [UInt8] {
        switch self {
        case .base58: Self.base58Alphabet
        case .base36: Self.base36Alphabet
        }
    }

    private static let base58Alphabet = [UInt8]("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz".utf8)
    private static let base36Alphabet = [UInt8]("0123456789abcdefghijklmnopqrstuvwxyz".utf8)
}

/// Base58 with Bitcoin's alphabet, as peer ids are written.
public enum Base58 {
    /// The text of at most 128 bytes.
    public static func text(_ bytes: [UInt8]) -> String {
        precondition(bytes.count <= PositionalBase.byteCountMax)
        return PositionalBase.base58.text(bytes)
    }

    /// The bytes of a text; `nil` if it is not base58 or means more than 128 bytes.
    public static func bytes(_ text: String) -> [UInt8]? {
        PositionalBase.base58.bytes(text.utf8)
    }
}
