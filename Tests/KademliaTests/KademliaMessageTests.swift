import Identity
import Primitives
import Testing

@testable import Kademlia

@Suite struct `Kademlia message` {
    /// Worked by hand from the schema of libp2p/specs, kad-dht: fields 1, 2 and 8, the peer with fields 1, 2 and 3.
    @Test func `a request and an answer have the published encoding`() throws {
        let target = peer(1)
        let request = KademliaMessage(kind: .findNode, key: target.id.bytes)
        #expect(request.encoded == [0x08, 0x04, 0x12, 34] + target.id.bytes)

        let named = KademliaPeer(
            id: target.id,
            addresses: [try Multiaddr(text: "/ip4/198.51.100.7/tcp/4001")],
            connection: .connected
        )
        let answer = KademliaMessage(kind: .findNode, closerPeers: [named])
        let address: [UInt8] = [0x04, 198, 51, 100, 7, 0x06, 0x0f, 0xa1]
        let inner: [UInt8] = [0x0a, 34] + target.id.bytes + [0x12, 8] + address + [0x18, 0x01]
        #expect(answer.encoded == [0x08, 0x04, 0x42, UInt8(inner.count)] + inner)
        #expect(try KademliaMessage(parsing: answer.encoded.span) == answer)
    }

    /// Recorded on the loopback interface from go-libp2p-kad-dht v0.25.1, in the daemon `p2pd`.
    ///
    /// Its answers to a question for itself, and to one for the providers of a key of which one had announced itself. It ends every
    /// answer with the cluster level 1.
    @Test(arguments: [
        "080442320a2600240801122097ffc883c80bee7237ef95d9b9b703d4ad63e60a21e605867682b75b8b3f4303"
            + "1208047f000001068593",
        "080312221220039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
            + "4a320a260024080112208a88e3dd7409f195fd52db2d3cba5d72ca6709bf1d94121bf3748801b40f6f5c"
            + "1208047f00000106885d",
    ])
    func `what another implementation sent is read, and written as it was`(recorded: String) throws {
        let bytes = hexadecimal(recorded)
        let message = try KademliaMessage(parsing: (bytes + [0x50, 0x01]).span)
        #expect(message.encoded == bytes)
        let named = try #require(message.closerPeers.first ?? message.providerPeers.first)
        #expect(named.id.description.hasPrefix("12D3KooW"))
        #expect(named.addresses.first?.description.hasPrefix("/ip4/127.0.0.1/tcp/3") == true)
    }

    @Test func `a peer with many bridges is known by its public address all the same`() throws {
        let bridges = (0..<20).map {
            Multiaddr(endpoint: Endpoint(address: IPAddress(172, 17, UInt8($0), 1), port: 4001))
        }
        let other = try Multiaddr(text: "/ip4/203.0.113.1/udp/4001/quic-v1")
        let addresses = bridges + [other] + peer(1).addresses
        let kept = peer(1).addresses + bridges.prefix(7)
        #expect(KademliaPeer(id: peerID(1), addresses: addresses).addresses == kept)
        var writer = ProtobufWriter()
        writer.bytes(1, peerID(1).bytes)
        for address in addresses { writer.bytes(2, address.bytes) }
        #expect(try KademliaPeer(parsing: writer.bytes.span)?.addresses == kept)
        #expect(KademliaPeer(id: peerID(1), addresses: addresses).visible(from: host(2)).addresses == peer(1).addresses)
    }

    @Test func `an absent kind is the first one, as proto3 leaves defaults out`() throws {
        let record = KademliaValue(key: [7], value: [9])
        let message = try KademliaMessage(parsing: [0x12, 1, 7, 0x1a, 6, 0x0a, 1, 7, 0x12, 1, 9].span)
        #expect(message == KademliaMessage(kind: .putValue, key: [7], record: record))
        #expect(message.encoded == [0x12, 1, 7, 0x1a, 6, 0x0a, 1, 7, 0x12, 1, 9])
    }

    @Test func `the receiver's time, cluster levels and unknown fields are skipped`() throws {
        let bytes: [UInt8] = [0x08, 0x01, 0x1a, 5, 0x2a, 3, 0x32, 0x30, 0x32, 0x50, 0x01, 0x7a, 0]
        let message = try KademliaMessage(parsing: bytes.span)
        #expect(message == KademliaMessage(kind: .getValue, record: KademliaValue(key: [], value: [])))
    }

    @Test(arguments: [
        ([0x08, 0x06] as [UInt8], KademliaMessageError.unknownKind),
        ([0x08, 0xff, 0xff, 0xff, 0xff, 0x0f], .unknownKind),
        ([0x08], .malformed(.truncated)),
        ([0x12, 0xff, 0x01], .malformed(.truncated)),
        ([0x42, 2, 0x0a, 40], .malformed(.truncated)),
        ([0x0a, 0], .malformed(.wrongWireType(field: 1))),
    ])
    func `what is no message is refused`(bytes: [UInt8], error: KademliaMessageError) {
        #expect(throws: error) { try KademliaMessage(parsing: bytes.span) }
    }

    @Test func `keys, values and messages have their limits`() {
        let longKey = KademliaMessage(kind: .getValue).encoded + [0x12, 0x81, 0x01] + [UInt8](repeating: 0, count: 129)
        #expect(throws: KademliaMessageError.malformed(.outOfBounds(field: 2))) {
            try KademliaMessage(parsing: longKey.span)
        }
        let value = [UInt8](repeating: 0, count: KademliaMessage.valueByteCountMax + 1)
        var record = ProtobufWriter()
        record.message(3) { $0.bytes(2, value) }
        #expect(throws: KademliaMessageError.malformed(.outOfBounds(field: 2))) {
            try KademliaMessage(parsing: record.bytes.span)
        }
        let long = [UInt8](repeating: 0, count: KademliaMessage.byteCountMax + 1)
        #expect(throws: KademliaMessageError.tooLong) { try KademliaMessage(parsing: long.span) }
    }

    @Test func `peers of unknown form, foreign addresses and what exceeds the limits are left out`() throws {
        let stranger = peer(2)
        let address = try Multiaddr(text: "/ip4/198.51.100.7/tcp/4001")
        var writer = ProtobufWriter()
        writer.varint(1, 4)
        writer.message(8) { $0.bytes(1, [1, 2, 3]) }
        writer.message(8) { named in
            named.bytes(1, stranger.id.bytes)
            named.bytes(2, [0xff, 0xff])
            named.bytes(2, address.with(peer: peer(3).id).bytes)
            named.bytes(2, address.with(peer: stranger.id).bytes)
            for port in 1...20 {
                named.bytes(
                    2,
                    Multiaddr(endpoint: Endpoint(address: IPAddress(198, 51, 100, 7), port: UInt16(port))).bytes
                )
            }
            named.varint(3, 900)
        }
        for number in 10..<60 { writer.message(8) { $0.bytes(1, peer(number).id.bytes) } }
        let message = try KademliaMessage(parsing: writer.bytes.span)
        #expect(message.closerPeers.count == KademliaMessage.closerPeerCountMax)
        let first = message.closerPeers[0]
        #expect(first.id == stranger.id)
        #expect(first.addresses.first == address)
        #expect(first.addresses.count == KademliaPeer.addressCountMax)
        #expect(first.connection == .notConnected)
    }

    @Test func `an answer that would be too long loses providers before nearer peers`() {
        let peers = (0..<2_000).map { peer($0) }
        let message = KademliaMessage(
            kind: .getProviders,
            key: [1],
            closerPeers: Array(peers.prefix(20)),
            providerPeers: peers
        )
        let encoded = message.encoded
        #expect(encoded.count <= KademliaMessage.byteCountMax)
        #expect(encoded.count > KademliaMessage.byteCountMax - 100)
        let parsed = try? KademliaMessage(parsing: encoded.span)
        #expect(parsed?.closerPeers == message.closerPeers)
        #expect(parsed?.providerPeers == Array(peers.prefix(KademliaMessage.providerCountMax)))
    }

    @Test(arguments: UInt8(1)...8)
    func `whatever is written is read again`(number: UInt8) throws {
        var random = SeededRandom(seed: seed(number))
        for _ in 0..<30 {
            let message = Self.message(&random)
            #expect(try KademliaMessage(parsing: message.encoded.span) == message)
        }
    }

    @Test(arguments: UInt8(1)...8)
    func `no bytes make the reader trap`(number: UInt8) {
        var random = SeededRandom(seed: seed(number))
        var readCount = 0
        for _ in 0..<150 {
            var bytes = Self.message(&random).encoded
            switch random.below(3) {
            case 0: bytes = Array(bytes.prefix(random.below(bytes.count + 1)))
            case 1: for _ in 0..<3 where !bytes.isEmpty { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            default: bytes = random.bytes(random.below(80))
            }
            guard let message = try? KademliaMessage(parsing: bytes.span) else { continue }
            readCount += 1
            #expect(message.closerPeers.count <= KademliaMessage.closerPeerCountMax)
            #expect(message.encoded.count <= KademliaMessage.byteCountMax)
        }
        #expect(readCount > 0)
    }

    static func message(_ random: inout SeededRandom) -> KademliaMessage {
        var message = KademliaMessage(kind: KademliaMessage.Kind.allCases[random.below(6)])
        message.key = random.bytes(random.below(60))
        if random.chance(1, in: 3) { message.record = KademliaValue(key: random.bytes(5), value: random.bytes(40)) }
        for _ in 0..<random.below(4) { message.closerPeers.append(peer(random.below(1000))) }
        for _ in 0..<random.below(4) { message.providerPeers.append(peer(random.below(1000))) }
        return message
    }
}

/// A peer with a public address in a network of its own.
func peer(_ number: Int) -> KademliaPeer {
    KademliaPeer(id: peerID(number), addresses: [Multiaddr(endpoint: Endpoint(address: host(number), port: 4001))])
}

func peerID(_ number: Int) -> PeerID {
    let multihash = Multihash(sha256: Array("peer \(number)".utf8))
    guard let id = try? PeerID(bytes: multihash.bytes) else { preconditionFailure("a SHA-256 multihash names a peer") }
    return id
}

/// Public hosts in different /16 for the first 10,000 numbers.
func host(_ number: Int) -> IPAddress {
    IPAddress(UInt8(128 + number % 40), UInt8(number / 40 % 250), 1, UInt8(1 + number / 10_000))
}
