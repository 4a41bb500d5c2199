import Cryptography
import Identity
import Primitives

/// Identities and numbers that every suite uses.
enum TestPeer {
    static func key(_ number: UInt8) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32))
    }

    static func id(_ number: UInt8) -> PeerID {
        PeerID(publicKey: key(number).publicKey)
    }
}

func random(_ seed: some BinaryInteger) -> SeededRandom {
    SeededRandom(seed: [UInt8](repeating: UInt8(truncatingIfNeeded: seed), count: 32))
}

func seconds(_ count: Int) -> Instant {
    Instant.zero.advanced(by: .seconds(count))
}
