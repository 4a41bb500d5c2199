import Cryptography
import Identity
import Primitives
import Testing

private let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 1, count: 32))
private let other = Ed25519.PrivateKey(seed: [UInt8](repeating: 2, count: 32))

@Suite struct `Signed envelope` {
    private let sealed = SignedEnvelope.seal(payload: [7, 8, 9], payloadType: [0x03, 0x01], domain: "test", by: key)

    private func parsed(_ bytes: [UInt8], byteCountMax: Int = 4096) throws(EnvelopeError) -> SignedEnvelope {
        try SignedEnvelope(parsing: bytes.span, byteCountMax: byteCountMax)
    }

    /// RFC 0002, "Signature Production": every part behind its length.
    @Test func `what is signed is domain, type and payload`() {
        let bytes = SignedEnvelope.signedBytes(
            domain: "abc",
            payloadType: [3, 1],
            payload: [UInt8](repeating: 5, count: 200)
        )
        #expect(bytes == [3, 0x61, 0x62, 0x63, 2, 3, 1, 0xc8, 0x01] + [UInt8](repeating: 5, count: 200))
        #expect(SignedEnvelope.signedBytes(domain: "", payloadType: [], payload: []) == [0, 0, 0])
    }

    @Test func `an envelope stands on the wire as the specification lays it out`() throws {
        let head: [UInt8] =
            [0x0a, 0x24] + KeyCodec.encode(key.publicKey) + [0x12, 0x02, 0x03, 0x01, 0x1a, 0x03, 7, 8, 9, 0x2a, 0x40]
        #expect(sealed.bytes == head + sealed.signature)
        let read = try parsed(sealed.bytes)
        #expect(read == sealed)
        #expect(read.isSignedValidly(domain: "test"))
        #expect(
            key.publicKey.verifies(signature: read.signature, of: [4] + Array("test".utf8) + [2, 3, 1, 3, 7, 8, 9])
        )
    }

    /// Scenario S-20: a signature for one purpose is worthless for another.
    @Test func `another domain does not verify`() {
        #expect(!sealed.isSignedValidly(domain: "tset"))
        #expect(!sealed.isSignedValidly(domain: ""))
        #expect(!sealed.signatureCheck(domain: "test2").holds)
        #expect(sealed.signatureCheck(domain: "test").holds)
    }

    @Test func `no payload is a payload`() throws {
        let empty = SignedEnvelope.seal(payload: [], payloadType: [1], domain: "d", by: key)
        #expect(try parsed(empty.bytes) == empty)
        #expect(empty.isSignedValidly(domain: "d"))
    }

    /// Scenario S-19: one envelope has one encoding.
    @Test func `every other encoding is refused`() {
        let field1: [UInt8] = [0x0a, 0x24] + KeyCodec.encode(key.publicKey)
        let (field2, field3): ([UInt8], [UInt8]) = ([0x12, 0x02, 0x03, 0x01], [0x1a, 0x03, 7, 8, 9])
        let field5: [UInt8] = [0x2a, 0x40] + sealed.signature
        let encodings: [[UInt8]] = [
            field2 + field1 + field3 + field5,
            field1 + field2 + field3 + field5 + [0x30, 0x00],
            field1 + field2 + field3 + [0x20, 0x01] + field5,
            field1 + field2 + field3 + field3 + field5,
            field1 + field2 + [0x1a, 0x83, 0x00, 7, 8, 9] + field5,
            field1 + [0x92, 0x00, 0x02, 0x03, 0x01] + field3 + field5,
        ]
        for bytes in encodings { #expect(throws: EnvelopeError.notCanonical) { try parsed(bytes) } }
        #expect(throws: EnvelopeError.malformed(.truncated)) { try parsed(sealed.bytes + [0x30]) }
        #expect(throws: EnvelopeError.malformed(.missing(field: 1))) { try parsed(field2 + field3 + field5) }
        #expect(throws: EnvelopeError.malformed(.missing(field: 2))) { try parsed(field1 + field3 + field5) }
        #expect(throws: EnvelopeError.signatureLength) { try parsed(field1 + field2 + field3) }
        #expect(throws: EnvelopeError.notCanonical) { try parsed(field1 + field2 + [0x1a, 0x00] + field5) }
    }

    @Test func `foreign keys are refused by their type`() {
        let bytes: [UInt8] = [0x0a, 0x25] + SpecificationKeys.secp256k1Public + [0x12, 0x01, 0x01, 0x2a, 0x01, 0x00]
        #expect(throws: EnvelopeError.key(.unsupportedType(2))) { try parsed(bytes) }
    }

    @Test func `the limit is the whole envelope's`() throws {
        #expect(try parsed(sealed.bytes, byteCountMax: sealed.bytes.count) == sealed)
        #expect(throws: EnvelopeError.tooLong) { try parsed(sealed.bytes, byteCountMax: sealed.bytes.count - 1) }
        let type: [UInt8] = [0x12, 65] + [UInt8](repeating: 1, count: 65)
        #expect(throws: EnvelopeError.malformed(.outOfBounds(field: 2))) { try parsed(type) }
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `damaged envelopes are refused, or come back the same and unsigned`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<600 {
            let bytes = damaged(sealed.bytes, by: &random)
            guard let envelope = try? parsed(bytes) else { continue }
            #expect(envelope.bytes == bytes)
            #expect(envelope.isSignedValidly(domain: "test") == (bytes == sealed.bytes))
        }
    }
}

@Suite struct `Peer record` {
    private let peer = PeerID(publicKey: key.publicKey)

    private func record(_ sequence: UInt64 = 7) throws -> PeerRecord {
        let addresses = try ["/ip4/192.0.2.0/tcp/42", "/ip6/2001:db8::1/tcp/42"].map { try Multiaddr(text: $0) }
        return PeerRecord(peer: peer, sequence: sequence, addresses: addresses)
    }

    private func sealed(_ payload: [UInt8], by signer: Ed25519.PrivateKey = key) -> [UInt8] {
        SignedEnvelope.seal(
            payload: payload,
            payloadType: PeerRecord.payloadType,
            domain: PeerRecord.domain,
            by: signer
        ).bytes
    }

    /// RFC 0003: peer id, sequence, addresses each in a message of its own.
    @Test func `the payload is as the specification lays it out`() throws {
        let head: [UInt8] = [0x0a, 0x26] + peer.bytes + [0x10, 0x07]
        let first: [UInt8] = [0x1a, 0x0a, 0x0a, 0x08, 0x04, 192, 0, 2, 0, 0x06, 0, 42]
        let payload = try record().payload
        #expect(Array(payload.prefix(head.count + first.count)) == head + first)
        #expect(try PeerRecord(parsing: payload.span) == record())
    }

    @Test(arguments: [0, 1, 1_570_215_229, .max] as [UInt64])
    func `a sealed record opens`(_ sequence: UInt64) throws {
        let record = try record(sequence)
        #expect(try PeerRecord.open(record.seal(by: key).bytes) == record)
    }

    @Test func `only the peer itself speaks for itself`() throws {
        let stolen = sealed(try record().payload, by: other)
        #expect(throws: PeerRecordError.signedByAnother) { try PeerRecord.open(stolen) }
    }

    @Test func `another domain, another type, a changed payload are refused`() throws {
        let payload = try record().payload
        // The domain of the specification's text, which nobody uses.
        let domain = SignedEnvelope.seal(
            payload: payload,
            payloadType: [3, 1],
            domain: "libp2p-routing-state",
            by: key
        )
        #expect(throws: PeerRecordError.signature) { try PeerRecord.open(domain.bytes) }
        let type = SignedEnvelope.seal(payload: payload, payloadType: [3, 2], domain: PeerRecord.domain, by: key)
        #expect(throws: PeerRecordError.payloadType) { try PeerRecord.open(type.bytes) }
        var bytes = sealed(payload)
        bytes[bytes.count - 70] ^= 1
        #expect(throws: PeerRecordError.signature) { try PeerRecord.open(bytes) }
        #expect(throws: PeerRecordError.envelope(.malformed(.truncated))) { try PeerRecord.open([0x0a]) }
    }

    @Test func `an address that we cannot read costs itself alone, unknown fields nothing`() throws {
        var writer = ProtobufWriter()
        writer.bytes(1, peer.bytes)
        writer.varint(2, 7)
        writer.message(3) { $0.bytes(1, [0xbc, 0x03, 1]) }
        writer.message(3) { _ in }
        for address in try record().addresses {
            writer.message(3) {
                $0.bytes(1, address.bytes)
                $0.varint(9, 1)
            }
        }
        writer.text(15, "more")
        #expect(try PeerRecord.open(sealed(writer.bytes)) == record())
    }

    @Test func `a record without a peer, with a broken one, with too many addresses is refused`() throws {
        #expect(throws: PeerRecordError.malformed(.missing(field: 1))) { try PeerRecord.open(sealed([0x10, 0x01])) }
        #expect(throws: PeerRecordError.peer(.notCanonicalKey)) {
            try PeerRecord.open(sealed([0x0a, 0x02, 0x00, 0x00]))
        }
        var writer = ProtobufWriter()
        writer.bytes(1, peer.bytes)
        for _ in 0..<PeerRecord.addressCountMax { writer.message(3) { $0.bytes(1, [0xa2, 0x02]) } }
        #expect(try PeerRecord(parsing: writer.bytes.span).addresses.count == PeerRecord.addressCountMax)
        writer.message(3) { $0.bytes(1, [0xa2, 0x02]) }
        #expect(throws: PeerRecordError.malformed(.outOfBounds(field: 3))) {
            try PeerRecord(parsing: writer.bytes.span)
        }
    }

    @Test func `an envelope of more than 8 KiB is not opened`() {
        let bytes = [UInt8](repeating: 0, count: PeerRecord.envelopeByteCountMax + 1)
        #expect(throws: PeerRecordError.envelope(.tooLong)) { try PeerRecord.open(bytes) }
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `damaged records are refused or read within their limits`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let (payload, envelope) = (try record().payload, try record().seal(by: key).bytes)
        for _ in 0..<400 {
            if let read = try? PeerRecord(parsing: damaged(payload, by: &random).span) {
                #expect(read.addresses.count <= PeerRecord.addressCountMax)
                #expect(try PeerRecord(parsing: read.payload.span) == read)
            }
            let bytes = damaged(envelope, by: &random)
            if let opened = try? PeerRecord.open(bytes) { #expect(bytes == envelope && opened.peer == peer) }
        }
    }
}
