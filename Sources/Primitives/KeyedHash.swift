/// The keyed hash of some bytes, made once and kept beside them.
///
/// Names are looked up many times for each time that they are made, and hashing their bytes anew would cost most of a look-up. The key is
/// the process's own (`Hasher`), so that nobody outside can choose names that meet in one place of a table.
public enum KeyedHash {
    public static func of(_ bytes: [UInt8]) -> Int {
        var hasher = Hasher()
        unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        return hasher.finalize()
    }

    /// What a table with this seed files a kept hash under: for `Hashable._rawHashValue(seed:)`, which would otherwise hash the hash.
    ///
    /// Tables differ in their seeds, so that filling one in the order of another does not cluster.
    @inlinable
    public static func filed(_ hash: Int, seed: Int) -> Int {
        let product = UInt64(bitPattern: Int64(hash ^ seed)) &* 0x9E37_79B9_7F4A_7C15
        return Int(truncatingIfNeeded: product ^ (product >> 32))
    }
}
