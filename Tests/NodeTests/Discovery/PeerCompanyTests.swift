import Cryptography
import Identity
import Kademlia
import OrderedCollections
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

@Suite struct `The company of a node` {
    private var company = PeerCompany(requestIDs: 0...1_000, random: SeededRandom(testSeed: 3))
    private var now = Instant.zero
    private var said: [PeerCompany.Output] = []

    private static func peer(_ number: Int) -> PeerID { `Address tables`.peer(number) }
    private static func address(_ network: Int, host: Int = 1) -> Multiaddr {
        `Address tables`.address(network, host: host)
    }

    private mutating func feed(_ input: PeerCompany.Input) {
        company.handle(input, at: now, into: &said)
        company.checkInvariants()
    }

    /// Peers in networks of their own, each told of by its own network.
    private mutating func hear(_ numbers: Range<Int>) {
        for number in numbers {
            let peer = KademliaPeer(id: Self.peer(number), addresses: [Self.address(number)])
            feed(.heard([peer], source: IPGroup(of: Self.address(number))))
        }
    }

    /// Lets time pass, and every dial find its peer, but for those that are gone; gives whom it dialled.
    @discardableResult
    private mutating func run(
        for duration: Duration,
        gone: Set<PeerID> = [],
        failure: ConnectFailure = .noAddresses,
        reachedIn network: Int? = nil
    ) -> [PeerID] {
        var dialled: [PeerID] = []
        let end = now.advanced(by: duration)
        while let due = company.nextDeadline, due <= end {
            now = max(now, due)
            said = []
            feed(.deadlineReached)
            for case .connect(let request, let peer, let addresses) in said {
                dialled.append(peer)
                let told = network.map { Self.address($0, host: dialled.count) } ?? addresses.first
                guard !gone.contains(peer), let endpoint = told?.tcpEndpoint else {
                    feed(.connectAnswered(request, .failure(failure)))
                    continue
                }
                feed(.connected(peer, .outbound, endpoint))
                feed(.identified(peer, addresses))
                feed(.connectAnswered(request, .success(peer)))
            }
            for case .disconnect(let peer) in said { feed(.disconnected(peer)) }
        }
        now = end
        return dialled
    }

    @Test mutating func `it has eight peers in eight networks, and two of them are anchors`() {
        feed(.started(CompanyRecord([]), remembered: []))
        hear(0..<30)
        // Many more of one network.
        for number in 100..<200 {
            let peer = KademliaPeer(id: Self.peer(number), addresses: [Self.address(3, host: number)])
            feed(.heard([peer], source: IPGroup(of: Self.address(number))))
        }
        run(for: .seconds(60))
        #expect(company.members.count == 8)
        #expect(Set(company.members.values).count == 8)
    }

    @Test mutating func `peers that are said to be in many networks and are reached in one count once`() {
        feed(.started(CompanyRecord([]), remembered: []))
        hear(0..<30)
        #expect(run(for: .seconds(60), reachedIn: 77).count >= 8)
        #expect(company.members.count == 1 && company.outbound.count == 1, "the others are let go")
    }

    /// The search of a hash table dials whoever is named, liars too; they are company only if a draw from the tables says so.
    @Test mutating func `whom something else dialled does not count, until it is drawn`() {
        feed(.started(CompanyRecord([]), remembered: []))
        for number in 0..<20 {
            feed(.connected(Self.peer(number), .outbound, `Address tables`.endpoint(number)))
            #expect(company.members.isEmpty)
        }
        for number in 0..<20 { feed(.identified(Self.peer(number), [Self.address(number)])) }
        #expect(company.members.isEmpty)
        let dialled = run(for: .seconds(30))
        #expect(dialled.isEmpty, "all of them are connected already")
        #expect(company.members.count == 8)
    }

    @Test mutating func `whoever comes by itself neither counts nor is protected`() {
        feed(.started(CompanyRecord([]), remembered: []))
        for number in 0..<20 {
            feed(.connected(Self.peer(number), .inbound, `Address tables`.endpoint(number)))
            feed(.identified(Self.peer(number), [Self.address(number)]))
        }
        #expect(company.members.isEmpty)
        #expect(!said.contains { if case .protect(_, true) = $0 { true } else { false } })
        // They are merely heard of.
        #expect(company.tables.triedPeers.isEmpty)
    }

    @Test
    mutating func
        `anchors are remembered and dialled first after a restart, even by a node that was told of thousands`() throws
    {
        feed(.started(CompanyRecord([]), remembered: []))
        hear(0..<12)
        var record: CompanyRecord?
        run(for: .seconds(4))
        let end = now.advanced(by: .seconds(30))
        while record == nil, now < end {
            run(for: .milliseconds(500))
            for case .remember(let kept) in said { record = kept }
        }
        let kept = try #require(record)
        let anchors = kept.members.filter(\.isAnchor).map(\.peer)
        #expect(anchors.count == 2)
        #expect(anchors == Array(company.members.keys.prefix(2)))

        var restarted = PeerCompany(requestIDs: 0...1_000, random: SeededRandom(testSeed: 4))
        var outputs: [PeerCompany.Output] = []
        restarted.handle(.started(CompanyRecord(reading: kept.bytes), remembered: []), at: .zero, into: &outputs)
        var returned: [PeerID] = []
        for case .reconnect(_, let peer, let addresses) in outputs {
            #expect(addresses == kept.members.first { $0.peer == peer }?.addresses)
            returned.append(peer)
        }
        #expect(returned == anchors)
        for number in 1_000..<3_000 {
            let peer = KademliaPeer(id: Self.peer(number), addresses: [Self.address(number)])
            restarted.handle(.heard([peer], source: IPGroup(of: Self.address(number))), at: .zero, into: &outputs)
        }
        var dialled: [PeerID] = []
        while dialled.count < 2, let due = restarted.nextDeadline {
            outputs = []
            restarted.handle(.deadlineReached, at: due, into: &outputs)
            #expect(!outputs.contains { if case .reconnect = $0 { true } else { false } })
            for case .connect(_, let peer, _) in outputs { dialled.append(peer) }
        }
        #expect(Set(anchors).isDisjoint(with: dialled))
    }

    /// The whole node, because others of its parts dial at the start too.
    @Test func `after a restart a node dials its anchors before its seeds`() {
        let members = (0..<4).map {
            CompanyRecord.Member(peer: Self.peer($0), addresses: [Self.address($0)], isAnchor: $0 < 2)
        }
        var restored = RestoredState.empty
        restored.facts = [(name: CompanyRecord.factName, value: CompanyRecord(members).bytes)]
        restored.peers = [StoredPeer(peer: Self.peer(7), addresses: [Self.address(7)], lastSeen: 1)]
        var config = NodeConfig(listen: [SeatPair.endpoints[0]])
        config.seeds = [Self.address(8).with(peer: Self.peer(8))]
        config.swarmSeat = .driver(typedGossip: true)
        var node = NodeMachine(
            config: config,
            identity: Ed25519.PrivateKey(seed: [UInt8](repeating: 1, count: 32)),
            isFreshIdentity: false,
            restored: restored,
            random: SeededRandom(testSeed: 9)
        )
        var outputs: [NodeMachine.Output] = []
        node.handle(.clock(unixMilliseconds: TestNetwork.epochMilliseconds), at: .zero, into: &outputs)
        node.handle(.started, at: .zero, into: &outputs)
        let dialled = outputs.compactMap { output -> PeerID? in
            if case .swarm(.connect(_, let peer, _)) = output { peer } else { nil }
        }
        #expect(Array(dialled.prefix(2)) == [Self.peer(0), Self.peer(1)])
        #expect(Set(dialled.dropFirst(2)) == [Self.peer(8)])
    }

    @Test mutating func `half of the company is from those who were reached before`() {
        let members = (0..<40).map {
            CompanyRecord.Member(peer: Self.peer($0), addresses: [Self.address($0)], isAnchor: false)
        }
        feed(.started(CompanyRecord(members), remembered: []))
        hear(1_000..<1_500)
        run(for: .seconds(60))
        let old = company.members.keys.count { peer in (0..<40).contains { Self.peer($0) == peer } }
        #expect(old >= 4)
    }

    @Test mutating func `feelers move those who are there into the tried table, and leave`() {
        feed(.started(CompanyRecord([]), remembered: []))
        hear(0..<40)
        run(for: .seconds(30))
        let before = company.tables.triedPeers.count
        #expect(company.members.count == 8)
        let dialled = run(for: .seconds(1_200))
        #expect((8...14).contains(dialled.count), "one in two minutes, jittered")
        #expect(company.tables.triedPeers.count == before + dialled.count)
        #expect(company.members.count == 8)
    }

    @Test mutating func `whoever cannot be reached rests`() {
        feed(.started(CompanyRecord([]), remembered: []))
        hear(0..<1)
        let dialled = run(for: .seconds(100), gone: [Self.peer(0)])
        #expect(dialled.count == 1)
    }

    /// What they say of themselves may name any network; where they come from is theirs.
    @Test mutating func `those who come by themselves from one network reach the few buckets of its word`() {
        feed(.started(CompanyRecord([]), remembered: []))
        for number in 0..<600 {
            feed(.connected(Self.peer(number), .inbound, `Address tables`.endpoint(7, host: number)))
            feed(.identified(Self.peer(number), [Self.address(number)]))
        }
        let most = AddressTables.bucketsPerSource * AddressTables.bucketPeerCountMax
        #expect(company.tables.entries.count <= most && company.tables.entries.count > most / 2)
    }

    /// A network whose four buckets are full, by several restarts' worth of records, and a newcomer of it that was reached.
    private mutating func crowd(and newcomer: PeerID) -> Set<PeerID> {
        for start in stride(from: 0, to: 300, by: 50) {
            let members = (start..<start + 50).map {
                CompanyRecord.Member(peer: Self.peer($0), addresses: [Self.address(7, host: $0)], isAnchor: false)
            }
            feed(.started(CompanyRecord(members), remembered: []))
        }
        let tried = Set(company.tables.triedPeers)
        #expect(tried.count == AddressTables.bucketsPerNetwork * AddressTables.bucketPeerCountMax)
        feed(.heard([KademliaPeer(id: newcomer, addresses: [Self.address(7, host: 999)])], source: .exempt))
        feed(.connected(newcomer, .outbound, `Address tables`.endpoint(7, host: 999)))
        feed(.identified(newcomer, [Self.address(7, host: 999)]))
        #expect(company.tables.entries[newcomer]?.place.isTried == false)
        return tried
    }

    @Test mutating func `a test that our own limits forbid decides nothing, and is made again`() {
        let newcomer = Self.peer(999)
        let tried = crowd(and: newcomer)
        run(for: .seconds(400), gone: tried, failure: .queueFull)
        #expect(company.tables.entries[newcomer]?.place.isTried == false)
        #expect(company.tables.entries.values.allSatisfy { $0.failureCount == 0 })
        run(for: .seconds(400), gone: tried)
        #expect(company.tables.entries[newcomer]?.place.isTried == true)
        #expect(tried.count { company.tables.contains($0) } == tried.count - 1)
    }

    @Test(arguments: [true, false])
    mutating func `a full bucket gives a place only once its oldest peer has been found gone`(isGone: Bool) throws {
        let newcomer = Self.peer(999)
        let tried = crowd(and: newcomer)
        run(for: .seconds(400), gone: isGone ? tried : [])
        #expect(company.tables.entries[newcomer]?.place.isTried == isGone)
        #expect(tried.count { company.tables.contains($0) } == (isGone ? tried.count - 1 : tried.count))
    }
}
