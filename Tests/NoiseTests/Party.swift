internal import Cryptography
internal import Identity
internal import Noise
internal import Primitives
import Testing

/// One side of a connection with its identity; everything follows from a seed.
struct Party {
    let identity: Ed25519.PrivateKey
    let staticKeyPair: X25519.KeyPair
    let staticKey: NoiseStaticKey
    var random: SeededRandom

    init(_ seed: UInt8) {
        random = SeededRandom(seed)
        identity = Ed25519.PrivateKey(seed: random.bytes(32))
        let secret = random.bytes(32)
        staticKeyPair = X25519.KeyPair(secret: secret)
        staticKey = NoiseStaticKey(identity: identity, secret: secret)
    }

    var peer: PeerID { PeerID(publicKey: identity.publicKey) }

    /// What an honest libp2p node puts into its message.
    func payload(muxers: [String] = []) -> HandshakePayload {
        HandshakePayload(
            identityKey: KeyCodec.encode(identity.publicKey),
            identitySignature: identity.signature(of: HandshakePayload.signedBytes(staticKey: staticKeyPair.publicKey)),
            muxers: muxers
        )
    }

    mutating func handshake(_ role: NoiseRole, expecting peer: PeerID? = nil, muxers: [String] = []) -> NoiseHandshake {
        NoiseHandshake(role: role, staticKey: staticKey, expectedPeer: peer, muxers: muxers, random: random.split())
    }

    /// The handshake without any libp2p rule: for a peer that breaks them.
    mutating func bareHandshake(_ role: NoiseRole) -> HandshakeState {
        let ephemeral = X25519.KeyPair(secret: random.bytes(32))
        return HandshakeState(role: role, staticKey: staticKeyPair, ephemeralKey: ephemeral)
    }
}

func framed(_ message: [UInt8]) -> [UInt8] {
    [UInt8(message.count >> 8), UInt8(message.count & 0xff)] + message
}

extension NoiseHandshake {
    mutating func start() -> [Output] {
        var outputs: [Output] = []
        handle(.started, at: .zero, into: &outputs)
        return outputs
    }

    mutating func receive(_ bytes: [UInt8]) -> [Output] {
        var outputs: [Output] = []
        handle(.received(bytes), at: .zero, into: &outputs)
        return outputs
    }
}

extension [NoiseHandshake.Output] {
    var sent: [UInt8] {
        flatMap { (output) -> [UInt8] in if case .send(let bytes) = output { bytes } else { [] } }
    }

    var session: NoiseSession? {
        compactMap { (output) -> NoiseSession? in if case .completed(let session) = output { session } else { nil } }
            .first
    }

    var failure: NoiseFailure? {
        compactMap { (output) -> NoiseFailure? in if case .failed(let failure) = output { failure } else { nil } }.first
    }

    /// How many outputs end the handshake.
    var endCount: Int {
        count { (output) -> Bool in if case .send = output { false } else { true } }
    }
}

/// Two handshakes and the bytes between them.
struct Pair {
    var initiator: NoiseHandshake
    var responder: NoiseHandshake
    var initiatorOutputs: [NoiseHandshake.Output] = []
    var responderOutputs: [NoiseHandshake.Output] = []

    /// Sizes of what was sent, in order.
    var sentByteCounts: [Int] = []

    /// Lets both speak until nothing is on the way; `cut` splits what travels.
    mutating func run(cut: (inout [UInt8]) -> [[UInt8]] = { [$0] }) {
        initiatorOutputs = initiator.start()
        responderOutputs = responder.start()
        var (toResponder, toInitiator) = (initiatorOutputs.sent, responderOutputs.sent)
        while !toResponder.isEmpty || !toInitiator.isEmpty {
            sentByteCounts += [toResponder.count, toInitiator.count].filter { $0 > 0 }
            let (forResponder, forInitiator) = (cut(&toResponder), cut(&toInitiator))
            (toResponder, toInitiator) = ([], [])
            for piece in forResponder {
                let outputs = responder.receive(piece)
                responderOutputs += outputs
                toInitiator += outputs.sent
            }
            for piece in forInitiator {
                let outputs = initiator.receive(piece)
                initiatorOutputs += outputs
                toResponder += outputs.sent
            }
        }
    }
}

/// A secured connection, both ends.
func transports(_ seed: UInt8 = 1) throws -> (initiator: NoiseTransport, responder: NoiseTransport) {
    var (alice, bob) = (Party(seed), Party(seed &+ 100))
    var pair = Pair(initiator: alice.handshake(.initiator), responder: bob.handshake(.responder))
    pair.run()
    let (first, second) = (pair.initiatorOutputs.session, pair.responderOutputs.session)
    return (try #require(first).transport, try #require(second).transport)
}
