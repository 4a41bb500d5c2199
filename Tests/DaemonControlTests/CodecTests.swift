import Cryptography
import Gossipsub
import Identity
import Primitives
import Sockets
import Testing

@testable import DaemonControl

@Suite struct `Control protocol` {
    static func peer(_ number: UInt8) -> PeerID {
        PeerID(publicKey: Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32)).publicKey)
    }

    static let address = Multiaddr(endpoint: Endpoint(address: IPAddress(127, 0, 0, 1), port: 4001))

    static let requests: [ControlRequest] = [
        .identify, .listPeers, .trim, .listTopics,
        .connect(peer(1), [], timeoutSeconds: nil), .connect(peer(1), [address, address], timeoutSeconds: 60),
        .disconnect(peer(2)),
        .openStream(peer(1), ["/a", "/b/1.0.0"], timeoutSeconds: 7),
        .handleStreams(["/a"], at: .path("/tmp/a b"), .replace),
        .handleStreams(["/a", "/b"], at: .endpoint(Endpoint(address: IPAddress(127, 0, 0, 1), port: 1)), .refuse),
        .handleStreams(["/a"], at: .path("/tmp/x"), .takeTurns),
        .stopHandling(["/a"], at: .path("/tmp/x")),
        .tag(peer(3), "good", weight: 5), .tag(peer(3), "bad", weight: -5), .untag(peer(3), "good"),
        .listSubscribers("news"), .publish("news", []), .publish("news", [1, 2, 3]), .subscribe("news"),
        .dht(.findPeer(peer(1)), timeoutSeconds: nil), .dht(.publicKey(of: peer(1)), timeoutSeconds: 3),
        .dht(.findProviders(multihash: multihash, count: 7), timeoutSeconds: nil),
        .dht(.provide(multihash: multihash), timeoutSeconds: nil),
        .dht(.closestPeers(key: [1, 2]), timeoutSeconds: nil), .dht(.value(key: [1]), timeoutSeconds: nil),
        .dht(.searchValue(key: [1]), timeoutSeconds: nil), .dht(.putValue(key: [1], [2, 3]), timeoutSeconds: nil),
    ]

    static let multihash = Multihash(sha256: [1]).bytes

    static let responses: [ControlResponse] = [
        .ok, .failed("no"), .failed(""),
        .identity(.init(peer: peer(1), addresses: [address.bytes, [1, 2, 3]])),
        .stream(StreamInfo(peer: peer(1), address: address.bytes, protocolName: "/a")),
        .peers([.init(peer: peer(1), addresses: [address.bytes]), .init(peer: peer(2), addresses: [])]),
        .topics(["a", "b"]), .topics([]), .subscribers([peer(1), peer(2)]),
        .dht(.begin), .dht(.end), .dht(.value([])), .dht(.value([1])),
        .dht(.peer(.init(peer: peer(1), addresses: [address.bytes]))),
    ]

    @Test(arguments: requests)
    func `a request is read as it was written`(request: ControlRequest) throws {
        #expect(try ControlRequest(parsing: request.encoded) == request)
    }

    @Test(arguments: responses)
    func `an answer is read as it was written`(response: ControlResponse) throws {
        #expect(try ControlResponse(parsing: response.encoded) == response)
    }

    @Test func `a message of a topic is read as it was written`() throws {
        let message = TopicMessage(author: [1, 2], data: [], sequence: [0, 1], topic: "news")
        #expect(try TopicMessage(parsing: message.encoded) == message)
    }

    /// By hand from pb/p2pd.proto of libp2p/go-libp2p-daemon.
    @Test func `the bytes are those of the schema`() throws {
        #expect(ControlRequest.identify.encoded == [0x08, 0x00])
        #expect(ControlRequest.listPeers.encoded == [0x08, 0x05])
        let publish: [UInt8] = [0x08, 0x08, 0x42, 0x0a, 0x08, 0x02, 0x12, 0x01, 0x74, 0x1a, 0x03, 7, 8, 9]
        #expect(ControlRequest.publish("t", [7, 8, 9]).encoded == publish)
        #expect(ControlResponse.ok.encoded == [0x08, 0x00])
        #expect(ControlResponse.failed("no").encoded == [0x08, 0x01, 0x12, 0x04, 0x0a, 0x02, 0x6e, 0x6f])
        let handler = ControlRequest.handleStreams(["/a"], at: .path("/s"), .refuse)
        let expected: [UInt8] = [
            0x08, 0x03, 0x22, 0x0d, 0x0a, 0x05, 0x90, 0x03, 0x02, 0x2f, 0x73, 0x12, 0x02, 0x2f, 0x61, 0x18, 0x00,
        ]
        #expect(handler.encoded == expected)
        let search = ControlRequest.dht(.closestPeers(key: [7, 8]), timeoutSeconds: nil)
        #expect(search.encoded == [0x08, 0x04, 0x2a, 0x06, 0x08, 0x03, 0x22, 0x02, 7, 8])
        #expect(ControlResponse.dht(.value([9])).encoded == [0x08, 0x00, 0x2a, 0x05, 0x08, 0x01, 0x1a, 0x01, 9])
    }

    @Test(
        arguments: [
            [], [0x08], [0x08, 0x0b], [0x10, 0x00], [0x0a, 0x00],
        ] as [[UInt8]]
    )
    func `what names no kind of request is malformed`(bytes: [UInt8]) {
        #expect(throws: ControlError.malformed) { try ControlRequest(parsing: bytes) }
    }

    @Test(arguments: [UInt64](1...4) + [6, 7, 8, 10])
    func `a request without its parameters is refused`(kind: UInt64) {
        var writer = ProtobufWriter()
        writer.requiredVarint(1, kind)
        #expect(throws: ControlError.refused("the request has no parameters")) {
            try ControlRequest(parsing: writer.bytes)
        }
    }

    @Test func `more protocols or addresses than a request may name are refused`() {
        let names = (0..<257).map { "/\($0)" }
        #expect(throws: ControlError.self) {
            try ControlRequest(parsing: ControlRequest.openStream(Self.peer(1), names, timeoutSeconds: 1).encoded)
        }
        let addresses = [Multiaddr](repeating: Self.address, count: 65)
        #expect(throws: ControlError.self) {
            try ControlRequest(parsing: ControlRequest.connect(Self.peer(1), addresses, timeoutSeconds: 1).encoded)
        }
    }

    @Test(arguments: [
        ("/unix/tmp/p2pd.sock", LocalAddress.path("/tmp/p2pd.sock")),
        ("/ip4/127.0.0.1/tcp/5000", .endpoint(Endpoint(address: IPAddress(127, 0, 0, 1), port: 5000))),
    ])
    func `a control address has two forms, each read as it was written`(text: String, address: LocalAddress) throws {
        #expect(try LocalAddress(multiaddr: text) == address)
        #expect(address.multiaddr == text)
        #expect(try LocalAddress(multiaddr: address.multiaddrBytes) == address)
    }

    @Test(arguments: ["", "/unix", "unix/a", "/ip4/127.0.0.1", "/dns/example.org/tcp/1", "/ip4/127.0.0.1/udp/1"])
    func `other addresses are refused`(text: String) {
        #expect(throws: ControlError.self) { try LocalAddress(multiaddr: text) }
    }

    @Test(arguments: UInt8(1)...20)
    func `no bytes trap a decoder`(seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let samples = Self.requests.map(\.encoded) + Self.responses.map(\.encoded)
        for sample in samples {
            var bytes = sample
            switch random.below(3) {
            case 0: bytes = Array(bytes.prefix(random.below(bytes.count + 1)))
            case 1: for _ in 0...random.below(4) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
            default: bytes = random.bytes(random.below(64))
            }
            if let request = try? ControlRequest(parsing: bytes) {
                #expect((try? ControlRequest(parsing: request.encoded)) == request)
            }
            _ = try? ControlResponse(parsing: bytes)
            _ = try? StreamInfo(parsing: bytes)
            _ = try? TopicMessage(parsing: bytes)
            _ = try? LocalAddress(multiaddr: bytes)
        }
    }
}

@Suite struct `Content ids` {
    private func request(_ contentID: [UInt8]) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.requiredVarint(1, 4)
        writer.message(5) {
            $0.requiredVarint(1, 8)
            $0.requiredBytes(3, contentID)
        }
        return writer.bytes
    }

    @Test func `both versions name the same multihash`() throws {
        let multihash = Multihash(sha256: [1, 2, 3]).bytes
        for id in [multihash, [0x01, 0x55] + multihash, [0x01, 0x70] + multihash] {
            #expect(
                try ControlRequest(parsing: request(id)) == .dht(.provide(multihash: multihash), timeoutSeconds: nil)
            )
        }
    }

    @Test(
        arguments: [[], [1], [2, 0x55, 0, 1, 7], [1, 0x55], [1, 0x55, 0x12, 0x20, 1], [1, 0x80, 0x80]] as [[UInt8]]
    )
    func `what is none is refused`(id: [UInt8]) {
        #expect(throws: ControlError.refused("the content id is malformed")) {
            try ControlRequest(parsing: request(id))
        }
    }
}
