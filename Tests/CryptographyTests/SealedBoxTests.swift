import Cryptography
import Testing

@Suite struct `Sealed box` {
    let secret = [UInt8](0..<32)

    /// Closed by libsodium's `crypto_box_seal` for the public key of the secret 00…1f.
    @Test func `a box that libsodium closed opens`() {
        let publicKey = hex("8f40c5adb68f25624ae5b214ea767a6ec94d829d3d7b5e1ad1ba6f3e2138285f")
        #expect(X25519.KeyPair(secret: secret).publicKey == publicKey)
        let box = hex(
            """
            5e7b647df6800b8ebae080f3f8d9a181d15c2c2a8f395d2df998f55c1dce367ee206c5aa65e092e1079379fabfb047dc8f81375c2b016be7
            7b2095997ba77150
            """
        )
        #expect(SealedBox.open(box, secret: secret) == Array("terms of a lease".utf8))
    }

    @Test func `a box opens for its key alone, and only unchanged`() throws {
        let publicKey = X25519.KeyPair(secret: secret).publicKey
        let message = [UInt8]("a lease".utf8)
        let ephemeral = [UInt8](repeating: 3, count: 32)
        let boxes = [
            try #require(SealedBox.seal(message, to: publicKey)),
            try #require(SealedBox.seal(message, to: publicKey, ephemeralSecret: ephemeral)),
        ]
        #expect(boxes[0] != boxes[1])
        for box in boxes {
            #expect(box.count == message.count + SealedBox.overheadByteCount)
            #expect(SealedBox.open(box, secret: secret) == message)
            #expect(SealedBox.open(box, secret: [UInt8](1...32)) == nil)
            for index in box.indices {
                var broken = box
                broken[index] ^= 0x40
                #expect(SealedBox.open(broken, secret: secret) == nil)
            }
        }
        #expect(SealedBox.open([], secret: secret) == nil && SealedBox.open(boxes[0], secret: [1]) == nil)
        #expect(SealedBox.seal(message, to: [1]) == nil)
        #expect(SealedBox.seal(message, to: publicKey, ephemeralSecret: [1]) == nil)
    }
}
