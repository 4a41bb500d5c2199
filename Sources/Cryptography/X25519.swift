internal import CSodium

/// Diffie-Hellman over Curve25519 (RFC 7748).
public enum X25519 {
    public static let byteCount = 32

    /// A secret scalar with its public point; the scalar erases itself.
    public struct KeyPair: Sendable {
        private let secret: SecretBytes
        public let publicKey: [UInt8]

        /// Takes exactly 32 secret bytes as the scalar.
        public init(secret bytes: [UInt8]) {
            precondition(bytes.count == byteCount)
            Sodium.initialize()
            secret = SecretBytes(bytes)
            var point = [UInt8](repeating: 0, count: byteCount)
            unsafe crypto_scalarmult_base(&point, bytes)
            publicKey = point
        }

        /// The secret shared with the owner of `remote`; `nil` if it would be all zero (a point of small order) or is not 32 bytes.
        public func sharedSecret(with remote: [UInt8]) -> [UInt8]? {
            guard remote.count == byteCount else { return nil }
            var shared = [UInt8](repeating: 0, count: byteCount)
            let status = unsafe secret.withPointer { scalar in unsafe crypto_scalarmult(&shared, scalar, remote) }
            return status == 0 ? shared : nil
        }
    }
}
