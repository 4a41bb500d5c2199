public import Cryptography
internal import Identity

/// The Diffie-Hellman key of this process, with the identity's word for it.
///
/// Made once at the start and used for every connection; never stored, so that a stolen disk opens no recorded handshake.
public struct NoiseStaticKey: Sendable {
    let keyPair: X25519.KeyPair
    private let identityKey: [UInt8]
    private let identitySignature: [UInt8]

    /// Takes exactly 32 fresh secret bytes as the X25519 scalar and signs its public half with the identity.
    public init(identity: Ed25519.PrivateKey, secret: [UInt8]) {
        keyPair = X25519.KeyPair(secret: secret)
        identityKey = KeyCodec.encode(identity.publicKey)
        identitySignature = identity.signature(of: HandshakePayload.signedBytes(staticKey: keyPair.publicKey))
    }

    func payload(muxers: [String]) -> [UInt8] {
        HandshakePayload(identityKey: identityKey, identitySignature: identitySignature, muxers: muxers).encoded
    }
}
