import Cryptography
import Identity
import Multistream
import Noise
import Primitives
import Swarm
import TestSupport

/// A stranger that keeps the rules until it is inside, and then sends frames of its own making.
struct Intruder {
    let connection: ConnectionID
    let key: Ed25519.PrivateKey
    private var transport: NoiseTransport

    /// Walks through multistream and Noise as an honest dialer does.
    init?(into field: inout SiegeField, number: UInt64) {
        connection = field.intrude()
        key = Ed25519.PrivateKey(seed: SHA256.hash(Array("intruder \(number)".utf8)))
        var random = SeededRandom(testSeed: number)
        guard Self.agree(&field, connection) else { return nil }
        var noise = NoiseHandshake(
            role: .initiator,
            staticKey: NoiseStaticKey(identity: key, secret: random.bytes(32)),
            expectedPeer: nil,
            muxers: ["/yamux/1.0.0"],
            random: random.split()
        )
        var (outputs, session): ([NoiseHandshake.Output], NoiseSession?) = ([], nil)
        noise.handle(.started, at: field.now, into: &outputs)
        while session == nil, !outputs.isEmpty {
            for output in outputs {
                if case .send(let bytes) = output { field.send(bytes, on: connection) }
                if case .completed(let made) = output { session = made }
            }
            outputs = []
            let answer = field.read(from: connection)
            if session == nil, !answer.isEmpty { noise.handle(.received(answer), at: field.now, into: &outputs) }
        }
        guard let session else { return nil }
        transport = session.transport
    }

    private static func agree(_ field: inout SiegeField, _ connection: ConnectionID) -> Bool {
        var words = MultistreamMachine(role: .dialer(proposals: ["/noise"], isLazy: false))
        var outputs: [MultistreamMachine.Output] = []
        words.handle(.started, at: field.now, into: &outputs)
        while !outputs.isEmpty {
            for output in outputs {
                if case .negotiated = output { return true }
                if case .send(let bytes) = output { field.send(bytes, on: connection) }
            }
            outputs = []
            let answer = field.read(from: connection)
            if !answer.isEmpty { words.handle(.received(answer), at: field.now, into: &outputs) }
        }
        return false
    }

    /// Sends plaintext as this peer.
    mutating func send(_ plaintext: [UInt8], into field: inout SiegeField) {
        var sealed: [UInt8] = []
        guard (try? transport.seal(plaintext, into: &sealed)) != nil else { return }
        field.send(sealed, on: connection)
    }

    /// A Yamux header and what follows it (hashicorp/yamux, spec.md).
    static func frame(_ type: UInt8, flags: UInt16, stream: UInt32, length: UInt32, _ body: [UInt8] = []) -> [UInt8] {
        var bytes: [UInt8] = [0, type]
        for shift in [UInt16(8), 0] { bytes.append(UInt8(truncatingIfNeeded: flags >> shift)) }
        for word in [stream, length] {
            for shift in [UInt32(24), 16, 8, 0] { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes + body
    }
}
