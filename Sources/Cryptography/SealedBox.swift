internal import CSodium

/// Bytes that anybody can close and only one key can open: libsodium's `crypto_box_seal`.
///
/// A fresh key pair closes each box (X25519, then XSalsa20-Poly1305 under a nonce of BLAKE2b over both public keys), so that a box
/// does not say who closed it. What must be bound to a sender stands inside. Source: libsodium's documentation, "Sealed boxes".
public enum SealedBox {
    /// By how much a box is longer than what it holds: the fresh public key and the authenticator.
    public static let overheadByteCount = 48

    /// Closes a box for the owner of an X25519 key; `nil` if the key does not have 32 bytes.
    ///
    /// Draws a key pair from the system's randomness, so it belongs into a shell; nothing that is decided follows from it.
    public static func seal(_ message: [UInt8], to publicKey: [UInt8]) -> [UInt8]? {
        guard publicKey.count == X25519.byteCount else { return nil }
        Sodium.initialize()
        var box = [UInt8](repeating: 0, count: message.count + overheadByteCount)
        let status = unsafe crypto_box_seal(&box, message, UInt64(message.count), publicKey)
        return status == 0 ? box : nil
    }

    /// Closes a box with a key pair whose 32 secret bytes the caller drew, so that a simulation repeats it.
    ///
    /// The same bytes for two boxes to one key would share a key stream: never give them twice.
    public static func seal(_ message: [UInt8], to publicKey: [UInt8], ephemeralSecret: [UInt8]) -> [UInt8]? {
        guard publicKey.count == X25519.byteCount, ephemeralSecret.count == X25519.byteCount else { return nil }
        let pair = X25519.KeyPair(secret: ephemeralSecret)
        var box = [UInt8](repeating: 0, count: message.count + overheadByteCount - X25519.byteCount)
        let nonce = nonce(ephemeral: pair.publicKey, recipient: publicKey)
        let status = unsafe crypto_box_easy(
            &box,
            message,
            UInt64(message.count),
            nonce,
            publicKey,
            ephemeralSecret
        )
        return status == 0 ? pair.publicKey + box : nil
    }

    /// Opens a box with the secret scalar of the key that it was closed for; `nil` if it was not, or was changed.
    public static func open(_ box: [UInt8], secret: [UInt8]) -> [UInt8]? {
        guard box.count >= overheadByteCount, secret.count == X25519.byteCount else { return nil }
        let publicKey = X25519.KeyPair(secret: secret).publicKey
        var message = [UInt8](repeating: 0, count: box.count - overheadByteCount)
        let status = unsafe crypto_box_seal_open(&message, box, UInt64(box.count), publicKey, secret)
        return status == 0 ? message : nil
    }

    private static func nonce(ephemeral: [UInt8], recipient: [UInt8]) -> [UInt8] {
        let hashed = ephemeral + recipient
        var nonce = [UInt8](repeating: 0, count: 24)
        unsafe _ = crypto_generichash(&nonce, nonce.count, hashed, UInt64(hashed.count), nil, 0)
        return nonce
    }
}
