import Cryptography
import Primitives
import Testing

@Suite struct `Ed25519 signatures` {
    /// RFC 8032 §7.1, tests 1 to 3: seed, public key, message, signature.
    static let vectors: [(seed: String, key: String, message: String, signature: String)] = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            """
            e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
            5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b
            """
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            """
            92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
            085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00
            """
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            """
            6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
            18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a
            """
        ),
    ]

    @Test(arguments: vectors.indices)
    func `the vectors of RFC 8032 come out`(_ index: Int) throws {
        let vector = Self.vectors[index]
        let key = Ed25519.PrivateKey(seed: hex(vector.seed))
        #expect(key.publicKey.bytes == hex(vector.key))
        #expect(key.signature(of: hex(vector.message)) == hex(vector.signature))
        #expect(key.publicKey.verifies(signature: hex(vector.signature), of: hex(vector.message)))
        #expect(key.reveal() == hex(vector.seed) + hex(vector.key))
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `one flipped bit anywhere makes a signature worthless`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let key = Ed25519.PrivateKey(seed: random.bytes(32))
        let message = random.bytes(40)
        let signature = key.signature(of: message)
        for _ in 0..<40 {
            var (forgedMessage, forgedSignature) = (message, signature)
            let bit = random.below((message.count + signature.count) * 8)
            if bit < message.count * 8 {
                forgedMessage[bit / 8] ^= 1 << UInt8(bit % 8)
            } else {
                forgedSignature[bit / 8 - message.count] ^= 1 << UInt8(bit % 8)
            }
            #expect(!key.publicKey.verifies(signature: forgedSignature, of: forgedMessage))
        }
    }

    /// Under a key of small order one signature would fit many messages: libsodium refuses the key (scenario S-20).
    @Test(arguments: [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ])
    func `a key of small order verifies nothing`(_ key: String) throws {
        let key = try #require(Ed25519.PublicKey(hex(key)))
        // R is the neutral element and S is zero: the equation holds for every message.
        let forged = [1] + [UInt8](repeating: 0, count: 63)
        #expect(!key.verifies(signature: forged, of: [1, 2, 3]))
    }

    @Test func `S plus the group's order is refused, though the equation holds`() {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        var signature = key.signature(of: [1])
        // The order of the base point, little-endian (RFC 8032 §5.1).
        let order = hex("edd3f55c1a631258d69cf7a2def9de14 00000000000000000000000000000010")
        var carry = 0
        for index in 0..<32 {
            carry += Int(signature[32 + index]) + Int(order[index])
            signature[32 + index] = UInt8(carry & 0xff)
            carry >>= 8
        }
        #expect(!key.publicKey.verifies(signature: signature, of: [1]))
    }

    @Test(arguments: [0, 63, 65])
    func `a signature of another length is refused`(_ count: Int) {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        let padded = key.signature(of: []) + [0]
        #expect(!key.publicKey.verifies(signature: Array(padded.prefix(count)), of: []))
    }

    @Test(arguments: [0, 31, 33])
    func `a public key has 32 bytes`(_ count: Int) {
        #expect(Ed25519.PublicKey([UInt8](repeating: 1, count: count)) == nil)
    }

    @Test func `a check answers like the key`() {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 9, count: 32))
        let signature = key.signature(of: [5])
        #expect(SignatureCheck(key: key.publicKey, message: [5], signature: signature).holds)
        #expect(!SignatureCheck(key: key.publicKey, message: [6], signature: signature).holds)
    }
}
