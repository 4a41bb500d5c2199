internal import CSodium

/// ChaCha20-Poly1305 (RFC 8439) as Noise uses it: a 32-byte key, and a nonce of four zero bytes and a 64-bit little-endian counter.
public struct ChaChaPoly: Sendable {
    public static let keyByteCount = 32
    public static let tagByteCount = 16
    static let nonceByteCount = 12

    private let key: SecretBytes

    public init(key: [UInt8]) {
        precondition(key.count == Self.keyByteCount)
        Sodium.initialize()
        self.key = SecretBytes(key)
    }

    /// Appends the encrypted plaintext and its tag to `output`.
    public func seal(
        _ plaintext: borrowing Span<UInt8>,
        counter: UInt64,
        associatedData: [UInt8] = [],
        into output: inout [UInt8]
    ) {
        seal(plaintext, nonce: Self.nonce(counter), associatedData: associatedData, into: &output)
    }

    /// As above with all 12 bytes of the nonce, which public vectors choose.
    func seal(
        _ plaintext: borrowing Span<UInt8>,
        nonce: [UInt8],
        associatedData: [UInt8],
        into output: inout [UInt8]
    ) {
        precondition(nonce.count == Self.nonceByteCount)
        let (start, count) = (output.count, plaintext.count)
        output.append(contentsOf: repeatElement(0, count: count + Self.tagByteCount))
        unsafe plaintext.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe key.withPointer { key in
                    // The tag makes room for at least 16 bytes, so the target has an address; an empty source may have none.
                    guard let base = target.baseAddress else { preconditionFailure("no room for the tag") }
                    _ = unsafe crypto_aead_chacha20poly1305_ietf_encrypt(
                        base + start,
                        nil,
                        source.baseAddress ?? UnsafePointer(base),
                        UInt64(count),
                        associatedData,
                        UInt64(associatedData.count),
                        nil,
                        nonce,
                        key
                    )
                }
            }
        }
    }

    /// Appends the decrypted plaintext to `output`; on a wrong tag it returns `false` and leaves `output` as it was.
    public func open(
        _ ciphertext: borrowing Span<UInt8>,
        counter: UInt64,
        associatedData: [UInt8] = [],
        into output: inout [UInt8]
    ) -> Bool {
        open(ciphertext, nonce: Self.nonce(counter), associatedData: associatedData, into: &output)
    }

    /// As above with all 12 bytes of the nonce, which public vectors choose.
    func open(
        _ ciphertext: borrowing Span<UInt8>,
        nonce: [UInt8],
        associatedData: [UInt8],
        into output: inout [UInt8]
    ) -> Bool {
        precondition(nonce.count == Self.nonceByteCount)
        guard ciphertext.count >= Self.tagByteCount else { return false }
        let (start, count) = (output.count, ciphertext.count)
        output.append(contentsOf: repeatElement(0, count: count - Self.tagByteCount))
        let status = unsafe ciphertext.withUnsafeBufferPointer { source in
            unsafe output.withUnsafeMutableBufferPointer { target in
                unsafe key.withPointer { key in
                    guard let base = source.baseAddress else { preconditionFailure("a ciphertext has at least a tag") }
                    return unsafe crypto_aead_chacha20poly1305_ietf_decrypt(
                        target.baseAddress.map { unsafe $0 + start },
                        nil,
                        nil,
                        base,
                        UInt64(count),
                        associatedData,
                        UInt64(associatedData.count),
                        nonce,
                        key
                    )
                }
            }
        }
        if status != 0 { output.removeSubrange(start...) }
        return status == 0
    }

    private static func nonce(_ counter: UInt64) -> [UInt8] {
        var nonce = [UInt8](repeating: 0, count: nonceByteCount)
        for index in 0..<8 { nonce[4 + index] = UInt8(truncatingIfNeeded: counter >> UInt64(8 * index)) }
        return nonce
    }
}
