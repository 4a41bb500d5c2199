public import Identity
public import Primitives

/// Why a handshake or a secured connection ended.
///
/// All are final: Noise never resynchronises.
public enum NoiseFailure: Error, Hashable, Sendable {
    /// A message or frame is longer or shorter than anything that may come at this point.
    case messageLength(UInt16)
    /// A Diffie-Hellman result is all zero: the peer sent a point of small order.
    case smallOrderPoint
    /// A tag is wrong: the bytes were changed on the way, or the keys differ.
    case decryptionFailed
    /// The counter is used up; one more message would repeat a nonce.
    case nonceExhausted
    /// A handshake payload is not the libp2p protobuf message.
    case malformedPayload(ProtobufError)
    /// The identity key is not an Ed25519 key in its one encoding.
    case identityKeyRefused(KeyError)
    /// The identity key did not sign this static key.
    case identitySignatureInvalid
    /// The peer proved to be this one, not the one that was dialled.
    case unexpectedPeer(PeerID)
    /// Both sides named their muxers and share none.
    case noCommonMuxer
}
