import Identity
import Primitives
import Testing

@testable import Swarm

@Suite struct `Ban list` {
    private let now: Int64 = 1_700_000_000_000

    private func target(_ text: String) throws -> BanTarget { try #require(BanTarget(text), "\(text)") }

    private func list(_ targets: String..., until: Int64? = nil) throws -> BanList {
        var list = BanList()
        for text in targets { try add(try #require(Ban(try target(text), until: until)), to: &list) }
        return list
    }

    private func add(_ ban: Ban, to list: inout BanList) throws {
        let isAdded = list.add(ban)
        try #require(isAdded)
    }

    private func meets(_ list: BanList, _ peer: PeerID? = nil, at text: String?) -> Bool {
        list.ban(of: peer, at: text.flatMap { IPAddress($0) }, unixMilliseconds: now) != nil
    }

    @Test(arguments: [
        ("203.0.113.7", "203.0.113.7"), ("203.0.113.7/24", "203.0.113.0/24"), ("203.0.113.7/32", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"), ("2001:db8::1", "2001:db8::1"), ("2001:db8::1/48", "2001:db8::/48"),
        (TestPeer.id(1).description, TestPeer.id(1).description), ("10.0.0.0/8", "10.0.0.0/8"),
    ])
    func `a target is read and written`(text: String, written: String) throws {
        #expect(try target(text).description == written)
        #expect(try target(written) == target(text))
    }

    @Test(arguments: [
        "", "203.0.113", "203.0.113.7/", "203.0.113.7/33", "203.0.113.7/-1", "203.0.113.7/24/1", "0.0.0.0/0",
        "1.2.3.4/7",
        "::/0", "2001::/15", "2001:db8::/129", "localhost", "12D3Koo", "203.0.113.7 ",
        "203.0.113.0/999999999999999999999",
    ])
    func `what is no target, or would shut out half the world, is refused`(text: String) {
        #expect(BanTarget(text) == nil)
    }

    @Test func `an address is met by its own ban and by every network around it`() throws {
        let list = try list("203.0.113.7", "198.51.100.0/24", "2001:db8::/32")
        for address in ["203.0.113.7", "::ffff:203.0.113.7", "198.51.100.255", "2001:db8:1::9"] {
            #expect(meets(list, at: address), "\(address)")
        }
        for address in ["203.0.113.8", "198.51.101.0", "2001:db9::1"] {
            #expect(!meets(list, at: address), "\(address)")
        }
    }

    @Test func `a peer is met wherever it is`() throws {
        let list = try list(TestPeer.id(1).description)
        #expect(meets(list, TestPeer.id(1), at: "203.0.113.7"))
        #expect(meets(list, TestPeer.id(1), at: nil))
        #expect(!meets(list, TestPeer.id(2), at: "203.0.113.7"))
    }

    @Test func `what is allowed wins over every ban`() throws {
        var list = try list("203.0.113.0/24", TestPeer.id(1).description)
        list.allow([try target("203.0.113.7"), .peer(TestPeer.id(2))])
        #expect(!meets(list, TestPeer.id(1), at: "203.0.113.7"))
        #expect(!meets(list, TestPeer.id(2), at: "203.0.113.8"))
        #expect(meets(list, nil, at: "203.0.113.8"), "before it is read, its peer is not known")
    }

    @Test func `a ban ends with its time, and is forgotten`() throws {
        var list = try list("203.0.113.7", until: now + 1)
        #expect(meets(list, at: "203.0.113.7"))
        #expect(list.ban(of: nil, at: IPAddress(203, 0, 113, 7), unixMilliseconds: now + 1) == nil)
        let expired = [list.expire(at: now), list.expire(at: now + 1)]
        #expect(expired == [false, true])
        #expect(list.count == 0)
    }

    @Test func `the list has an end, and a full one still takes a change of what it has`() throws {
        var list = BanList()
        for number in 0..<BanList.countMax {
            let address = IPAddress(10, 1, UInt8(number / 256), UInt8(number % 256))
            try add(try #require(Ban(.network(address.prefix(32)))), to: &list)
        }
        let surplus = list.add(try #require(Ban(try target("203.0.113.7"))))
        #expect(!surplus)
        try add(try #require(Ban(try target("10.1.0.0"), reason: "again")), to: &list)
        #expect(list.all.count == BanList.countMax)
        list.allow((0..<2_000).map { .network(IPAddress(10, 2, UInt8($0 / 256), UInt8($0 % 256)).prefix(32)) })
        #expect(list.ban(of: nil, at: IPAddress(10, 1, 0, 0), unixMilliseconds: now)?.reason == "again")
    }

    @Test(arguments: ["a\nb", "\u{1b}[2J", String(repeating: "x", count: 201)])
    func `a reason is one short line`(reason: String) throws {
        #expect(Ban(try target("203.0.113.7"), reason: reason) == nil)
    }

    /// The answer of the index against the plain meaning of a list of networks.
    @Test(arguments: 1...20)
    func `the index finds what a walk over all bans finds`(seed: Int) throws {
        var random = random(seed)
        var list = BanList()
        var networks: [IPPrefix] = []
        for _ in 0..<40 {
            let address = IPAddress(10, UInt8(random.below(4)), UInt8(random.below(4)), UInt8(random.below(256)))
            let prefix = address.prefix(8 + random.below(25))
            networks.append(prefix)
            _ = list.add(try #require(Ban(.network(prefix))))
            if random.chance(20, in: 100), let gone = networks.first {
                _ = list.remove(.network(gone))
                networks.removeAll { $0 == gone }
            }
        }
        for _ in 0..<200 {
            let address = IPAddress(10, UInt8(random.below(5)), UInt8(random.below(5)), UInt8(random.below(256)))
            let expected = networks.contains { address.prefix($0.bitCount) == $0 }
            #expect((list.ban(of: nil, at: address, unixMilliseconds: now) != nil) == expected, "\(address)")
        }
    }
}
