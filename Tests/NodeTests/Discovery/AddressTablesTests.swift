import Cryptography
import Identity
import Kademlia
import OrderedCollections
import Primitives
import TestSupport
import Testing

@testable import Node

@Suite struct `Address tables` {
    static func peer(_ number: Int) -> PeerID {
        PeerID(publicKey: Ed25519.PrivateKey(seed: SHA256.hash([UInt8(number >> 8), UInt8(number & 255)])).publicKey)
    }

    /// An address in a network of its own.
    static func address(_ network: Int, host: Int = 1) -> Multiaddr {
        let bytes = [UInt8(30 + network / 256), UInt8(network % 256), UInt8(host / 256), UInt8(host % 256)]
        guard let address = IPAddress(bytes) else { preconditionFailure("four bytes are an address") }
        return Multiaddr(endpoint: Endpoint(address: address, port: 4180))
    }

    private var tables = AddressTables(salt: [UInt8](repeating: 7, count: 16))
    private var random = SeededRandom(testSeed: 1)

    static func endpoint(_ network: Int, host: Int = 1) -> Endpoint {
        guard let endpoint = address(network, host: host).tcpEndpoint else { preconditionFailure("it is made of one") }
        return endpoint
    }

    private mutating func reach(_ number: Int, _ address: Multiaddr) -> PeerID? {
        guard let endpoint = address.tcpEndpoint else { return nil }
        return tables.reached(Self.peer(number), on: endpoint, at: [address])
    }

    @Test mutating func `one liar fills an eighth of the new table and nothing of the tried one`() {
        let liar = IPGroup(of: Self.address(1))
        for number in 0..<3_000 { tables.heard(of: Self.peer(number), at: [Self.address(number)], from: liar) }
        tables.checkInvariants()
        let most = AddressTables.bucketsPerSource * AddressTables.bucketPeerCountMax
        #expect(tables.entries.count <= most && tables.entries.count > most / 2)
        // Others are still heard: an eighth of them falls into the full buckets.
        for number in 3_000..<3_256 {
            tables.heard(of: Self.peer(number), at: [Self.address(number)], from: IPGroup(of: Self.address(number)))
        }
        #expect((3_000..<3_256).count { tables.contains(Self.peer($0)) } > 200)
        #expect(tables.triedPeers.isEmpty)
    }

    @Test mutating func `one network's peers take an eighth of the tried table, however many are reached`() {
        for number in 0..<500 { _ = reach(number, Self.address(7, host: number)) }
        tables.checkInvariants()
        #expect(tables.triedPeers.count == AddressTables.bucketsPerNetwork * AddressTables.bucketPeerCountMax)
    }

    @Test mutating func `nobody who was reached gives way before it has been tested`() throws {
        var (number, incumbent): (Int, PeerID?) = (0, nil)
        while incumbent == nil {
            incumbent = reach(number, Self.address(7, host: number))
            number += 1
        }
        let oldest = try #require(incumbent)
        #expect(tables.entries[oldest]?.place.isTried == true)
        #expect(tables.entries[Self.peer(number - 1)]?.place.isTried != true)
        tables.forget(oldest)
        let another = reach(number - 1, Self.address(7, host: number - 1))
        #expect(another == nil)
        #expect(tables.entries[Self.peer(number - 1)]?.place.isTried == true)
    }

    @Test mutating func `what was told does not change where somebody was reached`() {
        let peer = Self.peer(1)
        _ = reach(1, Self.address(1))
        tables.heard(of: peer, at: [Self.address(666)], from: IPGroup(of: Self.address(9)))
        #expect(tables.entries[peer]?.addresses == [Self.address(1)])
    }

    @Test mutating func `a peer is filed where it was reached, whatever it says of itself`() {
        for number in 0..<500 {
            let told = [Self.address(100 + number), Self.address(7, host: number)]
            _ = tables.reached(Self.peer(number), on: Self.endpoint(7, host: number), at: told)
        }
        tables.checkInvariants()
        #expect(tables.triedPeers.count == AddressTables.bucketsPerNetwork * AddressTables.bucketPeerCountMax)
        let group = IPGroup(of: Self.address(7))
        #expect(tables.entries.values.allSatisfy { $0.group == group })
        #expect(tables.entries[Self.peer(0)]?.addresses == [Self.address(7, host: 0), Self.address(100)])
    }

    @Test mutating func `of whom was only heard, nobody else says where it is, until it has failed too often`() {
        let (peer, source) = (Self.peer(1), IPGroup(of: Self.address(9)))
        tables.heard(of: peer, at: [Self.address(1)], from: source)
        tables.heard(of: peer, at: [Self.address(666)], from: source)
        #expect(tables.entries[peer]?.addresses == [Self.address(1)])
        tables.heard(of: peer, at: [Self.address(2)], from: source, isOwnWord: true)
        #expect(tables.entries[peer]?.addresses == [Self.address(2)])
        #expect(tables.entries[peer]?.group == IPGroup(of: Self.address(2)))
        for _ in 0..<AddressTables.failureCountMax { tables.failed(peer) }
        tables.heard(of: peer, at: [Self.address(3)], from: source)
        #expect(tables.entries[peer]?.addresses == [Self.address(3)])
        #expect(tables.entries[peer]?.failureCount == 0)
        tables.checkInvariants()
    }

    @Test mutating func `who was reached keeps what worked, until it has failed too often`() {
        _ = reach(1, Self.address(1))
        let (peer, source) = (Self.peer(1), IPGroup(of: Self.address(9)))
        for isOwnWord in [false, true] {
            tables.heard(of: peer, at: [Self.address(2)], from: source, isOwnWord: isOwnWord)
            #expect(tables.entries[peer]?.addresses == [Self.address(1)])
        }
        for _ in 0..<AddressTables.failureCountMax { tables.failed(peer) }
        tables.heard(of: peer, at: [Self.address(3)], from: source)
        #expect(tables.entries[peer]?.addresses == [Self.address(3)])
        #expect(tables.entries[peer]?.place.isTried == true)
        tables.checkInvariants()
        _ = reach(1, Self.address(3))
        #expect(tables.triedPeers == [peer])
        tables.checkInvariants()
    }

    @Test mutating func `a draw comes from the wanted table and heeds what is asked of it`() {
        for number in 0..<40 {
            tables.heard(of: Self.peer(number), at: [Self.address(number)], from: IPGroup(of: Self.address(number)))
        }
        for number in 40..<50 { _ = reach(number, Self.address(number)) }
        var drawn: Set<PeerID> = []
        for _ in 0..<200 {
            if let peer = tables.draw(tried: true, using: &random, where: { peer, _ in peer != Self.peer(40) }) {
                drawn.insert(peer)
            }
        }
        #expect(drawn == Set((41..<50).map(Self.peer)))
        let nobody = tables.draw(tried: false, using: &random, where: { _, _ in false })
        #expect(nobody == nil)
    }

    @Test func `a record of the company is read as it was written, and a broken one as far as it goes`() {
        let members = (0..<70).map { number in
            CompanyRecord.Member(
                peer: Self.peer(number),
                addresses: (0..<5).map { Self.address($0) },
                isAnchor: number < 2
            )
        }
        let record = CompanyRecord(members)
        #expect(record.members.count == CompanyRecord.memberCountMax)
        #expect(record.members[0].addresses.count == CompanyRecord.addressCountMax)
        #expect(CompanyRecord(reading: record.bytes) == record)
        for count in 0..<record.bytes.count {
            let read = CompanyRecord(reading: Array(record.bytes.prefix(count)))
            #expect(read.members == Array(record.members.prefix(read.members.count)))
        }
        #expect(CompanyRecord(reading: [9, 1, 2]).members.isEmpty)
    }
}
