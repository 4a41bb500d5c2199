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
        unsafe withNonce(counter) { nonce in
            unsafe seal(plaintext, nonce: nonce, associatedData: associatedData, into: &output)
        }
    }

    /// As above with all 12 bytes of the nonce, which public vectors choose.
    func seal(
        _ plaintext: borrowing Span<UInt8>,
        nonce: [UInt8],
        associatedData: [UInt8],
        into output: inout [UInt8]
    ) {
        precondition(nonce.count == Self.nonceByteCount)
        unsafe nonce.withUnsafeBytes { nonce in
            unsafe seal(plaintext, nonce: nonce, associatedData: associatedData, into: &output)
        }
    }

    /// Appends the decrypted plaintext to `output`; on a wrong tag it returns `false` and leaves `output` as it was.
    public func open(
        _ ciphertext: borrowing Span<UInt8>,
        counter: UInt64,
        associatedData: [UInt8] = [],
        into output: inout [UInt8]
    ) -> Bool {
        unsafe withNonce(counter) { nonce in
            unsafe open(ciphertext, nonce: nonce, associatedData: associatedData, into: &output)
        }
    }

    /// As above with all 12 bytes of the nonce, which public vectors choose.
    func open(
        _ ciphertext: borrowing Span<UInt8>,
        nonce: [UInt8],
        associatedData: [UInt8],
        into output: inout [UInt8]
    ) -> Bool {
        precondition(nonce.count == Self.nonceByteCount)
        return unsafe nonce.withUnsafeBytes { nonce in
            unsafe open(ciphertext, nonce: nonce, associatedData: associatedData, into: &output)
        }
    }

    // libsodium writes straight behind the output's end: neither zeros nor a second buffer come first.

    private func seal(
        _ plaintext: borrowing Span<UInt8>,
        nonce: UnsafeRawBufferPointer,
        associatedData: [UInt8],
        into output: inout [UInt8]
    ) {
        let count = plaintext.count
        unsafe plaintext.withUnsafeBufferPointer { source in
            output.append(addingCapacity: count + Self.tagByteCount) { span in
                unsafe span.withUnsafeMutableBufferPointer { target, initializedCount in
                    // The tag makes room for at least 16 bytes, so the target has an address; an empty source may have none.
                    guard let base = target.baseAddress, let nonce = nonce.baseAddress else {
                        preconditionFailure("no room for the tag")
                    }
                    unsafe key.withPointer { key in
                        _ = unsafe crypto_aead_chacha20poly1305_ietf_encrypt(
                            base + initializedCount,
                            nil,
                            source.baseAddress ?? UnsafePointer(base),
                            UInt64(count),
                            associatedData,
                            UInt64(associatedData.count),
                            nil,
                            nonce.assumingMemoryBound(to: UInt8.self),
                            key
                        )
                    }
                    initializedCount += count + Self.tagByteCount
                }
            }
        }
    }

    private func open(
        _ ciphertext: borrowing Span<UInt8>,
        nonce: UnsafeRawBufferPointer,
        associatedData: [UInt8],
        into output: inout [UInt8]
    ) -> Bool {
        guard ciphertext.count >= Self.tagByteCount else { return false }
        let count = ciphertext.count - Self.tagByteCount
        var holds = false
        unsafe ciphertext.withUnsafeBufferPointer { source in
            // One byte more than is needed, so that the target of an empty plaintext has an address too.
            output.append(addingCapacity: count + 1) { span in
                unsafe span.withUnsafeMutableBufferPointer { target, initializedCount in
                    guard let base = source.baseAddress, let output = target.baseAddress, let nonce = nonce.baseAddress
                    else { preconditionFailure("a ciphertext has at least a tag") }
                    let status = unsafe key.withPointer { key in
                        unsafe crypto_aead_chacha20poly1305_ietf_decrypt(
                            output + initializedCount,
                            nil,
                            nil,
                            base,
                            UInt64(count + Self.tagByteCount),
                            associatedData,
                            UInt64(associatedData.count),
                            nonce.assumingMemoryBound(to: UInt8.self),
                            key
                        )
                    }
                    holds = status == 0
                    if holds { initializedCount += count }
                }
            }
        }
        return holds
    }

    /// Four zero bytes and the counter, little-endian, for one call: every frame has one, so it is not an array.
    private func withNonce<Result>(_ counter: UInt64, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        let low = UInt32(truncatingIfNeeded: counter).littleEndian
        let high = UInt32(truncatingIfNeeded: counter >> 32).littleEndian
        let nonce = (UInt32(0), low, high)
        return unsafe withUnsafeBytes(of: nonce) { unsafe body($0) }
    }
}
