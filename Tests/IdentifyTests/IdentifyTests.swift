import Cryptography
import Identity
import Primitives
import Testing

@testable import Identify

private let key = Ed25519.PrivateKey(seed: Array(repeating: 1, count: 32))
private let otherKey = Ed25519.PrivateKey(seed: Array(repeating: 2, count: 32))

private func address(_ index: Int) -> Multiaddr {
    let bytes: [UInt8] = [10, 0, UInt8(truncatingIfNeeded: index >> 8), UInt8(truncatingIfNeeded: index)]
    guard let ip = IPAddress(bytes) else { preconditionFailure("four bytes are an address") }
    return Multiaddr(endpoint: Endpoint(address: ip, port: 4001))
}

private func message(addresses: Int = 2, protocols: Int = 2, record: Int? = 150) -> IdentifyMessage {
    var message = IdentifyMessage()
    message.protocolVersion = "ipfs/0.1.0"
    message.agentVersion = "rialto/1.0"
    message.publicKey = KeyCodec.encode(key.publicKey)
    message.listenAddresses = (0..<addresses).map(address)
    message.observedAddress = address(99)
    message.protocols = (0..<protocols).map { "/test/\($0)/1.0.0" }
    message.signedPeerRecord = record.map { Array(repeating: 5, count: $0) }
    return message
}

private func read(_ bytes: [UInt8], pieceMax: Int = .max) throws(IdentifyError) -> IdentifyMessage {
    var reader = IdentifyReader()
    var rest = bytes[...]
    while !rest.isEmpty {
        try reader.receive(Array(rest.prefix(pieceMax)))
        rest = rest.dropFirst(pieceMax)
    }
    return try reader.finished()
}

@Suite struct `Identify message` {
    /// Written out by hand from the schema in libp2p/specs, identify/README.md, and field 8 as go and rust have it.
    @Test func `fields have the numbers of the schema`() throws {
        let golden: [UInt8] =
            [0x0a, 2, 8, 1] + [0x12, 8, 4, 10, 0, 0, 7, 6, 0x0f, 0xa1] + [0x1a, 2, 0x2f, 0x61]
            + [0x22, 8, 4, 10, 0, 0, 8, 6, 0x0f, 0xa1] + [0x2a, 1, 0x76] + [0x32, 1, 0x77] + [0x42, 1, 9]
        var expected = IdentifyMessage()
        expected.publicKey = [8, 1]
        expected.listenAddresses = [address(7)]
        expected.protocols = ["/a"]
        expected.observedAddress = address(8)
        expected.protocolVersion = "v"
        expected.agentVersion = "w"
        expected.signedPeerRecord = [9]
        #expect(try IdentifyMessage(parsing: golden.span) == expected)
        #expect(expected.encoded() == golden)
    }

    @Test(arguments: UInt8(1)...20)
    func `what is written is read again`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: Array(repeating: seed, count: 32))
        var sent = message(addresses: random.below(30), protocols: random.below(40), record: random.below(200))
        if random.chance(1, in: 2) { sent.protocolVersion = random.chance(1, in: 2) ? "" : nil }
        if random.chance(1, in: 2) { sent.agentVersion = "Größe ☃ 4" }
        if random.chance(1, in: 2) { sent.observedAddress = nil }
        if random.chance(1, in: 2) { sent.publicKey = nil }
        let bytes = sent.encoded()
        #expect(try IdentifyMessage(parsing: bytes.span) == sent)
        #expect(try read(sent.encodedFrames(), pieceMax: 1 + random.below(60)) == sent)
    }

    @Test func `an empty protocol version is present and an absent one is not`() throws {
        let present: [UInt8] = [0x2a, 0]
        let absent: [UInt8] = []
        #expect(try IdentifyMessage(parsing: present.span).protocolVersion == "")
        #expect(try IdentifyMessage(parsing: absent.span) == IdentifyMessage())
    }

    @Test func `addresses and names that we cannot use are left out and the message is kept`() throws {
        var writer = ProtobufWriter()
        writer.requiredBytes(2, [0xff, 0xff, 0x7f, 1])
        writer.requiredBytes(2, address(1).bytes)
        writer.requiredBytes(2, [])
        for name in [[0x2f, 0x0a], [], [0xff], Array(repeating: 0x61, count: 257), Array("/ok".utf8)] as [[UInt8]] {
            writer.requiredBytes(3, name)
        }
        writer.requiredBytes(4, [1])
        writer.requiredVarint(77, 5)
        let parsed = try IdentifyMessage(parsing: writer.bytes.span)
        #expect(parsed.listenAddresses == [address(1)])
        #expect(parsed.protocols == ["/ok"])
        #expect(parsed.observedAddress == nil)
    }

    @Test func `lists stop at their caps and hold each value once`() throws {
        var writer = ProtobufWriter()
        for index in 0..<1_500 {
            writer.requiredBytes(2, address(index).bytes)
            writer.requiredBytes(2, address(0).bytes)
            writer.requiredBytes(3, "/p/\(index)".utf8)
        }
        let parsed = try IdentifyMessage(parsing: writer.bytes.span)
        #expect(parsed.listenAddresses == (0..<500).map(address))
        #expect(parsed.protocols == (0..<1_024).map { "/p/\($0)" })
        #expect(parsed.merging(message()).protocols.count == 1_024)
        #expect(parsed.merging(message()).listenAddresses.count == 500)
    }

    /// S-25.
    @Test func `versions are cut to 64 bytes and cannot forge lines`() throws {
        var writer = ProtobufWriter()
        writer.requiredBytes(5, "a\nb\u{202e}c\u{2028}\u{7f}\"".utf8)
        writer.requiredBytes(6, String(repeating: "ä☃", count: 2_000).utf8)
        let parsed = try IdentifyMessage(parsing: writer.bytes.span)
        #expect(parsed.protocolVersion == "a\u{fffd}b\u{fffd}c\u{fffd}\u{fffd}\"")
        #expect(parsed.agentVersion == String(repeating: "ä☃", count: 12) + "ä")
        #expect(parsed.agentVersion?.utf8.count == 62)
    }

    @Test func `a long run of bytes that are no text stays within 64 bytes`() throws {
        var writer = ProtobufWriter()
        writer.requiredBytes(6, Array(repeating: 0xff, count: 1_000))
        #expect(
            try IdentifyMessage(parsing: writer.bytes.span).agentVersion == String(repeating: "\u{fffd}", count: 21)
        )
    }

    @Test func `a push changes what it names and leaves the rest`() {
        var push = IdentifyMessage()
        push.protocols = ["/new"]
        push.agentVersion = "other"
        var expected = message()
        expected.protocols = ["/new"]
        expected.agentVersion = "other"
        #expect(message().updated(by: push) == expected)
        #expect(message().updated(by: IdentifyMessage()) == message())
    }

    @Test func `the key must be that of the connection`() throws {
        #expect(try message().validated(for: PeerID(publicKey: key.publicKey)) == message())
        #expect(throws: IdentifyError.keyOfAnotherPeer) {
            try message().validated(for: PeerID(publicKey: otherKey.publicKey))
        }
        var changed = message()
        changed.publicKey = [8, 0, 18, 1, 5]
        #expect(throws: IdentifyError.key(.unsupportedType(0))) {
            try changed.validated(for: PeerID(publicKey: key.publicKey))
        }
        changed.publicKey = nil
        #expect(try changed.validated(for: PeerID(publicKey: key.publicKey)) == changed)
    }
}

@Suite struct `Identify reader` {
    @Test(arguments: [1, 7, 4_096])
    func `ten parts are merged`(_ pieceMax: Int) throws {
        var expected = IdentifyMessage()
        var bytes: [UInt8] = []
        for index in 0..<10 {
            var part = IdentifyMessage()
            part.protocols = ["/part/\(index)"]
            part.agentVersion = "agent \(index)"
            bytes += LengthPrefixedFrames.framed(part.encoded())
            expected = expected.merging(part)
        }
        #expect(expected.protocols.count == 10)
        #expect(try read(bytes, pieceMax: pieceMax) == expected)
    }

    /// S-14.
    @Test func `an eleventh part, a long message and half a message are refused`() {
        let part = LengthPrefixedFrames.framed(IdentifyMessage().encoded())
        #expect(throws: IdentifyError.tooManyMessages) { try read(Array(repeating: part, count: 11).flatMap(\.self)) }
        #expect(throws: IdentifyError.frame(.messageTooLong)) { try read([0x81, 0x40]) }
        #expect(throws: IdentifyError.truncated) { try read([2, 0x2a]) }
        #expect(throws: IdentifyError.truncated) { try read([]) }
        #expect(throws: IdentifyError.malformed(.truncated)) { try read([1, 0x2a]) }
    }

    @Test func `a message of exactly 8 KiB is read`() throws {
        var sent = IdentifyMessage()
        sent.signedPeerRecord = Array(repeating: 1, count: (8 << 10) - 3)
        #expect(sent.encoded().count == 8 << 10)
        #expect(try read(LengthPrefixedFrames.framed(sent.encoded())) == sent)
    }

    @Test func `a short identification is one message and a long one sends the record apart`() throws {
        var frames = LengthPrefixedFrames(byteCountMax: IdentifyMessage.ownByteCountMax)
        frames.append(message().encodedFrames())
        #expect(try frames.next() == message().encoded())
        #expect(frames.pendingByteCount == 0)

        let long = message(addresses: 20, protocols: 60, record: 1_000)
        frames.append(long.encodedFrames())
        let (first, second) = try (frames.next() ?? [], frames.next() ?? [])
        var record = IdentifyMessage()
        record.signedPeerRecord = long.signedPeerRecord
        #expect(try IdentifyMessage(parsing: first.span).signedPeerRecord == nil)
        #expect(second == record.encoded())
        #expect(try read(long.encodedFrames()) == long)
    }

    @Test func `no message of ours is longer than 4 KiB`() throws {
        let sent = message(addresses: 500, protocols: 20, record: 5_000)
        var frames = LengthPrefixedFrames(byteCountMax: IdentifyMessage.ownByteCountMax)
        frames.append(sent.encodedFrames())
        let first = try frames.next() ?? []
        let parsed = try IdentifyMessage(parsing: first.span)
        #expect(parsed.listenAddresses.count > 300)
        #expect(parsed.listenAddresses == Array(sent.listenAddresses.prefix(parsed.listenAddresses.count)))
        #expect(parsed.protocols == sent.protocols)
        #expect(frames.pendingByteCount == 0, "a record that does not fit is left out")
    }

    @Test(arguments: UInt8(1)...60)
    func `no bytes of a peer trap the reader`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: Array(repeating: seed, count: 32))
        for _ in 0..<15 {
            var bytes = message(addresses: random.below(6), protocols: random.below(6)).encodedFrames()
            for _ in 0..<random.below(6) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            if random.chance(1, in: 3) { bytes.removeLast(random.below(bytes.count)) }
            if random.chance(1, in: 5) { bytes = random.bytes(random.below(300)) }
            guard let parsed = try? read(bytes, pieceMax: 1 + random.below(200)) else { continue }
            #expect((parsed.agentVersion?.utf8.count ?? 0) <= 64)
            // What was read can be written and read again.
            #expect(try read(LengthPrefixedFrames.framed(parsed.encoded())) == parsed)
        }
    }
}
