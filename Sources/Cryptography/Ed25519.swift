internal import CSodium

/// Ed25519 signatures (RFC 8032) under libsodium's strict rule: small-order keys, non-canonical `S` and `R` are refused.
public enum Ed25519 {
    public static let signatureByteCount = 64

    /// Any 32 bytes; whether they are a usable point shows when a signature is verified.
    public struct PublicKey: Hashable, Sendable {
        public static let byteCount = 32
        public let bytes: [UInt8]

        /// `nil` unless there are exactly 32 bytes.
        public init?(_ bytes: [UInt8]) {
            guard bytes.count == Self.byteCount else { return nil }
            self.bytes = bytes
        }

        public func hash(into hasher: inout Hasher) {
            unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }

        /// Whether `signature` is this key's signature over `message`.
        ///
        /// About 60 µs.
        public func verifies(signature: [UInt8], of message: [UInt8]) -> Bool {
            Sodium.initialize()
            guard signature.count == signatureByteCount else { return false }
            return unsafe crypto_sign_verify_detached(signature, message, UInt64(message.count), bytes) == 0
        }
    }

    /// A signing key; it erases itself.
    public struct PrivateKey: Sendable {
        public static let seedByteCount = 32

        /// The seed and the public key, as libsodium and libp2p order them: 64 bytes.
        private let secret: SecretBytes
        public let publicKey: PublicKey

        /// Derives the key pair from exactly 32 secret bytes.
        public init(seed: [UInt8]) {
            precondition(seed.count == Self.seedByteCount)
            Sodium.initialize()
            var publicBytes = [UInt8](repeating: 0, count: PublicKey.byteCount)
            var secretBytes = [UInt8](repeating: 0, count: 64)
            unsafe crypto_sign_seed_keypair(&publicBytes, &secretBytes, seed)
            secret = SecretBytes(secretBytes)
            unsafe sodium_memzero(&secretBytes, secretBytes.count)
            guard let key = PublicKey(publicBytes) else { preconditionFailure("libsodium's public keys have 32 bytes") }
            publicKey = key
        }

        /// The signature over `message`: 64 bytes, the same every time.
        ///
        /// About 17 µs.
        public func signature(of message: [UInt8]) -> [UInt8] {
            var signature = [UInt8](repeating: 0, count: signatureByteCount)
            unsafe secret.withPointer { key in
                _ = unsafe crypto_sign_detached(&signature, nil, message, UInt64(message.count), key)
            }
            return signature
        }

        /// Seed and public key, 64 bytes: for writing a key file, nothing else.
        public func reveal() -> [UInt8] {
            secret.reveal()
        }
    }
}
