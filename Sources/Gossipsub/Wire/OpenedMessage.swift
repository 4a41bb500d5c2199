internal import Cryptography
internal import Identity

/// A message whose fields fit its topic's signature policy.
struct OpenedMessage {
    enum Outcome {
        case opened(OpenedMessage)
        /// Signed by a key of a type that we do not know.
        case unverifiable
        /// What no honest node of this topic sends.
        case violation
    }

    let id: MessageID
    let author: PeerID?
    let sequence: UInt64
    /// What must hold before the message may be judged; `nil` in topics without signatures.
    let check: SignatureCheck?

    static func open(_ wire: WireMessage, policy: SignaturePolicy, known: inout RecentData) -> Outcome {
        switch policy {
        case .strictNoSign:
            guard wire.isAnonymous else { return .violation }
            let id = wire.origin?.id ?? known.id(of: wire.data ?? [])
            return .opened(OpenedMessage(id: id, author: nil, sequence: 0, check: nil))
        case .strictSign:
            return openSigned(wire)
        }
    }

    /// Pubsub specification, "Message Signing": author, an eight-byte sequence number and a signature; the key only if the
    /// author's id does not carry it, which Ed25519 ids do.
    private static func openSigned(_ wire: WireMessage) -> Outcome {
        guard let from = wire.author, let number = wire.sequence, let signature = wire.signature else {
            return .violation
        }
        guard number.count == 8, let author = try? PeerID(bytes: from) else { return .violation }
        guard let key = author.publicKey else { return .unverifiable }
        if let carried = wire.key, (try? KeyCodec.decodePublicKey(carried)) != key { return .violation }
        guard signature.count == Ed25519.signatureByteCount else { return .violation }
        return .opened(
            OpenedMessage(
                id: .naming(author: from, sequence: number),
                author: author,
                sequence: number.reduce(0) { $0 << 8 | UInt64($1) },
                check: SignatureCheck(key: key, message: wire.signedBytes, signature: signature)
            )
        )
    }
}
