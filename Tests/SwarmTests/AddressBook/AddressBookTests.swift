import Identity
import Primitives
import Testing

@testable import Swarm

@Suite struct `Address book` {
    private static let far = IPAddress(198, 51, 100, 1)
    private static let near = IPAddress(10, 0, 0, 1)

    private static func address(_ number: Int, port: UInt16 = 4001) -> Multiaddr {
        let host = IPAddress(203, 0, UInt8(number >> 8 & 0xff), UInt8(number & 0xff))
        return Multiaddr(endpoint: Endpoint(address: host, port: port))
    }

    private static func record(_ number: UInt8, sequence: UInt64, _ addresses: [Multiaddr]) -> [UInt8] {
        PeerRecord(peer: TestPeer.id(number), sequence: sequence, addresses: addresses).seal(by: TestPeer.key(number))
            .bytes
    }

    private var book = AddressBook(config: AddressBookConfig())

    @Test mutating func `addresses come back in the order of their trust`() {
        book.add([Self.address(1), Self.address(2)], of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
        book.accept(Self.record(1, sequence: 1, [Self.address(3)]), learnedFrom: Self.far, at: .zero)
        book.add([Self.address(4)], of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
        book.proved(Self.address(4), of: TestPeer.id(1), at: .zero)
        #expect(book.addresses(of: TestPeer.id(1)) == [Self.address(4), Self.address(3)])
        book.checkInvariants()
    }

    @Test mutating func `a peer that moves every day is dialled where it was last, and new words on it find room`() {
        for day in 1...60 { book.proved(Self.address(day), of: TestPeer.id(1), at: .zero) }
        #expect(book.addresses(of: TestPeer.id(1)) == [60, 59, 58, 57].map { Self.address($0) })
        book.proved(Self.address(58), of: TestPeer.id(1), at: .zero)
        book.add([Self.address(61)], of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
        #expect(book.addresses(of: TestPeer.id(1)) == [58, 60, 59, 57, 61].map { Self.address($0) })
        book.checkInvariants()
    }

    @Test mutating func `a record counts if its sequence rises`() {
        let (old, new) = (
            Self.record(1, sequence: 4, [Self.address(1)]), Self.record(1, sequence: 5, [Self.address(2)])
        )
        #expect(book.accept(new, learnedFrom: Self.far, at: .zero) != nil)
        #expect(book.accept(old, learnedFrom: Self.far, at: .zero) == nil)
        #expect(book.accept(new, learnedFrom: Self.far, at: .zero) == nil)
        #expect(book.addresses(of: TestPeer.id(1)) == [Self.address(2)])
        #expect(book.signedRecord(of: TestPeer.id(1)) == new)
    }

    @Test mutating func `a peer that shows the record we have is believed, and so is one that shows a new one`() {
        let (old, new) = (
            Self.record(1, sequence: 4, [Self.address(1)]), Self.record(1, sequence: 5, [Self.address(2)])
        )
        for envelope in [new, new, old] {
            let isBelieved = book.confirm(envelope, of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
            #expect(isBelieved)
            #expect(book.signedRecord(of: TestPeer.id(1)) == new)
        }
        #expect(book.addresses(of: TestPeer.id(1)) == [Self.address(2)])
        let isAnothers = book.confirm(new, of: TestPeer.id(2), learnedFrom: Self.far, at: .zero)
        #expect(!isAnothers)
        for index in new.indices {
            var forged = new
            forged[index] ^= 1
            let isForged = book.confirm(forged, of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
            #expect(!isForged, "byte \(index)")
        }
        let isEmpty = book.confirm([], of: TestPeer.id(3), learnedFrom: Self.far, at: .zero)
        #expect(!isEmpty)
        #expect(book.peerCount == 1)
        book.checkInvariants()
    }

    @Test mutating func `a forged record is not taken`() {
        var forged = Self.record(1, sequence: 1, [Self.address(1)])
        forged[forged.count - 1] ^= 1
        #expect(book.accept(forged, learnedFrom: nil, at: .zero) == nil)
        #expect(book.peerCount == 0)
    }

    @Test mutating func `a stranger cannot point us into our own network, a neighbour can`() {
        let inside = Multiaddr(endpoint: Endpoint(address: IPAddress(10, 0, 0, 7), port: 80))
        book.add([inside], of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
        book.accept(Self.record(2, sequence: 1, [inside]), learnedFrom: Self.far, at: .zero)
        #expect(book.addresses(of: TestPeer.id(1)) == [] && book.addresses(of: TestPeer.id(2)) == [])
        book.add([inside], of: TestPeer.id(1), learnedFrom: Self.near, at: .zero)
        #expect(book.addresses(of: TestPeer.id(1)) == [inside])
    }

    @Test mutating func `an address of another peer is left out`() {
        let other = Self.address(1).with(peer: TestPeer.id(9))
        book.add([other, Self.address(2).with(peer: TestPeer.id(1))], of: TestPeer.id(1), learnedFrom: nil, at: .zero)
        #expect(book.addresses(of: TestPeer.id(1)) == [Self.address(2)])
    }

    @Test mutating func `a peer has at most thirty-two addresses and the proven one is among them`() {
        book.add((0..<100).map { Self.address($0) }, of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
        book.proved(Self.address(500), of: TestPeer.id(1), at: .zero)
        #expect(book.addresses(of: TestPeer.id(1)).count == 32)
        #expect(book.addresses(of: TestPeer.id(1)).first == Self.address(500))
        book.checkInvariants()
    }

    @Test mutating func `nobody's lies keep out what is told after them`() {
        let truth = Self.address(500)
        for _ in 0..<2 {
            book.add((0..<32).map { Self.address($0) }, of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
            book.add([truth, Self.address(501)], of: TestPeer.id(1), learnedFrom: Self.far, at: .zero)
            let told = book.addresses(of: TestPeer.id(1))
            #expect(told == [truth, Self.address(501)] + (0..<30).map { Self.address($0) })
        }
        book.checkInvariants()
    }

    @Test func `the peer longest untouched makes room, a connected one never does`() {
        var config = AddressBookConfig()
        config.peerCountMax = 3
        var book = AddressBook(config: config)
        for number in UInt8(1)...3 {
            book.add([Self.address(1)], of: TestPeer.id(number), learnedFrom: nil, at: seconds(Int(number)))
        }
        book.connected(TestPeer.id(1), at: seconds(4))
        book.add([Self.address(1)], of: TestPeer.id(4), learnedFrom: nil, at: seconds(5))
        #expect(Set(book.peers) == [TestPeer.id(1), TestPeer.id(3), TestPeer.id(4)])
        for number in [UInt8(3), 4] { book.connected(TestPeer.id(number), at: seconds(6)) }
        book.add([Self.address(1)], of: TestPeer.id(5), learnedFrom: nil, at: seconds(7))
        #expect(book.addresses(of: TestPeer.id(5)) == [])
        book.checkInvariants()
    }

    @Test mutating func `ten thousand peers and records stay within the caps and are forgotten in fifteen minutes`() {
        book.connected(TestPeer.id(1), at: .zero)
        for sequence in UInt64(1)...200 {
            let addresses = (0..<40).map { Self.address(Int(sequence) * 40 + $0) }
            book.accept(Self.record(1, sequence: sequence, addresses), learnedFrom: Self.far, at: .zero)
        }
        #expect(book.addresses(of: TestPeer.id(1)).count == 32)
        for number in 0..<10_000 {
            guard let peer = try? PeerID(bytes: [0x12, 0x20] + SeededRandom.bytes(number)) else { continue }
            book.add([Self.address(number)], of: peer, learnedFrom: Self.far, at: seconds(number / 100))
        }
        #expect(book.peerCount == 4096)
        book.checkInvariants()
        book.disconnected(TestPeer.id(1), at: seconds(100))
        book.expire(at: seconds(100 + 15 * 60))
        #expect(book.peerCount == 0 && book.nextDeadline == nil)
    }
}

extension SeededRandom {
    /// Thirty-two bytes that differ for each number.
    fileprivate static func bytes(_ number: Int) -> [UInt8] {
        (0..<32).map { UInt8(truncatingIfNeeded: number >> (8 * ($0 % 4))) }
    }
}

@Suite struct `Observed addresses` {
    private static func endpoint(_ port: UInt16) -> Multiaddr {
        Multiaddr(endpoint: Endpoint(address: IPAddress(203, 0, 113, 5), port: port))
    }

    private var observed = ObservedAddresses(config: IdentifyConfig())

    @Test mutating func `four neighbourhoods must agree`() {
        for number in UInt8(1)...10 {
            observed.observed(Self.endpoint(4001), by: TestPeer.id(number), at: IPAddress(198, 51, 100, number))
        }
        #expect(observed.confirmed == [], "one neighbourhood")
        for number in UInt8(11)...12 {
            observed.observed(Self.endpoint(4001), by: TestPeer.id(number), at: IPAddress(number, 51, 100, 1))
        }
        #expect(observed.confirmed == [])
        observed.observed(Self.endpoint(4001), by: TestPeer.id(13), at: IPAddress(13, 51, 100, 1))
        #expect(observed.confirmed == [Self.endpoint(4001)])
        observed.disconnected(TestPeer.id(13), at: .zero)
        observed.expire(at: seconds(1799))
        #expect(observed.confirmed.count == 1)
        observed.expire(at: seconds(1800))
        #expect(observed.confirmed == [])
    }

    @Test mutating func `a peer has one word`() {
        for port in UInt16(1)...10 {
            observed.observed(Self.endpoint(port), by: TestPeer.id(1), at: IPAddress(8, 8, 8, 8))
        }
        for number in UInt8(2)...4 {
            observed.observed(Self.endpoint(1), by: TestPeer.id(number), at: IPAddress(number + 10, 8, 8, 8))
        }
        #expect(observed.confirmed == [])
    }

    @Test mutating func `private addresses, and private witnesses, are not believed`() {
        let inside = Multiaddr(endpoint: Endpoint(address: IPAddress(10, 0, 0, 1), port: 1))
        for number in UInt8(1)...5 {
            observed.observed(inside, by: TestPeer.id(number), at: IPAddress(number, 8, 8, 8))
            observed.observed(Self.endpoint(1), by: TestPeer.id(number), at: IPAddress(10, number, 8, 8))
        }
        #expect(observed.confirmed == [])
    }

    @Test mutating func `one host with many addresses of its making does not keep ours out`() {
        for number in 1...64 {
            observed.observed(Self.endpoint(UInt16(number)), by: TestPeer.id(UInt8(number)), at: IPAddress(8, 8, 8, 8))
        }
        for number in UInt8(101)...104 {
            observed.observed(Self.endpoint(4001), by: TestPeer.id(number), at: IPAddress(number - 90, 8, 8, 8))
            observed.checkInvariants()
        }
        #expect(observed.confirmed == [Self.endpoint(4001)])
        for number in 105...250 {
            observed.observed(Self.endpoint(UInt16(number)), by: TestPeer.id(UInt8(number)), at: IPAddress(8, 8, 8, 8))
        }
        #expect(observed.confirmed == [Self.endpoint(4001)], "what is believed gives way to nobody")
    }

    @Test mutating func `sixty-four addresses are listened to`() {
        for number in 1...200 {
            observed.observed(Self.endpoint(UInt16(number)), by: TestPeer.id(UInt8(number)), at: IPAddress(8, 8, 8, 8))
            observed.checkInvariants()
        }
    }
}
