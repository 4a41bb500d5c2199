package import Cryptography

/// Who sent the first byte of a handshake.
public enum NoiseRole: Hashable, Sendable {
    case initiator
    case responder
}

/// The pattern XX message by message: the HandshakeState of the Noise specification §5.3, without libp2p's payloads.
///
/// ```
/// -> e
/// <- e, ee, s, es
/// -> s, se
/// ```
///
/// An error is the end of the handshake: the state is then half changed and must be dropped.
package struct HandshakeState: Sendable {
    package static let protocolName = "Noise_XX_25519_ChaChaPoly_SHA256"

    private enum Token {
        case e, s, ee, es, se
    }

    private static let pattern: [[Token]] = [[.e], [.e, .ee, .s, .es], [.s, .se]]

    /// The bytes of each message beside its payload: keys of 32 bytes, tags of 16 once a key is mixed in.
    private static let overheadByteCounts = [32, 32 + 48 + 16, 48 + 16]

    private let role: NoiseRole
    private let staticKey: X25519.KeyPair
    private let ephemeralKey: X25519.KeyPair
    private var remoteEphemeralKey: [UInt8] = []
    private var symmetric: SymmetricState

    /// The peer's static key, empty until it was read; whose it is, only the payload tells.
    package private(set) var remoteStaticKey: [UInt8] = []

    /// How many messages were written or read; at 3 the handshake is complete.
    package private(set) var messageCount = 0

    package init(role: NoiseRole, staticKey: X25519.KeyPair, ephemeralKey: X25519.KeyPair, prologue: [UInt8] = []) {
        self.role = role
        self.staticKey = staticKey
        self.ephemeralKey = ephemeralKey
        symmetric = SymmetricState(protocolName: Self.protocolName)
        symmetric.mixHash(prologue)
    }

    package var isComplete: Bool { messageCount == Self.pattern.count }

    /// Whether the next message is ours to write.
    package var isOurTurn: Bool { !isComplete && messageCount.isMultiple(of: 2) == (role == .initiator) }

    /// The bytes of the next message beside its payload.
    package var overheadByteCount: Int { Self.overheadByteCounts[messageCount] }

    package var handshakeHash: [UInt8] { symmetric.handshakeHash }

    package mutating func writeMessage(payload: [UInt8]) throws(NoiseFailure) -> [UInt8] {
        precondition(isOurTurn, "message \(messageCount) is not the \(role)'s")
        var message: [UInt8] = []
        for token in Self.pattern[messageCount] {
            switch token {
            case .e:
                message += ephemeralKey.publicKey
                symmetric.mixHash(ephemeralKey.publicKey)
            case .s:
                try symmetric.encryptAndHash(staticKey.publicKey, into: &message)
            case .ee, .es, .se:
                try mixSharedSecret(token)
            }
        }
        try symmetric.encryptAndHash(payload, into: &message)
        messageCount += 1
        return message
    }

    /// The payload of the peer's next message.
    package mutating func readMessage(_ message: [UInt8]) throws(NoiseFailure) -> [UInt8] {
        precondition(!isComplete && !isOurTurn, "message \(messageCount) is the \(role)'s")
        guard message.count >= overheadByteCount else { throw .messageLength(UInt16(clamping: message.count)) }
        var offset = 0
        for token in Self.pattern[messageCount] {
            switch token {
            case .e:
                remoteEphemeralKey = Array(message[..<X25519.byteCount])
                symmetric.mixHash(remoteEphemeralKey)
                offset += X25519.byteCount
            case .s:
                let end = offset + X25519.byteCount + CipherState.tagByteCount
                remoteStaticKey = try symmetric.decryptAndHash(Array(message[offset..<end]))
                offset = end
            case .ee, .es, .se:
                try mixSharedSecret(token)
            }
        }
        let payload = try symmetric.decryptAndHash(Array(message[offset...]))
        messageCount += 1
        return payload
    }

    /// The keys of the transport after the last message: the initiator's sending key first.
    package func split() -> (CipherState, CipherState) {
        precondition(isComplete, "split after message \(messageCount)")
        return symmetric.split()
    }

    /// In `es` and `se` the first letter is the initiator's key, the second the responder's.
    private mutating func mixSharedSecret(_ token: Token) throws(NoiseFailure) {
        let shared: [UInt8]? =
            switch (token, role) {
            case (.es, .initiator), (.se, .responder): ephemeralKey.sharedSecret(with: remoteStaticKey)
            case (.es, .responder), (.se, .initiator): staticKey.sharedSecret(with: remoteEphemeralKey)
            case (.ee, _), (.e, _), (.s, _): ephemeralKey.sharedSecret(with: remoteEphemeralKey)
            }
        // Noise §12.1 leaves the check to the application; without it a peer could force a key that others know.
        guard let shared else { throw .smallOrderPoint }
        symmetric.mixKey(shared)
    }
}
