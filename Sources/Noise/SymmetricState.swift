internal import Cryptography

/// What both sides of a handshake have hashed and mixed so far: the SymmetricState of the Noise specification §5.2.
package struct SymmetricState: Sendable {
    private var chainingKey: [UInt8]
    private var cipher: CipherState?

    /// The hash over everything sent and received, `h` in the specification; equal on both sides of an honest handshake.
    package private(set) var handshakeHash: [UInt8]

    package init(protocolName: String) {
        let name = Array(protocolName.utf8)
        let padding = SHA256.byteCount - name.count
        handshakeHash = padding < 0 ? SHA256.hash(name) : name + [UInt8](repeating: 0, count: padding)
        chainingKey = handshakeHash
    }

    package mutating func mixKey(_ keyMaterial: [UInt8]) {
        let (next, key) = derivedKeys(keyMaterial)
        chainingKey = next
        cipher = CipherState(key: key)
    }

    package mutating func mixHash(_ bytes: [UInt8]) {
        handshakeHash = SHA256.hash(handshakeHash + bytes)
    }

    /// Appends the plaintext, encrypted once there is a key, to `message`.
    package mutating func encryptAndHash(_ plaintext: [UInt8], into message: inout [UInt8]) throws(NoiseFailure) {
        var ciphertext: [UInt8] = []
        if cipher == nil {
            ciphertext = plaintext
        } else {
            try cipher?.encryptWithAd(handshakeHash, plaintext.span, into: &ciphertext)
        }
        mixHash(ciphertext)
        message += ciphertext
    }

    package mutating func decryptAndHash(_ ciphertext: [UInt8]) throws(NoiseFailure) -> [UInt8] {
        var plaintext: [UInt8] = []
        if cipher == nil {
            plaintext = ciphertext
        } else {
            try cipher?.decryptWithAd(handshakeHash, ciphertext.span, into: &plaintext)
        }
        mixHash(ciphertext)
        return plaintext
    }

    /// The keys of the transport: the initiator sends with the first, the responder with the second.
    package func split() -> (CipherState, CipherState) {
        let (first, second) = derivedKeys([])
        return (CipherState(key: first), CipherState(key: second))
    }

    /// The two-output HKDF of Noise §4.3, which is RFC 5869 with an empty `info`.
    private func derivedKeys(_ keyMaterial: [UInt8]) -> ([UInt8], [UInt8]) {
        let derived = HKDFSHA256.derive(keyMaterial: keyMaterial, salt: chainingKey, byteCount: 2 * SHA256.byteCount)
        return (Array(derived.prefix(SHA256.byteCount)), Array(derived.suffix(SHA256.byteCount)))
    }
}
