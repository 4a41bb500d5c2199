internal import Cryptography

/// A key with the counter that becomes the next nonce: the CipherState of the Noise specification §5.1.
package struct CipherState: Sendable {
    package static let tagByteCount = ChaChaPoly.tagByteCount

    private let cipher: ChaChaPoly
    private var nonce: UInt64

    /// Takes exactly 32 secret bytes.
    package init(key: [UInt8], nonce: UInt64 = 0) {
        cipher = ChaChaPoly(key: key)
        self.nonce = nonce
    }

    /// How many messages may still pass: the nonce 2⁶⁴−1 is reserved (Noise §5.1).
    package var messageCountLeft: UInt64 { UInt64.max - nonce }

    /// Appends the ciphertext and its tag to `output`.
    package mutating func encryptWithAd(
        _ associatedData: [UInt8],
        _ plaintext: borrowing Span<UInt8>,
        into output: inout [UInt8]
    ) throws(NoiseFailure) {
        guard messageCountLeft > 0 else { throw .nonceExhausted }
        cipher.seal(plaintext, counter: nonce, associatedData: associatedData, into: &output)
        nonce += 1
    }

    /// Appends the plaintext to `output`; on an error the nonce and the output stay.
    package mutating func decryptWithAd(
        _ associatedData: [UInt8],
        _ ciphertext: borrowing Span<UInt8>,
        into output: inout [UInt8]
    ) throws(NoiseFailure) {
        guard messageCountLeft > 0 else { throw .nonceExhausted }
        guard cipher.open(ciphertext, counter: nonce, associatedData: associatedData, into: &output) else {
            throw .decryptionFailed
        }
        nonce += 1
    }
}
