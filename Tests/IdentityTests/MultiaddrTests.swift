import Cryptography
import Identity
import Primitives
import Testing

private let peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
private let relay = "QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC"

@Suite struct `Multiaddrs` {
    /// multiformats/multiaddr `test/multiaddr.feature`; multiformats/go-multiaddr `multiaddr_test.go`, `TestStringToBytes`.
    @Test(arguments: [
        ("/ip4/192.0.2.42/tcp/443", "04c000022a0601bb"),
        ("/ip4/127.0.0.1/udp/1234", "047f000001910204d2"),
        ("/ip4/127.0.0.1/tcp/4321", "047f0000010610e1"),
        ("/ip4/127.0.0.1/udp/1234/ip4/127.0.0.1/tcp/4321", "047f000001910204d2047f0000010610e1"),
        ("/ip6/::1/tcp/1", "2900000000000000000000000000000001060001"),
        ("/dns4/a.b/tcp/80", "3603612e62060050"),
        ("/p2p-circuit", "a202"),
    ])
    func `the public vectors go both ways`(_ text: String, _ packed: String) throws {
        let address = try Multiaddr(text: text)
        #expect(address.bytes == hex(packed))
        #expect(address.description == text)
        #expect(try Multiaddr(bytes: hex(packed)) == address)
    }

    /// From the list `good` of multiformats/go-multiaddr `multiaddr_test.go`, and what nodes advertise today.
    @Test(arguments: [
        "/ip4/1.2.3.4", "/ip4/0.0.0.0", "/ip4/192.0.2.0/ipcidr/24", "/ip6/::1",
        "/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21",
        "/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21/udp/1234/quic",
        "/ip6/2601:9:4f81:9700:803e:ca65:66e8:c21/udp/1234/quic-v1",
        "/ip6/2001:db8::/ipcidr/32", "/ip6zone/x/ip6/fe80::1", "/ip6zone/x%y/ip6/fe80::1", "/ip6zone/x%y/ip6/::",
        "/ip6zone/x/ip6/fe80::1/udp/1234/quic-v1", "/udp/0", "/tcp/0", "/sctp/0", "/dccp/7", "/udp/65535", "/tcp/65535",
        "/p2p/\(relay)", "/p2p/\(peer)", "/udp/1234/sctp/1234", "/udp/1234/udt", "/udp/1234/utp", "/tcp/1234/http",
        "/tcp/1234/tls/http", "/tcp/1234/https", "/p2p/\(relay)/tcp/1234",
        "/ip4/127.0.0.1/udp/1234/quic-v1/webtransport",
        "/ip4/127.0.0.1/p2p/\(relay)/tcp/1234", "/ip4/127.0.0.1/tcp/9090/http/p2p-webrtc-direct",
        "/ip4/127.0.0.1/tcp/127/ws",
        "/ip4/127.0.0.1/tcp/127/tls/ws", "/ip4/127.0.0.1/tcp/127/noise", "/ip4/127.0.0.1/tcp/127/wss",
        "/ip4/127.0.0.1/tcp/127/webrtc", "/ip4/127.0.0.1/udp/127/webrtc-direct", "/memory/4",
        "/memory/18446744073709551615",
        "/ip4/127.0.0.1/tcp/443/tls/sni/*.example.com/ws", "/dnsaddr/bootstrap.libp2p.io/p2p/\(peer)",
        "/dns/example.com/tcp/4001",
        "/dns6/example.com/tcp/4001", "/tcp/1/plaintextv2",
        "/ip4/1.2.3.4/tcp/4001/p2p/\(relay)/p2p-circuit/p2p/\(peer)",
    ])
    func `good addresses come back from text and bytes`(_ text: String) throws {
        let address = try Multiaddr(text: text)
        #expect(address.description == text)
        #expect(try Multiaddr(bytes: address.bytes) == address)
        #expect(try Multiaddr(components: address.components) == address)
    }

    @Test(arguments: [
        ("/ip4/127.0.0.1/tcp/1234/", "/ip4/127.0.0.1/tcp/1234"),
        ("/ipfs/\(relay)", "/p2p/\(relay)"),
        ("/p2p/k2k4r8oqamigqdo6o7hsbfwd45y70oyynp98usk7zmyfrzpqxh1pohl7", "/p2p/\(relay)"),
        ("/p2p/bafzbeigvf25ytwc3akrijfecaotc74udrhcxzh2cx3we5qqnw5vgrei4bm", "/p2p/\(relay)"),
        ("/ip6/2001:0DB8::0:1/tcp/007", "/ip6/2001:db8::1/tcp/7"),
        (
            "/udp/1/quic-v1/webtransport/certhash/b2uaraocy6yrdblb4sfptaddgimjmmpy",
            "/udp/1/quic-v1/webtransport/certhash/u1QEQOFj2IjCsPJFfMAxmQxLGPw"
        ),
    ])
    func `other texts of an address become its one text`(_ text: String, _ canonical: String) throws {
        #expect(try Multiaddr(text: text).description == canonical)
        #expect(try Multiaddr(text: canonical) == Multiaddr(text: text))
    }

    /// From `TestConstructFails` of multiformats/go-multiaddr, and protocols that we leave out on purpose.
    @Test(arguments: [
        "", "/", "//", "ip4/1.2.3.4", "/ip4", "/ip4/", "/ip4/::1", "/ip6/1.2.3.4", "/ip4/fdpsofodsajfdoisa",
        "/ip4/::/ipcidr/256", "/ip6/::/ipcidr/1026",
        "/ip6", "/ip6zone", "/ip6zone/", "/ip6zone//ip6/fe80::1", "/udp", "/tcp", "/sctp", "/udp/65536", "/tcp/65536",
        "/quic/65536",
        "/quic-v1/65536", "/udp/1234/sctp", "/udp/1234/udt/1234", "/udp/1234/utp/1234",
        "/ip4/127.0.0.1/udp/jfodsajfidosajfoidsa",
        "/ip4/127.0.0.1/tcp", "/ip4/127.0.0.1/quic/1234", "/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash",
        "/ip4/127.0.0.1/udp/1234/quic-v1/webtransport/certhash/b2uaraocy6yrdblb4sfptaddgimjmmp", "/ip4/127.0.0.1/ipfs",
        "/ip4/127.0.0.1/ipfs/tcp", "/ip4/127.0.0.1/p2p", "/ip4/127.0.0.1/p2p/tcp", "/unix", "/unix/a/b",
        "/ip4/1.2.3.4/tcp/-1",
        "/ip4/1.2.3.4/tcp/+1", "/ip4/1.2.3.4/tcp/ 1", "/ip4/1.2.3.4//tcp/1",
        "/ip4/127.0.0.1/tcp/9090/http/p2p-webcrt-direct",
        "/memory/92233720368547758081", "/p2p/QmxoHT6iViN5xAjoz1VZ553cL31U9F94ht3QvWR1FrEbZY",
        "/onion/timaq4ygg2iegci7:80",
        "/dns/", "/dns/exämple.org", "/dns/a b", "/IP4/1.2.3.4", "/ip4/1.2.3.4/tcp/1//",
    ])
    func `bad texts are refused`(_ text: String) {
        #expect(throws: MultiaddrError.self) { try Multiaddr(text: text) }
    }

    /// The first eight are inputs of multiformats/go-multiaddr `testdata/fuzz/FuzzNewMultiaddrBytes`.
    @Test(
        arguments: [
            (hex("9003") + [6] + Array("000000".utf8), .unknownProtocol(400)),
            (hex("bd03") + [UInt8](repeating: 0x30, count: 35) + [0, 0], .unknownProtocol(445)),
            (hex("bc03") + [UInt8](repeating: 0x30, count: 10) + [0, 0], .unknownProtocol(444)),
            ([0x37, 0x2a] + [UInt8](repeating: 0x30, count: 41), .truncated),
            (hex("d20300"), .malformedValue(.certHash)),
            (hex("3700"), .malformedValue(.dns6)),
            (hex("84e0ff00"), .malformedVarint(.notMinimal)),
            (hex("a50303300130"), .malformedValue(.p2p)),
            ([], .empty),
            ([0x04, 1, 2, 3], .truncated),
            ([0x84, 0x00, 1, 2, 3, 4], .malformedVarint(.notMinimal)),
            ([0x35, 0x81, 0x00, 0x61], .malformedVarint(.notMinimal)),
            ([0x35, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .tooLong),
            ([0x35, 0x03, 0x61, 0x2f, 0x62], .malformedValue(.dns)),
            ([0x35, 0x01, 0x0a], .malformedValue(.dns)),
            (hex("a202a202"), .repeatedCircuit),
            ([UInt8](repeating: 0xff, count: 10), .malformedVarint(.tooLong)),
            ([0x06], .truncated),
        ] as [([UInt8], MultiaddrError)]
    )
    func `bad bytes say why`(_ bytes: [UInt8], _ error: MultiaddrError) {
        #expect(throws: error) { try Multiaddr(bytes: bytes) }
    }

    @Test func `an inlined id of 36 noise bytes is no peer`() {
        let bytes = hex("a503") + [0x26, 0x12, 0x24] + [UInt8](repeating: 0x30, count: 36)
        #expect(throws: MultiaddrError.malformedValue(.p2p)) { try Multiaddr(bytes: bytes) }
    }

    @Test func `the limits leave room for a peer id`() throws {
        let ports = [AddressComponent](repeating: .tcp(1), count: 15)
        let sixteen = try Multiaddr(components: ports).with(peer: PeerID(text: peer))
        #expect(sixteen.components.count == Multiaddr.componentCountMax)
        #expect(try Multiaddr(bytes: sixteen.bytes) == sixteen)
        #expect(throws: MultiaddrError.tooLong) { try Multiaddr(components: ports + [.tcp(1)]) }
        #expect(throws: MultiaddrError.tooLong) { try Multiaddr(bytes: [UInt8](repeating: 0, count: 513)) }
        #expect(throws: MultiaddrError.tooLong) { try Multiaddr(text: String(repeating: "/ws", count: 17)) }
        #expect(throws: MultiaddrError.tooLong) { try Multiaddr(text: "/dns/" + String(repeating: "a", count: 1100)) }

        // Two names of 230 bytes: 232 + 233 = 465 bytes fit before a peer id of 47, one byte more does not.
        let (long, longer) = (String(repeating: "a", count: 229), String(repeating: "a", count: 230))
        let names = try Multiaddr(components: [.dns(long), .dns(longer)])
        #expect(names.bytes.count == 465)
        let whole = names.with(
            peer: try PeerID(bytes: [0x00, 0x2a, 0x08, 0x02, 0x12, 0x26] + [UInt8](repeating: 1, count: 38))
        )
        #expect(whole.bytes.count == Multiaddr.byteCountMax)
        #expect(try Multiaddr(bytes: whole.bytes) == whole)
        #expect(throws: MultiaddrError.tooLong) { try Multiaddr(components: [.dns(longer), .dns(longer)]) }
    }

    @Test func `a name that would break the text cannot be put in`() {
        #expect(throws: MultiaddrError.malformedValue(.dns4)) { try Multiaddr(components: [.dns4("a/b")]) }
        #expect(throws: MultiaddrError.malformedValue(.dnsaddr)) { try Multiaddr(components: [.dnsaddr("")]) }
    }

    @Test func `the peer is the one at the end`() throws {
        let (first, second) = (try PeerID(text: peer), try PeerID(text: relay))
        let plain = try Multiaddr(text: "/ip4/1.2.3.4/tcp/1")
        #expect(plain.peerID == nil)
        #expect(plain.with(peer: first).description == "/ip4/1.2.3.4/tcp/1/p2p/\(peer)")
        #expect(plain.with(peer: first).with(peer: second).peerID == second)
        #expect(plain.with(peer: first).withoutPeer == plain)
        #expect(plain.withoutPeer == plain)
        let circuit = try Multiaddr(text: "/ip4/1.2.3.4/tcp/1/p2p/\(relay)/p2p-circuit")
        #expect(circuit.peerID == nil)
        #expect(circuit.isRelayed)
        #expect(circuit.with(peer: first).peerID == first)
        #expect(try Multiaddr(text: "/p2p/\(peer)").withoutPeer.description == "/p2p/\(peer)")
    }

    @Test(
        arguments: [
            ("/ip4/1.2.3.4/tcp/80", .endpoint(Endpoint(address: IPAddress(1, 2, 3, 4), port: 80))),
            ("/ip4/1.2.3.4/tcp/80/p2p/\(peer)", .endpoint(Endpoint(address: IPAddress(1, 2, 3, 4), port: 80))),
            ("/dns/a.example/tcp/80", .name("a.example", port: 80, family: .any)),
            ("/dns4/a.example/tcp/80/p2p/\(peer)", .name("a.example", port: 80, family: .ipv4)),
            ("/dns6/a.example/tcp/80", .name("a.example", port: 80, family: .ipv6)),
            ("/dnsaddr/a.example/p2p/\(peer)", .addressList("a.example")),
            ("/ip4/1.2.3.4/tcp/0", .unsupported), ("/ip4/1.2.3.4/udp/80", .unsupported),
            ("/ip4/1.2.3.4/tcp/80/ws", .unsupported),
            ("/ip4/1.2.3.4/udp/80/quic-v1", .unsupported), ("/ip4/1.2.3.4", .unsupported),
            ("/p2p/\(peer)", .unsupported),
            ("/dns/a$(b)/tcp/80", .unsupported), ("/dnsaddr/a.example/tcp/80", .unsupported),
            ("/p2p-circuit/p2p/\(peer)", .unsupported),
            ("/ip6zone/x/ip6/fe80::1/tcp/80", .unsupported), ("/ip4/1.2.3.4/tcp/80/ip4/1.2.3.4/tcp/80", .unsupported),
        ] as [(String, DialTarget)]
    )
    func `an address says what a dialler must do`(_ text: String, _ target: DialTarget) throws {
        #expect(try Multiaddr(text: text).dialTarget == target)
    }

    @Test func `a relayed address leads to its relay`() throws {
        let address = try Multiaddr(text: "/ip4/1.2.3.4/tcp/80/p2p/\(relay)/p2p-circuit/p2p/\(peer)")
        #expect(address.dialTarget == .relayed(through: try Multiaddr(text: "/ip4/1.2.3.4/tcp/80/p2p/\(relay)")))
        #expect(address.tcpEndpoint == nil)
    }

    @Test func `an endpoint and its address are one`() throws {
        let endpoint = Endpoint(address: try #require(IPAddress("2001:db8::1")), port: 0)
        let address = Multiaddr(endpoint: endpoint)
        #expect(address.description == "/ip6/2001:db8::1/tcp/0")
        #expect(address.tcpEndpoint == endpoint)
        #expect(try Multiaddr(bytes: address.bytes) == address)
        #expect(try Multiaddr(text: "/ip4/1.2.3.4/tcp/1/ws").tcpEndpoint == nil)
    }

    @Test func `every protocol of the table is found by its name`() throws {
        for known in AddressProtocol.allCases {
            let components = try? Multiaddr(text: "/\(known.name)").components
            // Protocols with a value refuse to stand alone; the others come back.
            #expect(components == nil || components?.map(\.addressProtocol) == [known])
        }
        #expect(Set(AddressProtocol.allCases.map(\.name)).count == AddressProtocol.allCases.count)
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt8])
    func `random and damaged addresses are refused or come back the same`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let whole = try [
            "/ip4/1.2.3.4/tcp/4001/p2p/\(relay)/p2p-circuit/p2p/\(peer)",
            "/ip6/2001:db8::1/udp/1/quic-v1/webtransport/certhash/u1QEQOFj2IjCsPJFfMAxmQxLGPw/p2p/\(peer)",
            "/dns4/a.example/tcp/443/tls/sni/a.example/ws",
        ].map { try Multiaddr(text: $0) }
        for _ in 0..<400 {
            let original = whole[random.below(whole.count)]
            if let address = try? Multiaddr(bytes: damaged(original.bytes, by: &random)) {
                #expect(try Multiaddr(bytes: address.bytes) == address)
                #expect(try Multiaddr(text: address.description) == address)
                _ = address.isDialable(learnedFrom: nil)
            }
            let text = damaged(Array(original.description.utf8), by: &random)
            if let address = try? Multiaddr(text: String(decoding: text, as: UTF8.self)) {
                #expect(try Multiaddr(bytes: address.bytes) == address)
                #expect(try Multiaddr(text: address.description) == address)
            }
        }
    }

    @Test(arguments: [5, 6, 7] as [UInt8])
    func `addresses of random components come back`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<100 {
            let components = (0...random.below(6)).map { _ in component(by: &random) }
            let address = try Multiaddr(components: components)
            #expect(try Multiaddr(bytes: address.bytes).components == components)
            #expect(try Multiaddr(text: address.description).components == components)
        }
    }

    private func component(by random: inout SeededRandom) -> AddressComponent {
        switch random.below(6) {
        case 0: .ip(IPAddress(1, 2, UInt8(random.below(256)), 4))
        case 1: .tcp(UInt16(random.below(65536)))
        case 2: .udp(UInt16(random.below(65536)))
        case 3: .dns(String(repeating: "n", count: 1 + random.below(20)))
        case 4: .dnsaddr("list\(random.below(100)).example")
        default: .p2p(PeerID(publicKey: Ed25519.PrivateKey(seed: random.bytes(32)).publicKey))
        }
    }
}

@Suite struct `Scope of addresses` {
    /// Rows are what is told, columns who tells.
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1", true), ("127.0.0.1", "192.168.1.9", false), ("127.0.0.1", "8.8.8.8", false),
        ("::1", "127.0.0.1", true), ("::ffff:127.0.0.1", "8.8.8.8", false),
        ("192.168.1.1", "10.0.0.1", true), ("192.168.1.1", "127.0.0.1", true), ("192.168.1.1", "169.254.0.2", true),
        ("192.168.1.1", "8.8.8.8", false), ("100.64.0.1", "8.8.8.8", false), ("fd00::1", "2001:db8::1", false),
        ("169.254.1.1", "fe80::1", true), ("169.254.1.1", "10.0.0.1", false), ("fe80::1", "2001:db8::1", false),
        ("8.8.8.8", "127.0.0.1", true), ("8.8.8.8", "9.9.9.9", true), ("2001:db8::1", "10.0.0.1", true),
        ("224.0.0.1", "127.0.0.1", false), ("ff02::1", "fe80::1", false), ("0.0.0.0", "127.0.0.1", false),
        ("::", "::1", false),
        ("255.255.255.255", "10.0.0.1", false), ("10.0.0.1", "224.0.0.1", false),
    ])
    func `a peer may tell of its own scope and wider ones`(_ told: String, _ teller: String, _ expected: Bool) throws {
        let (address, source) = (try #require(IPAddress(told)), try #require(IPAddress(teller)))
        #expect(address.isDialable(learnedFrom: source) == expected)
        let endpoint = Endpoint(address: address, port: 4001)
        #expect(Multiaddr(endpoint: endpoint).isDialable(learnedFrom: source) == expected)
        #expect(!Multiaddr(endpoint: Endpoint(address: address, port: 0)).isDialable(learnedFrom: source))
    }

    @Test func `the operator may name every host`() throws {
        for text in ["127.0.0.1", "10.0.0.1", "fe80::1", "8.8.8.8"] {
            #expect(try #require(IPAddress(text)).isDialable(learnedFrom: nil))
        }
        for text in ["0.0.0.0", "224.0.0.1", "255.255.255.255"] {
            #expect(try #require(IPAddress(text)).isDialable(learnedFrom: nil) == false)
        }
    }

    @Test(arguments: [
        ("/dns4/a.example/tcp/80", true), ("/dnsaddr/a.example", true), ("/ip4/8.8.8.8/udp/80/quic-v1", false),
        ("/ip4/10.0.0.1/tcp/80/p2p/\(relay)/p2p-circuit/p2p/\(peer)", false),
        ("/ip4/9.9.9.9/tcp/80/p2p/\(relay)/p2p-circuit/p2p/\(peer)", true),
    ])
    func `names are judged when they are resolved, circuits by their relay`(_ text: String, _ expected: Bool) throws {
        #expect(try Multiaddr(text: text).isDialable(learnedFrom: IPAddress(8, 8, 8, 8)) == expected)
    }
}
