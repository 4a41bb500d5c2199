import Cryptography
import Identity
import Primitives
import Testing

/// The keys of libp2p/specs, peer-ids, "Test vectors".
enum SpecificationKeys {
    static let ed25519Public = hex("080112201ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e")
    static let ed25519Private = hex(
        """
        080112407e0830617c4a7de83925dfb2694556b12936c477a0e1feb2e148ec9da60fee7d
        1ed1e8fae2c4a144b8be8fd4b47bf3d3b34b871c3cacf6010f0e42d474fce27e
        """
    )
    static let secp256k1Public = hex("08021221037777e994e452c21604f91de093ce415f5432f701dd8cd1a7a6fea0e630bfca99")
    static let ecdsaPublic = hex(
        """
        0803125b3059301306072a8648ce3d020106082a8648ce3d03010703420004de3d300fa36ae0e8f5d530899d83abab44abf3161f162a4bc901d8
        e6ecda020e8b6d5f8da30525e71d6851510c098e5c47c646a597fb4dcec034e9f77c409e62
        """
    )
}

@Suite struct `Keys` {
    @Test func `the specification's Ed25519 pair is read and written`() throws {
        let key = try KeyCodec.decodePrivateKey(SpecificationKeys.ed25519Private)
        #expect(KeyCodec.encode(key) == SpecificationKeys.ed25519Private)
        #expect(KeyCodec.encode(key.publicKey) == SpecificationKeys.ed25519Public)
        #expect(try KeyCodec.decodePublicKey(SpecificationKeys.ed25519Public) == key.publicKey)
    }

    /// Scenario S-13.
    ///
    /// What stands behind the type is never looked at: a type with nothing behind it answers the same.
    @Test(
        arguments: [
            (SpecificationKeys.secp256k1Public, 2), (SpecificationKeys.ecdsaPublic, 3),
            ([0x08, 0x00, 0x12, 0xa6, 0x10], 0),
            ([0x08, 0x00] + [UInt8](repeating: 0xff, count: 2048), 0), ([0x08, 0x03], 3),
            ([0x08, 0x04, 0x12, 0x00], 4),
        ] as [([UInt8], UInt8)]
    )
    func `keys of other types are refused by their type`(_ bytes: [UInt8], _ type: UInt8) {
        #expect(throws: KeyError.unsupportedType(type)) { try KeyCodec.decodePublicKey(bytes) }
        #expect(throws: KeyError.unsupportedType(type)) { try KeyCodec.decodePrivateKey(bytes) }
    }

    @Test(
        arguments: [
            [], [0x08], [0x08, 0x01], [0x12, 0x20], [0x08, 0x01, 0x12, 0x20],
            // A padded type, a padded length, data before type, an additional field, one byte more, one byte less.
            [0x08, 0x01, 0x12, 0xa0, 0x00] + [UInt8](repeating: 1, count: 32),
            [0x12, 0x20] + [UInt8](repeating: 1, count: 32) + [0x08, 0x01],
            [0x08, 0x01, 0x12, 0x20] + [UInt8](repeating: 1, count: 32) + [0x18, 0x00],
            [0x08, 0x01, 0x12, 0x20] + [UInt8](repeating: 1, count: 33),
            [0x08, 0x01, 0x12, 0x20] + [UInt8](repeating: 1, count: 31),
            [0x08, 0x01, 0x12, 0x1f] + [UInt8](repeating: 1, count: 31),
        ] as [[UInt8]]
    )
    func `a key has one encoding`(_ bytes: [UInt8]) {
        #expect(throws: KeyError.notCanonical) { try KeyCodec.decodePublicKey(bytes) }
    }

    @Test func `a padded type is not Ed25519`() {
        let padded = [0x08, 0x81, 0x00, 0x12, 0x20] + [UInt8](repeating: 1, count: 32)
        #expect(throws: KeyError.unsupportedType(0x81)) { try KeyCodec.decodePublicKey(padded) }
    }

    @Test func `a private key whose public part is another's is refused`() {
        var bytes = SpecificationKeys.ed25519Private
        bytes[67] ^= 1
        #expect(throws: KeyError.publicKeyMismatch) { try KeyCodec.decodePrivateKey(bytes) }
        #expect(throws: KeyError.notCanonical) { try KeyCodec.decodePrivateKey(Array(bytes.dropLast())) }
        #expect(throws: KeyError.notCanonical) { try KeyCodec.decodePrivateKey(bytes + [0]) }
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `damaged keys are refused or are exactly what would be written`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<500 {
            let bytes = damaged(SpecificationKeys.ed25519Public, by: &random)
            if let key = try? KeyCodec.decodePublicKey(bytes) { #expect(KeyCodec.encode(key) == bytes) }
            let secret = damaged(SpecificationKeys.ed25519Private, by: &random)
            if let key = try? KeyCodec.decodePrivateKey(secret) { #expect(KeyCodec.encode(key) == secret) }
        }
    }
}

@Suite struct `Peer id` {
    /// The id of the specification's key, in both texts; computed by a second implementation of base58 and base32.
    @Test func `names a key by the key itself`() throws {
        let key = try KeyCodec.decodePublicKey(SpecificationKeys.ed25519Public)
        let peer = PeerID(publicKey: key)
        #expect(peer.bytes == [0x00, 0x24] + SpecificationKeys.ed25519Public)
        #expect(peer.publicKey == key)
        #expect(peer.description == "12D3KooWBtg3aaRMjxwedh83aGiUkwSxDwUZkzuJcfaqUmo7R3pq")
        #expect(peer.cidText == "bafzaajaiaejcahwr5d5ofrfbis4l5d6uwr57hu5tjodrypfm6yaq6dsc2r2pzyt6")
        #expect(try PeerID(text: peer.description) == peer)
        #expect(try PeerID(text: peer.cidText) == peer)
        #expect(try PeerID(bytes: peer.bytes) == peer)
    }

    /// libp2p/specs, peer-ids, "String representation": the first two are one id, the third carries its key.
    @Test func `the specification's texts are read`() throws {
        let cid = try PeerID(text: "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe")
        let base58 = try PeerID(text: "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")
        let inlined = try PeerID(text: "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA")
        #expect(cid == base58)
        #expect(base58.publicKey == nil)
        #expect(base58.description == "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N")
        #expect(base58.cidText == "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe")
        #expect(inlined.publicKey.map(PeerID.init(publicKey:)) == inlined)
    }

    /// multiformats/go-multiaddr `multiaddr_test.go`: one id as base58btc, and as CIDs in base36 and base32.
    @Test func `every base means the same peer`() throws {
        let hashed = try [
            "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC",
            "k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl7",
            "bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm",
        ].map(PeerID.init(text:))
        #expect(Set(hashed).count == 1)
        let inlined = try [
            "12D3KooWCryG7Mon9orvQxcS1rYZjotPgpwoJNHHKcLLfE4Hf5mV",
            "k51qzi5uqu5dhb6l8spkdx7yxafegfkee5by8h7lmjh2ehc2sgg34z7c15vzqs",
            "bafzaajaiaejcalj543iwv2d7pkjt7ykvefrkfu7qjfi6sduakhso4lay6abn2d5u",
        ].map(PeerID.init(text:))
        #expect(Set(inlined).count == 1)
        #expect(inlined[0].publicKey != nil)
    }

    @Test func `foreign keys can be named, not verified`() throws {
        let inlined = try PeerID(bytes: [0x00, 0x25] + SpecificationKeys.secp256k1Public)
        #expect(inlined.publicKey == nil)
        #expect(inlined.description.hasPrefix("16Uiu2HA"))
        let hashed = try PeerID(bytes: Multihash(sha256: SpecificationKeys.ecdsaPublic).bytes)
        #expect(hashed.publicKey == nil)
        #expect(hashed.description.hasPrefix("Qm"))
    }

    @Test(
        arguments: [
            ([], .malformedMultihash(.malformedVarint(.truncated))),
            ([0x12, 0x20, 1, 2, 3], .malformedMultihash(.digestLength)),
            ([0x12, 0x03, 1, 2, 3], .unsupportedMultihash),
            ([0x11, 0x14] + [UInt8](repeating: 1, count: 20), .unsupportedMultihash),
            (
                [0x92, 0x00, 0x20] + [UInt8](repeating: 1, count: 32),
                .malformedMultihash(.malformedVarint(.notMinimal))
            ),
            ([0x00, 0x00], .notCanonicalKey),
            ([0x00, 0x03, 1, 2, 3], .notCanonicalKey),
            ([0x00, 0x24] + SpecificationKeys.ed25519Public + [0x00], .malformedMultihash(.digestLength)),
            ([0x00, 0x26] + SpecificationKeys.ed25519Public + [0x18, 0x00], .notCanonicalKey),
            ([0x00, 0x25, 0x08, 0x01, 0x12, 0xa0, 0x00] + [UInt8](repeating: 1, count: 32), .notCanonicalKey),
            ([0x00, 0x23, 0x08, 0x01, 0x12, 0x1f] + [UInt8](repeating: 1, count: 31), .notCanonicalKey),
            ([0x00, 0x2b] + [UInt8](repeating: 8, count: 43), .unsupportedMultihash),
            ([UInt8](repeating: 0xff, count: 4096), .unsupportedMultihash),
        ] as [([UInt8], PeerIDError)]
    )
    func `what no key has as its id is refused`(_ bytes: [UInt8], _ error: PeerIDError) {
        #expect(throws: error) { try PeerID(bytes: bytes) }
    }

    @Test(arguments: [
        "", "1", "Qm", "QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY",
        "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5S0",
        "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy",
        "afzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe",
        " 12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA",
        "bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxf",
    ])
    func `a text that names no peer is refused`(_ text: String) {
        #expect(throws: PeerIDError.self) { try PeerID(text: text) }
    }

    @Test func `the longest text is read and a longer one is not looked at`() throws {
        let peer = try PeerID(bytes: [0x00, 0x2a, 0x08, 0x02, 0x12, 0x26] + [UInt8](repeating: 0xff, count: 38))
        let digits = ([0x01, 0x72] + peer.bytes).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }
            .joined()
        #expect(peer.bytes.count == PeerID.byteCountMax)
        #expect(digits.utf8.count + 1 == PeerID.textByteCountMax)
        #expect(try PeerID(text: "f" + digits) == peer)
        #expect(throws: PeerIDError.malformedText) { try PeerID(text: "f" + digits + "00") }
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `damaged ids are refused or come back the same`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let whole = [0x00, 0x24] + SpecificationKeys.ed25519Public
        let text = Array(try PeerID(bytes: whole).description.utf8)
        for _ in 0..<500 {
            let bytes = damaged(whole, by: &random)
            if let peer = try? PeerID(bytes: bytes) {
                #expect(peer.bytes == bytes)
                #expect(try PeerID(text: peer.description) == peer)
                #expect(try PeerID(text: peer.cidText) == peer)
            }
            let characters = String(decoding: damaged(text, by: &random), as: UTF8.self)
            if let peer = try? PeerID(text: characters) { #expect(try PeerID(bytes: peer.bytes) == peer) }
        }
    }

    @Test func `ids are ordered by their bytes`() throws {
        let low = try PeerID(bytes: [0x00, 0x24] + SpecificationKeys.ed25519Public)
        let high = try PeerID(bytes: Multihash(sha256: []).bytes)
        #expect(low < high)
        #expect(!(high < low))
    }
}

@Suite struct `Multihashes` {
    /// multiformats/multihash `tests/values/test_cases.csv`: digests of the empty message, whole and truncated, and other codes.
    @Test(arguments: [
        ("120ae3b0c44298fc1c149afb", 0x12), ("1214e3b0c44298fc1c149afbf4c8996fb92427ae41e4", 0x12),
        ("1220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", 0x12),
        ("1114da39a3ee5e6b4b0d3255bfef95601890afd80709", 0x11), ("130acf83e1357eefb8bdf154", 0x13),
    ])
    func `the public cases go both ways`(_ text: String, _ code: Int) throws {
        let hash = try Multihash(bytes: hex(text))
        #expect(hash.code == code)
        #expect(hash.bytes == hex(text))
    }

    @Test func `SHA-256 of nothing is the public case`() {
        let expected = hex("1220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(Multihash(sha256: []).bytes == expected)
    }

    @Test(
        arguments: [
            ([0x12], .malformedVarint(.truncated)),
            ([0x12, 0x80], .malformedVarint(.truncated)),
            ([0x12, 0x02, 1], .digestLength),
            ([0x12, 0x00, 1], .digestLength),
            ([0x12, 0x21] + [UInt8](repeating: 1, count: 33), .digestLength),
            ([0x00, 0x81, 0x01] + [UInt8](repeating: 1, count: 129), .digestTooLong),
            ([0x00, 0xff, 0xff, 0xff, 0xff, 0x0f], .digestTooLong),
            ([0x80, 0x80, 0x80, 0x80, 0x10, 0x00], .unknownCode(1 << 32)),
            ([UInt8](repeating: 0xff, count: 10), .malformedVarint(.tooLong)),
        ] as [([UInt8], MultihashError)]
    )
    func `what is no multihash says why`(_ bytes: [UInt8], _ error: MultihashError) {
        #expect(throws: error) { try Multihash(bytes: bytes) }
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `random bytes are refused or come back the same`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<1000 {
            let bytes = random.bytes(random.below(10)).map { $0 & 0x8f }
            if let hash = try? Multihash(bytes: bytes) { #expect(hash.bytes == bytes) }
        }
    }
}
