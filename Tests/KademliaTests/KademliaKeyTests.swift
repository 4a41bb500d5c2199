import Identity
import Kademlia
import Primitives
import Testing

@Suite struct `Kademlia key` {
    /// Source: libp2p/go-libp2p-kbucket, keyspace/xor_test.go, "TestDistancesAndCenterSorting".
    static let published: [KademliaKey] = [
        "ad95131bc0b799c0b1af477fb14fcf26a6a9f76079e48bf090acb7e8367bfd0e",
        "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119",
        "49b0ddb0958f162a817cd572e85fbd9a12037a8420c735b93a9d754e34929d7f",
        "49b0ddb0958f162a817cd572e85fbd9a12037a8420c735b93a9d754e34929d7f",
        "49b0ddb0958f162a817cd572e85fbd9a12037a8420c735b93a9d754e34929d7e",
        "4900ddb0958f162a817cd572e85fbd9a12037a8420c735b93a9d754e34929d7f",
    ].map { KademliaKey(digest: hexadecimal($0)) }

    @Test func `published keys stand in the published order around their centre`() {
        let centre = Self.published[2]
        let order = Self.published.indices.sorted {
            let (left, right) = (centre.distance(to: Self.published[$0]), centre.distance(to: Self.published[$1]))
            return (left, $0) < (right, $1)
        }
        #expect(order == [2, 3, 4, 5, 1, 0])
    }

    /// Source: libp2p/go-libp2p-kbucket, keyspace/xor_test.go, "TestPrefixLen", padded to 32 bytes.
    @Test(arguments: [("00000080000000", 24), ("0058ff800000f0", 9), ("00000000000001", 55)])
    func `the common prefix with zero counts leading zero bits`(prefix: String, length: Int) {
        let zero = KademliaKey(prefix: 0)
        let key = KademliaKey(digest: hexadecimal(prefix + String(repeating: "00", count: 25)))
        #expect(zero.commonPrefixLength(with: key) == length)
        #expect(key.commonPrefixLength(with: zero) == length)
    }

    @Test func `equal keys share all 256 bits`() {
        #expect(Self.published[2].commonPrefixLength(with: Self.published[3]) == 256)
        #expect(Self.published[2].commonPrefixLength(with: Self.published[4]) == 255)
    }

    /// Source: FIPS 180-4's example "abc".
    @Test func `a key is the digest of raw bytes`() {
        let digest = hexadecimal("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        #expect(KademliaKey(hashing: Array("abc".utf8)) == KademliaKey(digest: digest))
    }
}

@Suite struct `IP group` {
    @Test func `a group is a 16-bit IPv4 or a 32-bit IPv6 neighbourhood`() {
        #expect(IPGroup(IPAddress(198, 51, 100, 1)) == IPGroup(IPAddress(198, 51, 7, 9)))
        #expect(IPGroup(IPAddress(198, 51, 100, 1)) != IPGroup(IPAddress(198, 52, 100, 1)))
        let site = IPAddress([0x2a, 0x01, 0, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
        let neighbour = IPAddress([0x2a, 0x01, 0, 7, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9])
        #expect(site.map(IPGroup.init) == neighbour.map(IPGroup.init))
    }

    @Test(arguments: [IPAddress(127, 0, 0, 1), IPAddress(10, 1, 2, 3), IPAddress(169, 254, 1, 1)])
    func `homes and laboratories are exempt`(address: IPAddress) {
        #expect(IPGroup(address) == .exempt)
    }
}

func hexadecimal(_ text: String) -> [UInt8] {
    var digits = text.compactMap(\.hexDigitValue)[...]
    var bytes: [UInt8] = []
    while digits.count >= 2 {
        bytes.append(UInt8(digits[digits.startIndex] << 4 | digits[digits.startIndex + 1]))
        digits = digits.dropFirst(2)
    }
    return bytes
}

func seed(_ number: UInt8) -> [UInt8] { Array(repeating: number, count: 32) }

/// Expects what a mutating call returned, which the macro cannot evaluate itself.
func expect<Value: Equatable>(_ value: Value, _ expected: Value, sourceLocation: SourceLocation = #_sourceLocation) {
    #expect(value == expected, sourceLocation: sourceLocation)
}
