internal import CSodium

/// The operating system's randomness.
///
/// For shells and key generation; machines own a `SeededRandom` that was seeded from here.
public enum SystemEntropy {
    public static func bytes(_ count: Int) -> [UInt8] {
        Sodium.initialize()
        var bytes = [UInt8](repeating: 0, count: count)
        unsafe randombytes_buf(&bytes, count)
        return bytes
    }
}
