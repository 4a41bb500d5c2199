internal import CSodium

/// SHA-256 (FIPS 180-4): what libp2p fixes for peer ids, Noise and our record ids.
public enum SHA256 {
    public static let byteCount = 32

    /// The digest of `message`, 32 bytes.
    public static func hash(_ message: [UInt8]) -> [UInt8] {
        Sodium.initialize()
        var digest = [UInt8](repeating: 0, count: byteCount)
        unsafe crypto_hash_sha256(&digest, message, UInt64(message.count))
        return digest
    }
}

/// HMAC-SHA-256 (RFC 2104).
public enum HMACSHA256 {
    /// The authentication code of `message` under a key of any length, 32 bytes.
    public static func authenticate(_ message: [UInt8], key: [UInt8]) -> [UInt8] {
        Sodium.initialize()
        var state = crypto_auth_hmacsha256_state()
        var code = [UInt8](repeating: 0, count: SHA256.byteCount)
        unsafe crypto_auth_hmacsha256_init(&state, key, key.count)
        unsafe crypto_auth_hmacsha256_update(&state, message, UInt64(message.count))
        unsafe crypto_auth_hmacsha256_final(&state, &code)
        return code
    }
}

/// HKDF with SHA-256 (RFC 5869).
public enum HKDFSHA256 {
    /// Derives `byteCount` bytes, at most 255 blocks of 32.
    public static func derive(keyMaterial: [UInt8], salt: [UInt8], info: [UInt8] = [], byteCount: Int) -> [UInt8] {
        precondition((0...255 * SHA256.byteCount).contains(byteCount))
        let extracted = HMACSHA256.authenticate(keyMaterial, key: salt)
        var (output, block): ([UInt8], [UInt8]) = ([], [])
        var counter: UInt8 = 0
        while output.count < byteCount {
            counter += 1
            block = HMACSHA256.authenticate(block + info + [counter], key: extracted)
            output += block
        }
        return Array(output.prefix(byteCount))
    }
}

/// Whether two byte strings are equal, in time that depends on their lengths alone.
public func constantTimeEqual(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    guard left.count == right.count else { return false }
    return unsafe sodium_memcmp(left, right, left.count) == 0
}
