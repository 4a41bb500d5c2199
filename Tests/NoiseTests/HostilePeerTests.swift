internal import Cryptography
internal import Identity
internal import Noise
internal import Primitives
import Testing

/// Scenarios S-12 and S-13: a peer that breaks one rule.
///
/// `mallory` speaks Noise well and libp2p as it likes.
@Suite struct `Hostile Noise peer` {
    var alice = Party(5)
    var mallory = Party(6)

    /// Alice dials; Mallory's second message carries `payload`.
    mutating func dial(expecting peer: PeerID? = nil, answer payload: [UInt8]) throws -> [NoiseHandshake.Output] {
        var initiator = alice.handshake(.initiator, expecting: peer, muxers: ["/yamux/1.0.0"])
        var responder = mallory.bareHandshake(.responder)
        _ = try responder.readMessage(Array(initiator.start().sent.dropFirst(2)))
        return initiator.receive(framed(try responder.writeMessage(payload: payload)))
    }

    /// Mallory dials; its third message carries `payload`.
    mutating func listen(expecting peer: PeerID? = nil, last payload: [UInt8]) throws -> [NoiseHandshake.Output] {
        var responder = alice.handshake(.responder, expecting: peer, muxers: ["/yamux/1.0.0"])
        var initiator = mallory.bareHandshake(.initiator)
        _ = responder.start()
        let answer = responder.receive(framed(try initiator.writeMessage(payload: []))).sent
        _ = try initiator.readMessage(Array(answer.dropFirst(2)))
        return responder.receive(framed(try initiator.writeMessage(payload: payload)))
    }

    /// Both directions end with this failure and nothing else: nothing sent, no early data given out.
    mutating func expect(_ failure: NoiseFailure, at payload: HandshakePayload, expecting peer: PeerID? = nil) throws {
        for outputs in [
            try dial(expecting: peer, answer: payload.encoded), try listen(expecting: peer, last: payload.encoded),
        ] {
            #expect(outputs.failure == failure)
            #expect(outputs.count == 1)
        }
    }

    @Test mutating func `is let in when it keeps all rules`() throws {
        let payload = mallory.payload(muxers: ["/yamux/1.0.0"]).encoded
        #expect(try dial(expecting: mallory.peer, answer: payload).session?.muxer == "/yamux/1.0.0")
        #expect(try listen(last: payload).session?.remotePeer == mallory.peer)
    }

    @Test mutating func `with a wrong signature is refused, its early data unused`() throws {
        var payload = mallory.payload(muxers: ["/other"])
        payload.identitySignature[7] ^= 1
        try expect(.identitySignatureInvalid, at: payload)
    }

    @Test mutating func `with the signature of another static key is refused`() throws {
        var payload = mallory.payload()
        payload.identitySignature = Party(7).payload().identitySignature
        try expect(.identitySignatureInvalid, at: payload)
    }

    /// The payload of an honest peer, replayed by somebody with another static key.
    @Test mutating func `with another peer's payload is refused`() throws {
        try expect(.identitySignatureInvalid, at: Party(7).payload(), expecting: Party(7).peer)
    }

    @Test mutating func `with a signature that lacks the prefix is refused`() throws {
        var payload = mallory.payload()
        payload.identitySignature = mallory.identity.signature(of: mallory.staticKeyPair.publicKey)
        try expect(.identitySignatureInvalid, at: payload)
    }

    @Test(arguments: [0, 63, 65])
    mutating func `with a signature of another length is refused`(byteCount: Int) throws {
        var payload = mallory.payload()
        payload.identitySignature = Array((payload.identitySignature + [0]).prefix(byteCount))
        let failure: NoiseFailure =
            byteCount == 0 ? .malformedPayload(.missing(field: 2)) : .identitySignatureInvalid
        try expect(failure, at: payload)
    }

    @Test mutating func `that is well signed but not the one expected is refused`() throws {
        try expect(
            .unexpectedPeer(mallory.peer),
            at: mallory.payload(muxers: ["/yamux/1.0.0"]),
            expecting: Party(7).peer
        )
    }

    @Test(
        arguments: [
            [0x22, 0x05, 0x12, 0x03, 0x2f, 0x61, 0x62],
            Array(repeating: 0, count: 992),
            [0],
        ] as [[UInt8]]
    )
    mutating func `with extensions or anything else in the first message is refused`(payload: [UInt8]) throws {
        var responder = alice.handshake(.responder, muxers: ["/ab"])
        _ = responder.start()
        let outputs = responder.receive(framed(try mallory.bareHandshake(.initiator).writing(payload)))
        #expect(outputs.failure == .messageLength(UInt16(32 + payload.count)))
        #expect(outputs.count == 1)
    }

    @Test mutating func `with an all-zero ephemeral key is refused by the responder`() {
        var responder = alice.handshake(.responder)
        _ = responder.start()
        let outputs = responder.receive(framed([UInt8](repeating: 0, count: 32)))
        #expect(outputs.failure == .smallOrderPoint)
        #expect(outputs.count == 1)
    }

    /// Points of small order from the list of Curve25519's author (cr.yp.to/ecdh.html, "Validate").
    @Test(arguments: [
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    ])
    mutating func `with an ephemeral key of small order is refused by the initiator`(point: String) throws {
        var initiator = alice.handshake(.initiator)
        _ = initiator.start()
        let key = try #require([UInt8](hexadecimal: point))
        let outputs = initiator.receive(framed(key + [UInt8](repeating: 0, count: 64 + 104)))
        #expect(outputs.failure == .smallOrderPoint)
        #expect(outputs.count == 1)
    }

    /// The libp2p key messages of S-13: RSA 0 with 2048 and 16384 bits, secp256k1 2, ECDSA 3, an unknown type, no type.
    @Test(
        arguments: [
            ([0x08, 0x00, 0x12, 0xa6, 0x02] + Array(repeating: 0xff, count: 294), .unsupportedType(0)),
            ([0x08, 0x02, 0x12, 0x21] + Array(repeating: 2, count: 33), .unsupportedType(2)),
            ([0x08, 0x03, 0x12, 0x5b] + Array(repeating: 2, count: 91), .unsupportedType(3)),
            ([0x08, 0x7f, 0x12, 0x20] + Array(repeating: 2, count: 32), .unsupportedType(0x7f)),
            ([0x12, 0x20] + Array(repeating: 2, count: 32), .notCanonical),
        ] as [([UInt8], KeyError)]
    )
    mutating func `with an identity key of another type is refused`(key: [UInt8], reason: KeyError) throws {
        var payload = mallory.payload()
        payload.identityKey = key
        try expect(.identityKeyRefused(reason), at: payload)
    }

    @Test mutating func `with an RSA key of 16384 bits is refused at the length of its message`() throws {
        var payload = mallory.payload()
        payload.identityKey = [0x08, 0x00, 0x12, 0xa6, 0x10] + Array(repeating: 0xff, count: 2086)
        let byteCount = UInt16(payload.encoded.count)
        #expect(try dial(answer: payload.encoded).failure == .messageLength(96 + byteCount))
        #expect(try listen(last: payload.encoded).failure == .messageLength(64 + byteCount))
    }

    @Test mutating func `with a payload that is not the message is refused`() throws {
        for payload: [UInt8] in [[0xff], [0x0a, 0xff, 0x01], [0x08, 0x01], [0x1b]] {
            for outputs in [try dial(answer: payload), try listen(last: payload)] {
                guard case .malformedPayload = outputs.failure else {
                    Issue.record("\(payload) gave \(outputs)")
                    continue
                }
            }
        }
        #expect(try dial(answer: []).failure == .malformedPayload(.missing(field: 1)))
    }

    @Test mutating func `may send fields that we do not know`() throws {
        // Field 3, the old early data; inside the extensions field 1, certificate hashes; field 1000.
        let unknown: [UInt8] = [0x1a, 0x02, 1, 2, 0x22, 0x04, 0x0a, 0x02, 3, 4, 0xc0, 0x3e, 0x01]
        let payload = mallory.payload(muxers: ["/yamux/1.0.0"]).encoded + unknown
        #expect(try dial(answer: payload).session?.muxer == "/yamux/1.0.0")
    }

    @Test mutating func `cannot make us store more than one bounded message`() {
        for length: UInt16 in [0, 31, 33, 1057, 0x7fff, 0xffff] {
            var responder = alice.handshake(.responder)
            _ = responder.start()
            #expect(responder.receive([UInt8(length >> 8), UInt8(length & 0xff)]).failure == .messageLength(length))
        }
        for length: UInt16 in [0, 95, 96 + 1025, 0xffff] {
            var initiator = alice.handshake(.initiator)
            _ = initiator.start()
            #expect(initiator.receive([UInt8(length >> 8), UInt8(length & 0xff)]).failure == .messageLength(length))
        }
        var initiator = alice.handshake(.initiator)
        _ = initiator.start()
        #expect(initiator.receive([0x04, 0x60]).isEmpty)
    }
}

extension HandshakeState {
    /// This state's next message alone.
    func writing(_ payload: [UInt8]) throws(NoiseFailure) -> [UInt8] {
        var copy = self
        return try copy.writeMessage(payload: payload)
    }
}
