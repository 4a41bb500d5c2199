import Cryptography
import Identity
import Market
import Node
import Primitives
import Swarm
import Testing

@testable import Simulator

@Suite struct `A virtual disk` {
    private func fact(_ value: UInt8) -> StoreChange { .setFact(name: "fact", value: [value]) }

    private func record(_ number: UInt8) throws -> StoredRecord {
        let author = try #require(Ed25519.PublicKey([UInt8](repeating: number, count: 32)))
        return StoredRecord(
            id: try #require(RecordID([UInt8](repeating: number, count: 32))),
            subject: SubjectKey(author: author, kind: .presence, id: [1]),
            sequence: 1,
            expiresAt: 9,
            receivedAt: Int64(number),
            envelope: [number]
        )
    }

    @Test func `has own state durable when its ticket returns and not before`() {
        var (store, library) = (VirtualStore(keepsCache: true), RecordLibrary())
        store.begin(Ticket(rawValue: 1), [fact(1)], at: .zero, in: &library)
        store.committed(Ticket(rawValue: 1))
        store.begin(Ticket(rawValue: 2), [fact(2)], at: .zero, in: &library)
        store.crash(losesUnsynced: false, in: &library)
        store.committed(Ticket(rawValue: 2))
        #expect(store.restored(from: library).facts.map(\.value) == [[1]])
    }

    @Test func `loses of the cache what had not reached it when the power fails, and nothing when a process ends`()
        throws
    {
        for loses in [false, true] {
            var (store, library) = (VirtualStore(keepsCache: true), RecordLibrary())
            let late = Instant.zero.advanced(by: VirtualStore.syncInterval)
            store.begin(Ticket(rawValue: 1), [.putRecord(try record(1))], at: .zero, in: &library)
            // The next write finds that the interval is over, and the first one goes to the disk.
            store.begin(Ticket(rawValue: 2), [.putRecord(try record(2))], at: late, in: &library)
            store.crash(losesUnsynced: loses, in: &library)
            #expect(store.restored(from: library).records.map(\.envelope) == (loses ? [[1]] : [[1], [2]]))
            #expect(library.count == (loses ? 1 : 2))
        }
    }

    @Test func `shares the bytes of a record with all others and forgets them with the last`() throws {
        var (one, other, library) = (VirtualStore(keepsCache: true), VirtualStore(keepsCache: true), RecordLibrary())
        one.begin(Ticket(rawValue: 1), [.putRecord(try record(1))], at: .zero, in: &library)
        other.begin(Ticket(rawValue: 1), [.putRecord(try record(1))], at: .zero, in: &library)
        #expect(library.count == 1)
        one.wipe(in: &library)
        #expect(library.count == 1)
        let late = Instant.zero.advanced(by: VirtualStore.syncInterval)
        other.begin(Ticket(rawValue: 2), [.deleteRecord(try record(1).id)], at: late, in: &library)
        other.crash(losesUnsynced: false, in: &library)
        #expect(library.count == 0)
    }
}

@Suite struct `The memo of signatures` {
    @Test func `believes nobody for the first bytes of a signature`() {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        let message: [UInt8] = [1, 2, 3]
        var memo = SignatureMemo(computesAll: false)
        let good = SignatureCheck(key: key.publicKey, message: message, signature: key.signature(of: message))
        let bad = SignatureCheck(key: key.publicKey, message: [1, 2, 4], signature: good.signature)
        let verdicts = [good, good, bad, bad].map { memo.holds($0) }
        #expect(verdicts == [true, true, false, false])
        #expect(memo.computedCount == 2)
    }

    @Test func `forgets its older half when it is full`() {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        var memo = SignatureMemo(computesAll: false, countMax: 4)
        for number in 0..<UInt8(20) {
            // Noise as signatures: false each, and cheap to tell apart.
            let noise = [number] + [UInt8](repeating: 0, count: 63)
            _ = memo.holds(SignatureCheck(key: key.publicKey, message: [], signature: noise))
            #expect(memo.count <= 8)
        }
        #expect(memo.computedCount == 20)
    }
}

@Suite struct `The memo of records` {
    private static func envelope(_ number: Int) throws -> [UInt8] {
        try TrialTown.offer(of: 1, sequence: UInt64(number)).envelope
    }

    @Test func `equal bytes are one record, and what cannot be read is refused every time`() throws {
        let memo = RecordMemo()
        let bytes = try Self.envelope(1)
        let first = try memo.read(bytes)
        #expect(try memo.read(Array(bytes.map(\.self))) === first)
        #expect(try memo.read(try Self.envelope(2)) !== first)
        for _ in 1...2 { #expect(throws: RecordError.self) { try memo.read(Array(bytes.dropLast())) } }
        #expect(memo.count == 2)
    }

    @Test func `what nobody holds is let go, what somebody holds is not`() throws {
        let memo = RecordMemo(leastLimit: 8)
        let held = try memo.read(try Self.envelope(1))
        for number in 2...40 {
            _ = try memo.read(try Self.envelope(number))
            #expect(memo.count <= 8)
        }
        #expect(try memo.read(try Self.envelope(1)) === held)
        let all = try (100..<120).map { try memo.read(try Self.envelope($0)) }
        #expect(memo.count >= all.count, "what is held is kept, however much it is")
        for (number, record) in zip(100..., all) { #expect(try memo.read(try Self.envelope(number)) === record) }
    }
}

@Suite struct `A wire` {
    private static func party(_ node: UInt32) -> (life: NodeLife, peer: PeerID) {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: UInt8(node), count: 32))
        return (NodeLife(node: node, life: 1), PeerID(publicKey: key.publicKey))
    }

    private static func made() -> (WireTable, WireEnd) {
        var table = WireTable()
        let end = table.open(dialer: party(1), listener: party(2), at: .zero)
        return (table, end)
    }

    @Test func `is known by its end, and its place in another use is not`() {
        var (table, end) = Self.made()
        #expect(table.isValid(end) && table.isValid(end.far) && !table.isUp(end))
        #expect(table.node(at: end) == 1 && table.node(at: end.far) == 2)
        table[end].dialer.phase = .ended
        table.releaseIfEnded(end)
        #expect(table.isValid(end), "the listener has not heard of it")
        table[end].listener.phase = .ended
        table.releaseIfEnded(end)
        #expect(!table.isValid(end))
        let next = table.open(dialer: Self.party(3), listener: Self.party(4), at: .zero)
        #expect(next.slot == end.slot && next != end)
        #expect(table.isValid(next) && !table.isValid(end))
    }

    @Test(arguments: [0, 1, 0xFFFF_FFFE] as [UInt32])
    func `names its ends in eight bytes`(slot: UInt32) {
        let end = WireEnd(slot: slot, generation: 5, isDialer: true)
        #expect(end.slot == Int(slot) && end.generation == 5 && end.isDialer)
        #expect(end.far.far == end && !end.far.isDialer)
        #expect(WireEnd(rawValue: (end.rawValue << 1 | 1) >> 1) == end)
    }

    @Test func `keeps a stream until both ends have closed it and heard so`() {
        let (_, end) = Self.made()
        var kinds = StreamKinds()
        var stream = WireStream(id: 1, kind: kinds.kind(of: "/meshsub/1.2.0"), openedBy: end)
        #expect(stream.isKnown(at: end) && !stream.isKnown(at: end.far))
        stream.close(by: end)
        #expect(stream.isKnown(at: end) && !stream.isOver)
        stream.arrive(at: end.far)
        stream.hearClose(at: end.far)
        stream.close(by: end.far)
        #expect(!stream.isKnown(at: end.far) && stream.isKnown(at: end) && !stream.isOver)
        stream.hearClose(at: end)
        #expect(stream.isOver)
    }
}

@Suite struct `A virtual swarm` {
    @Test func `connects as soon as the real one does`() {
        func connectedAfter(_ fidelity: Fidelity) -> Duration {
            var scenario = Scenario.town(2, fidelity)
            scenario.network.latency = .constant(.milliseconds(50))
            scenario.network.jitter = .zero
            var simulation = Simulation(scenario: scenario, seed: 1)
            let started = Instant.zero.advanced(by: scenario.buildUp / 4)
            while !simulation.isOver {
                simulation.run(until: simulation.now.advanced(by: .milliseconds(1)))
                guard simulation.nodes[1].isUp else { continue }
                if !simulation.nodes[1].machines[0].connectedPeers.isEmpty { break }
            }
            return started.duration(to: simulation.now)
        }
        let (real, virtual) = (connectedAfter(.bytes), connectedAfter(.frames))
        #expect(real == virtual, "\(real) with real bytes, \(virtual) without")
    }

    @Test func `closes the least worthy connections when there are too many`() {
        var simulation = Simulation(scenario: .town(14, measured: .seconds(200)), seed: 1)
        (simulation.settings.swarm.trimming.lowWater, simulation.settings.swarm.trimming.highWater) = (5, 8)
        simulation.run(until: .zero.advanced(by: .seconds(50)))
        #expect(simulation.nodes.contains { $0.swarm.connectionCount > 8 }, "young connections are left in peace")
        // A minute of grace, and nobody is dialled anew at once.
        var most = Int.max
        while simulation.now < .zero.advanced(by: .seconds(120)) {
            simulation.run(until: simulation.now.advanced(by: .milliseconds(500)))
            most = min(most, simulation.nodes.map(\.swarm.connectionCount).max() ?? 0)
        }
        #expect(most <= 8)
    }
}
