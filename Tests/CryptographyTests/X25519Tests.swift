import Cryptography
import Testing

@Suite struct `X25519 agreement` {
    /// RFC 7748 §6.1.
    @Test func `the two sides of RFC 7748 agree`() {
        let alice = X25519.KeyPair(secret: hex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a"))
        let bob = X25519.KeyPair(secret: hex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"))
        #expect(alice.publicKey == hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"))
        #expect(bob.publicKey == hex("de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"))
        let shared = hex("4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742")
        #expect(alice.sharedSecret(with: bob.publicKey) == shared)
        #expect(bob.sharedSecret(with: alice.publicKey) == shared)
    }

    /// RFC 7748 §5.2, the first vector.
    @Test func `a scalar times a coordinate`() {
        let keys = X25519.KeyPair(secret: hex("a546e36bf0527c9d3b16154b82465edd62144c0ac1fc5a18506a2244ba449ac4"))
        let point = hex("e6db6867583030db3594c1a424b15f7c726624ec26b3353b10a903a6d0ab1c4c")
        #expect(
            keys.sharedSecret(with: point) == hex("c3da55379de9c6908e94ea4df28d084f32eccf03491c71f754b4075577a28552")
        )
    }

    /// The points of small order on the curve and its twist, canonical and not: every secret would be all zero, so a
    /// contributor could fix the key alone (RFC 7748 §6.1).
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ])
    func `a point of small order gives no secret`(_ point: String) {
        let keys = X25519.KeyPair(secret: [UInt8](repeating: 3, count: 32))
        #expect(keys.sharedSecret(with: hex(point)) == nil)
    }

    @Test(arguments: [0, 31, 33])
    func `a point of another length gives no secret`(_ count: Int) {
        let keys = X25519.KeyPair(secret: [UInt8](repeating: 3, count: 32))
        #expect(keys.sharedSecret(with: [UInt8](repeating: 9, count: count)) == nil)
    }
}
