public import Cryptography
public import Identity
public import Primitives

/// What a handshake has proved and made.
public struct NoiseSession: Sendable {
    /// The peer that holds `remoteKey`.
    public let remotePeer: PeerID
    public let remoteKey: Ed25519.PublicKey
    /// The muxer that both sides named in the handshake; its frames begin at once.
    ///
    /// `nil`: negotiate by multistream inside.
    public let muxer: String?
    public var transport: NoiseTransport
    /// Bytes that came right behind the handshake, still encrypted: the first thing to feed to `transport`.
    public let remainder: [UInt8]
}

/// Mutual authentication of two libp2p peers and their session keys: noise-libp2p over `Noise_XX_25519_ChaChaPoly_SHA256`.
///
/// Noise alone proves that the other side holds some static key. That the key speaks for a peer, the peer's identity key says
/// in the encrypted payload, by a signature that is verified before anything else of the payload is used. That the peer is the
/// one we dialled, only the comparison with `expectedPeer` says.
///
/// Pure: the owner feeds each input, carries out the outputs in order and has the deadline of the whole upgrade; so this machine
/// has none. Source: libp2p/specs, noise; for the early muxer: libp2p/specs, connections, "inlined muxer negotiation".
public struct NoiseHandshake: Sendable {
    public enum Input: Hashable, Sendable {
        case started
        case received([UInt8])
    }

    public enum Output: Sendable {
        case send([UInt8])
        /// The end: the peer is authenticated.
        case completed(NoiseSession)
        /// The end: the connection must be closed.
        case failed(NoiseFailure)
    }

    private enum State: Sendable {
        /// Fresh. Goes to `exchanging`.
        case idle(HandshakeState)
        /// Waits for the peer's next message, the first or third as the responder, the second as the initiator.
        case exchanging(HandshakeState)
        case ended
    }

    private let role: NoiseRole
    private let staticKey: NoiseStaticKey
    private let expectedPeer: PeerID?
    private let muxers: [String]
    private var state: State
    private var frame = HandshakeFrame()

    /// Prepares one handshake; the ephemeral key is drawn from `random`.
    ///
    /// A dialer that knows whom it dials passes `expectedPeer`; the connection fails if another peer answers. `muxers` are offered
    /// early, the preferred one first; an empty list leaves the choice to multistream.
    public init(
        role: NoiseRole,
        staticKey: NoiseStaticKey,
        expectedPeer: PeerID?,
        muxers: [String],
        random: SeededRandom
    ) {
        precondition(muxers.allSatisfy { !$0.isEmpty }, "a muxer without a name")
        precondition(staticKey.payload(muxers: muxers).count <= HandshakePayload.byteCountMax, "too many muxers")
        var random = random
        let ephemeralKey = X25519.KeyPair(secret: random.bytes(X25519.byteCount))
        self.role = role
        self.staticKey = staticKey
        self.expectedPeer = expectedPeer
        self.muxers = muxers
        state = .idle(HandshakeState(role: role, staticKey: staticKey.keyPair, ephemeralKey: ephemeralKey))
    }

    public mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch (state, input) {
        case (.idle(let handshake), .started):
            start(handshake, into: &outputs)
        case (.exchanging(let handshake), .received(let bytes)):
            received(bytes, in: handshake, into: &outputs)
        case (.ended, .received):
            break  // The tail of a connection that is closing.
        case (.idle, .received):
            preconditionFailure("fed before it was started")
        case (.exchanging, .started), (.ended, .started):
            preconditionFailure("started twice")
        }
        checkInvariants()
    }

    /// Stops a debug build if the machine holds more than one handshake message, or anything once it has ended.
    public func checkInvariants() {
        switch state {
        case .idle, .ended:
            assert(frame.pendingByteCount == 0)
        case .exchanging(let handshake):
            assert(!handshake.isComplete && !handshake.isOurTurn)
            assert(frame.pendingByteCount < HandshakeFrame.headerByteCount + Self.messageByteCountMax(in: handshake))
        }
    }

    private static func messageByteCountMax(in handshake: HandshakeState) -> Int {
        // The first message has no payload: at this point nobody is authenticated, and extensions there are forbidden.
        handshake.overheadByteCount + (handshake.messageCount == 0 ? 0 : HandshakePayload.byteCountMax)
    }

    private mutating func start(_ handshake: HandshakeState, into outputs: inout [Output]) {
        var handshake = handshake
        do throws(NoiseFailure) {
            if role == .initiator { try write(payload: [], in: &handshake, into: &outputs) }
            state = .exchanging(handshake)
        } catch {
            end(.failed(error), into: &outputs)
        }
    }

    private mutating func received(_ bytes: [UInt8], in handshake: HandshakeState, into outputs: inout [Output]) {
        var handshake = handshake
        var rest = bytes[...]
        do throws(NoiseFailure) {
            while !handshake.isComplete {
                let bounds = handshake.overheadByteCount...Self.messageByteCountMax(in: handshake)
                guard let message = try frame.next(from: &rest, byteCount: bounds) else {
                    state = .exchanging(handshake)
                    return
                }
                let payload = try handshake.readMessage(message)
                if handshake.messageCount == 1 {
                    try write(payload: staticKey.payload(muxers: muxers), in: &handshake, into: &outputs)
                } else {
                    try complete(&handshake, payload: payload, remainder: rest, into: &outputs)
                }
            }
        } catch {
            end(.failed(error), into: &outputs)
        }
    }

    private func write(
        payload: [UInt8],
        in handshake: inout HandshakeState,
        into outputs: inout [Output]
    ) throws(NoiseFailure) {
        var bytes: [UInt8] = []
        HandshakeFrame.append(try handshake.writeMessage(payload: payload), to: &bytes)
        outputs.append(.send(bytes))
    }

    /// The peer's payload is here: the second message for the initiator, who answers with the third, or the third itself.
    private mutating func complete(
        _ handshake: inout HandshakeState,
        payload: [UInt8],
        remainder: ArraySlice<UInt8>,
        into outputs: inout [Output]
    ) throws(NoiseFailure) {
        let (key, peer, muxer) = try authenticate(payload, staticKey: handshake.remoteStaticKey)
        if handshake.isOurTurn { try write(payload: staticKey.payload(muxers: muxers), in: &handshake, into: &outputs) }
        let (first, second) = handshake.split()
        let transport =
            switch role {
            case .initiator: NoiseTransport(sending: first, receiving: second)
            case .responder: NoiseTransport(sending: second, receiving: first)
            }
        let session = NoiseSession(
            remotePeer: peer,
            remoteKey: key,
            muxer: muxer,
            transport: transport,
            remainder: Array(remainder)
        )
        end(.completed(session), into: &outputs)
    }

    /// Key type, then signature, then peer, then early data: nothing is used before what must vouch for it.
    private func authenticate(
        _ bytes: [UInt8],
        staticKey: [UInt8]
    ) throws(NoiseFailure) -> (Ed25519.PublicKey, PeerID, String?) {
        let payload: HandshakePayload
        do throws(ProtobufError) {
            payload = try HandshakePayload(parsing: bytes.span)
        } catch {
            throw .malformedPayload(error)
        }
        let key: Ed25519.PublicKey
        do throws(KeyError) {
            key = try KeyCodec.decodePublicKey(payload.identityKey)
        } catch {
            throw .identityKeyRefused(error)
        }
        let signed = HandshakePayload.signedBytes(staticKey: staticKey)
        guard key.verifies(signature: payload.identitySignature, of: signed) else { throw .identitySignatureInvalid }
        let peer = PeerID(publicKey: key)
        if let expectedPeer, expectedPeer != peer { throw .unexpectedPeer(peer) }
        return (key, peer, try muxer(shared: payload.muxers))
    }

    /// The first of the initiator's list that the responder lists too, if both sides sent a list.
    private func muxer(shared remote: [String]) throws(NoiseFailure) -> String? {
        guard !muxers.isEmpty && !remote.isEmpty else { return nil }
        let (offered, supported) = role == .initiator ? (muxers, remote) : (remote, muxers)
        // As bytes: Swift's strings would be equal under canonical equivalence.
        guard let muxer = offered.first(where: { name in supported.contains { $0.utf8.elementsEqual(name.utf8) } })
        else {
            throw .noCommonMuxer
        }
        return muxer
    }

    private mutating func end(_ output: Output, into outputs: inout [Output]) {
        state = .ended
        frame = HandshakeFrame()
        outputs.append(output)
    }
}
