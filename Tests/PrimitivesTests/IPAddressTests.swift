import Primitives
import Testing

@Suite struct `IP address` {
    /// RFC 4291 §2.2, RFC 5952 §4 and §5: what is read, what is written.
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0"),
        ("255.255.255.255", "255.255.255.255"),
        ("::", "::"),
        ("::1", "::1"),
        ("1::", "1::"),
        ("2001:db8::1", "2001:db8::1"),
        ("2001:DB8:0:0:8:800:200C:417A", "2001:db8::8:800:200c:417a"),
        ("2001:0db8::0001", "2001:db8::1"),
        ("2001:db8:0:0:0:0:2:1", "2001:db8::2:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("::ffff:c000:201", "::ffff:192.0.2.1"),
        ("64:ff9b::192.0.2.33", "64:ff9b::c000:221"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ])
    func `a text is read and written in its one form`(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(IPAddress(canonical) == address)
    }

    @Test(arguments: [
        "", " ", "1.2.3", "1.2.3.4.5", "256.1.1.1", "1.2.3.-4", "01.2.3.4", "1.2.3.04", "1..2.3", "1.2.3.4 ", "1.2.3.٤",
        "0x7f.1",
        ":", ":::", "1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1::2::3", "::1::", "12345::", "g::", ":1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:",
        "1:2:3:4:5:6:7::8", "::1.2.3", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4", "fe80::1%eth0", "::1/128",
        "[::1]",
        "1.2.3.4/8", "::ffff:1.2.3.256", "ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555",
    ])
    func `what is not exactly one address is refused`(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test(arguments: [0, 3, 5, 15, 17])
    func `an address has four or sixteen bytes`(_ count: Int) {
        #expect(IPAddress([UInt8](repeating: 1, count: count)) == nil)
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `random addresses come back from their text`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<300 {
            // Zero bytes are frequent, so that runs of zeros are.
            let bytes = random.bytes(random.chance(1, in: 4) ? 4 : 16).map { $0 < 150 ? 0 : $0 }
            let address = IPAddress(bytes)
            #expect(address.map(\.description).flatMap(IPAddress.init(_:)) == address)
        }
    }

    @Test(arguments: [4, 5, 6] as [UInt8])
    func `random texts are refused or come back the same`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        let alphabet = Array("0123456789af:::..%/ ".utf8)
        for _ in 0..<2000 {
            let text = String(
                decoding: (0..<random.below(24)).map { _ in alphabet[random.below(alphabet.count)] },
                as: UTF8.self
            )
            guard let address = IPAddress(text) else { continue }
            #expect(IPAddress(address.description) == address)
        }
    }

    @Test(arguments: [
        ("127.0.0.1", "loopback"), ("127.255.0.9", "loopback"), ("::1", "loopback"), ("::ffff:127.0.0.1", "loopback"),
        ("10.0.0.1", "private"), ("172.16.0.1", "private"), ("172.31.255.255", "private"), ("192.168.1.1", "private"),
        ("100.64.0.1", "private"), ("100.127.255.255", "private"), ("fc00::1", "private"), ("fdff::1", "private"),
        ("::ffff:10.1.2.3", "private"),
        ("169.254.1.1", "link"), ("fe80::1", "link"), ("febf::1", "link"),
        ("224.0.0.1", "multicast"), ("239.255.255.255", "multicast"), ("ff02::1", "multicast"),
        ("0.0.0.0", "unspecified"), ("::", "unspecified"), ("::ffff:0.0.0.0", "unspecified"),
        ("0.0.0.1", "reserved"), ("240.0.0.1", "reserved"), ("255.255.255.255", "reserved"),
        ("8.8.8.8", "none"), ("172.15.0.1", "none"), ("172.32.0.1", "none"), ("100.63.0.1", "none"),
        ("100.128.0.1", "none"),
        ("169.253.0.1", "none"), ("192.167.1.1", "none"), ("2001:db8::1", "none"), ("fec0::1", "none"),
        ("fe00::1", "none"),
    ])
    func `an address is of one kind`(_ text: String, _ kind: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.isLoopback == (kind == "loopback"))
        #expect(address.isPrivate == (kind == "private"))
        #expect(address.isLinkLocal == (kind == "link"))
        #expect(address.isMulticast == (kind == "multicast"))
        #expect(address.isUnspecified == (kind == "unspecified"))
        #expect(address.isReserved == (kind == "reserved"))
        #expect(address.isExemptFromNetworkLimits == ["loopback", "private", "link"].contains(kind))
    }

    @Test(arguments: [
        ("203.0.113.77", 32, "203.0.113.77/32"),
        ("203.0.113.77", 56, "203.0.113.77/32"),
        ("203.0.113.77", 16, "203.0.0.0/16"),
        ("203.0.113.77", 20, "203.0.112.0/20"),
        ("203.0.113.77", 0, "0.0.0.0/0"),
        ("::ffff:203.0.113.77", 16, "203.0.0.0/16"),
        ("2001:db8:1:2345::1", 56, "2001:db8:1:2300::/56"),
        ("2001:db8:1:2345::1", 48, "2001:db8:1::/48"),
        ("2001:db8:1:2345::1", 500, "2001:db8:1:2345::1/128"),
    ])
    func `neighbours share a prefix`(_ text: String, _ bits: Int, _ expected: String) throws {
        #expect(try #require(IPAddress(text)).prefix(bits).description == expected)
    }

    @Test func `addresses and endpoints have an order and a text`() throws {
        let texts = ["::1", "10.0.0.2", "9.255.0.0", "::"]
        #expect(
            texts.compactMap(IPAddress.init(_:)).sorted().map(\.description) == ["9.255.0.0", "10.0.0.2", "::", "::1"]
        )
        let low = Endpoint(address: IPAddress(10, 0, 0, 2), port: 80)
        let high = Endpoint(address: try #require(IPAddress("::1")), port: 1)
        #expect(low < high)
        #expect(low < Endpoint(address: IPAddress(10, 0, 0, 2), port: 81))
        #expect(low.description == "10.0.0.2:80")
        #expect(high.description == "[::1]:1")
    }
}
