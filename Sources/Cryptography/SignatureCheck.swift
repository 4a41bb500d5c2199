/// One Ed25519 verification that a machine asks its driver for, so that it can be spread over cores or answered from a memo.
public struct SignatureCheck: Hashable, Sendable {
    public let key: Ed25519.PublicKey
    public let message: [UInt8]
    public let signature: [UInt8]

    public init(key: Ed25519.PublicKey, message: [UInt8], signature: [UInt8]) {
        self.key = key
        self.message = message
        self.signature = signature
    }

    /// Whether the signature holds.
    ///
    /// About 60 µs.
    public var holds: Bool { key.verifies(signature: signature, of: message) }
}
