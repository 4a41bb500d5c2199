import Kademlia
import Primitives
import Testing

@Suite struct `Routing table` {
    /// Keys whose first byte tells everything; contact `n` has key `keys[n]`.
    static func key(_ byte: UInt64, _ rest: UInt64 = 0) -> KademliaKey { KademliaKey(prefix: byte << 56 | rest) }

    let own = key(0)

    @Test func `a contact stands in the bucket of its common prefix`() {
        let keys = [Self.key(0b1000_0000), Self.key(0b0100_0000), Self.key(0b0001_0000), Self.key(0b1111_0000)]
        var table = RoutingTable(own: own)
        for index in keys.indices { #expect(table.insert(contact(index), key: keys[index]) == .added) }
        #expect(table.contacts(inBucket: 0) == [contact(0), contact(3)])
        #expect(table.contacts(inBucket: 1) == [contact(1)])
        #expect(table.contacts(inBucket: 3) == [contact(2)])
        #expect(table.bucketCount == 4)
        expect(table.insert(contact(9), key: own), .own)
        table.checkInvariants(keys: keys)
    }

    @Test func `a full bucket names the contact that was not seen for the longest time and keeps it`() {
        let keys = (0..<4).map { Self.key(0x80, $0) }
        var table = RoutingTable(own: own, limits: RoutingTableLimits(bucketContactCountMax: 3))
        for index in 0..<3 { _ = table.insert(contact(index), key: keys[index]) }
        expect(table.insert(contact(0), key: keys[0]), .known)
        expect(table.insert(contact(3), key: keys[3]), .bucketFull(leastRecentlySeen: contact(1)))
        table.seen(contact(1), key: keys[1])
        #expect(table.contacts(inBucket: 0) == [contact(2), contact(0), contact(1)])
        expect(table.remove(contact(2), key: keys[2]), true)
        expect(table.insert(contact(3), key: keys[3]), .added)
        expect(table.remove(contact(2), key: keys[2]), false)
        #expect(table.contacts == [contact(0), contact(1), contact(3)])
    }

    /// S-29.
    @Test func `fifty peers of one neighbourhood get three places, two of them in a bucket`() {
        let keys = (0..<50).map { Self.key($0 < 25 ? 0x80 : 0x40, $0) }
        var table = RoutingTable(own: own)
        let added = keys.indices.filter {
            let address = IPAddress(203, 0, 113, UInt8($0))
            return table.insert(contact($0), key: keys[$0], group: IPGroup(address)) == .added
        }
        #expect(added == [0, 1, 25])
        #expect(table.contacts(inBucket: 0).count == 2)
        expect(table.insert(contact(49), key: keys[49], group: IPGroup(IPAddress(203, 0, 113, 49))), .groupFull)
        table.checkInvariants(keys: keys)
    }

    @Test func `peers of a home network are not limited`() {
        let keys = (0..<20).map { Self.key(0x80, $0) }
        var table = RoutingTable(own: own)
        for index in keys.indices {
            let group = IPGroup(IPAddress(192, 168, 0, UInt8(index)))
            expect(table.insert(contact(index), key: keys[index], group: group), .added)
        }
    }

    @Test(arguments: UInt8(1)...8)
    func `the closest contacts are those that sorting all of them gives`(number: UInt8) {
        var random = SeededRandom(seed: seed(number))
        var keys: [KademliaKey] = []
        var table = RoutingTable(own: KademliaKey(digest: random.bytes(32)), limits: .init(bucketContactCountMax: 5))
        for _ in 0..<300 {
            keys.append(KademliaKey(digest: random.bytes(32)))
            _ = table.insert(contact(keys.count - 1), key: keys[keys.count - 1])
        }
        for _ in 0..<20 {
            let target = KademliaKey(digest: random.bytes(32))
            let count = random.below(30)
            var found = [contact(7)]
            table.closest(to: target, count: count, keys: keys, into: &found)
            let sorted = table.contacts.sorted {
                keys[Int($0.rawValue)].distance(to: target) < keys[Int($1.rawValue)].distance(to: target)
            }
            #expect(found == [contact(7)] + sorted.prefix(count))
        }
        table.checkInvariants(keys: keys)
    }

    @Test(arguments: UInt8(1)...4)
    func `any order of changes keeps the buckets whole`(number: UInt8) {
        var random = SeededRandom(seed: seed(number))
        let keys = (0..<200).map { _ in KademliaKey(digest: random.bytes(32)) }
        var table = RoutingTable(own: keys[0], limits: .init(bucketContactCountMax: 4))
        for _ in 0..<600 {
            let index = random.below(keys.count)
            let group = IPGroup(IPAddress(UInt8(1 + random.below(9)), 1, 1, 1))
            switch random.below(3) {
            case 0: table.remove(contact(index), key: keys[index])
            case 1: table.seen(contact(index), key: keys[index])
            default: _ = table.insert(contact(index), key: keys[index], group: group)
            }
            table.checkInvariants(keys: keys)
        }
        #expect(table.count > 0)
    }
}

func contact(_ index: Int) -> ContactID { ContactID(rawValue: UInt32(index)) }
