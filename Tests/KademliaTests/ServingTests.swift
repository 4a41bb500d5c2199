import Identity
import Kademlia
import Primitives
import Testing

@Suite struct `Kademlia server` {
    let bench = Bench()
    let key = Array("a key".utf8)

    /// The question with which go-libp2p-kad-dht decides who enters its table.
    @Test func `asked for itself it names itself, with its addresses`() {
        let answer = bench.ask(KademliaMessage(kind: .findNode, key: peerID(0).bytes))
        let own = KademliaPeer(id: peerID(0), addresses: peer(0).addresses, connection: .connected)
        #expect(answer == KademliaMessage(kind: .findNode, closerPeers: [own]))
    }

    @Test func `asked for a peer it names the nearest it knows, never the asker`() throws {
        bench.admit(1...40)
        let answer = try #require(bench.ask(KademliaMessage(kind: .findNode, key: peerID(5).bytes), from: 7))
        let target = KademliaKey(hashing: peerID(5).bytes)
        let nearest = (1...40).filter { $0 != 7 && bench.machine.contains(peerID($0)) }.map(peer).sorted {
            KademliaKey(hashing: $0.id.bytes).distance(to: target)
                < KademliaKey(hashing: $1.id.bytes).distance(to: target)
        }
        #expect(answer.closerPeers.map(\.id) == nearest.prefix(20).map(\.id))
        #expect(answer.closerPeers.first?.id == peerID(5))
        #expect(answer.closerPeers.allSatisfy { $0.connection == .connected })
    }

    @Test func `a connected peer that only uses the network can be found`() {
        _ = bench.feed(.identified(peer(3), isServer: false, from: host(3)))
        let answer = bench.ask(KademliaMessage(kind: .findNode, key: peerID(3).bytes))
        #expect(answer?.closerPeers.map(\.id) == [peerID(3)])
        _ = bench.feed(.disconnected(peerID(3)))
        let later = bench.ask(KademliaMessage(kind: .findNode, key: peerID(3).bytes))
        #expect(later?.closerPeers == [])
    }

    @Test func `addresses of a home are not told to the world, nor taken from it`() throws {
        let home = try Multiaddr(text: "/ip4/192.168.1.7/tcp/4001")
        let neighbour = KademliaPeer(id: peerID(1), addresses: [home])
        let inside = IPAddress(192, 168, 1, 9)
        let outputs = bench.feed(.identified(neighbour, isServer: true, from: inside))
        guard case .request(let id, _, _, _) = try #require(outputs.first) else { return }
        let answer = KademliaMessage(kind: .findNode, closerPeers: [neighbour])
        _ = bench.feed(.response(id, answer.encoded, from: inside))
        let question = KademliaMessage(kind: .findNode, key: peerID(1).bytes)
        #expect(bench.ask(question, at: inside)?.closerPeers.map(\.addresses) == [[home]])
        #expect(bench.ask(question, at: host(9))?.closerPeers == [])
        #expect(bench.ask(question, at: nil)?.closerPeers == [])
    }

    @Test func `S-26, a provider that another peer names is not stored, and no answer is sent`() throws {
        let message = KademliaMessage(kind: .addProvider, key: key, providerPeers: [peer(5)])
        let id = KademliaInboundID(rawValue: 1)
        let outputs = bench.feed(.inbound(id, peerID(6), message.encoded, from: host(6)))
        #expect(outputs == [.accept(id)])
        #expect(bench.ask(KademliaMessage(kind: .getProviders, key: key))?.providerPeers == [])

        expect(bench.feed(.inbound(id, peerID(5), message.encoded, from: host(5))), [.accept(id)])
        #expect(bench.ask(KademliaMessage(kind: .getProviders, key: key))?.providerPeers == [peer(5)])
    }

    @Test func `a provider without an address is not stored`() {
        let message = KademliaMessage(
            kind: .addProvider,
            key: key,
            providerPeers: [KademliaPeer(id: peerID(5), addresses: [])]
        )
        _ = bench.feed(.inbound(KademliaInboundID(rawValue: 1), peerID(5), message.encoded, from: host(5)))
        #expect(bench.machine.heldRecordCount == 0)
    }

    @Test func `provider records lose their addresses after half an hour and end after two days`() {
        let message = KademliaMessage(kind: .addProvider, key: key, providerPeers: [peer(5)])
        _ = bench.feed(.inbound(KademliaInboundID(rawValue: 1), peerID(5), message.encoded, from: host(5)))
        let question = KademliaMessage(kind: .getProviders, key: key)
        bench.now = .zero.advanced(by: .seconds(30 * 60))
        #expect(bench.ask(question)?.providerPeers == [KademliaPeer(id: peerID(5), addresses: [])])
        bench.now = .zero.advanced(by: .seconds(48 * 3600))
        #expect(bench.ask(question)?.providerPeers == [])
        _ = bench.feed(.deadlineReached)
        #expect(bench.machine.heldRecordCount == 0)
    }

    @Test func `S-27, echoes of PING and PUT_VALUE carry no peers`() {
        let stuffing = (1...100).map { peer($0) }
        let ping = KademliaMessage(kind: .ping, key: [1], closerPeers: stuffing, providerPeers: stuffing)
        #expect(bench.ask(ping) == KademliaMessage(kind: .ping, key: [1]))
        let value = RankedValues.value("x", rank: 1)
        let put = KademliaMessage(
            kind: .putValue,
            key: value.key,
            record: value,
            closerPeers: stuffing,
            providerPeers: stuffing
        )
        #expect(bench.ask(put) == KademliaMessage(kind: .putValue, key: value.key, record: value))
    }

    @Test func `S-28, ten thousand providers are answered within 64 KiB, in random order, with nearer peers`()
        throws
    {
        bench.admit(1...20)
        for number in 0..<10_000 {
            let message = KademliaMessage(kind: .addProvider, key: key, providerPeers: [peer(number)])
            let id = KademliaInboundID(rawValue: UInt64(number))
            var outputs: [KademliaMachine.Output] = []
            bench.machine.handle(
                .inbound(id, peerID(number), message.encoded, from: host(number)),
                at: bench.now,
                into: &outputs
            )
        }
        bench.machine.checkInvariants()
        #expect(bench.machine.heldRecordCount == 1_000)
        let question = KademliaMessage(kind: .getProviders, key: key)
        let first = try #require(bench.ask(question))
        let second = try #require(bench.ask(question))
        #expect(first.closerPeers.count == 20)
        #expect(first.closerPeers == second.closerPeers)
        #expect(first.providerPeers.count == 128)
        #expect(first.providerPeers != second.providerPeers)
    }

    @Test func `a flood from one network does not drive out the others`() {
        var random = SeededRandom(seed: seed(3))
        func add(_ number: Int, from source: IPAddress, to bench: Bench) {
            let provider = KademliaPeer(
                id: peerID(number),
                addresses: [Multiaddr(endpoint: Endpoint(address: source, port: 1))]
            )
            let message = KademliaMessage(kind: .addProvider, key: key, providerPeers: [provider])
            var outputs: [KademliaMachine.Output] = []
            let id = KademliaInboundID(rawValue: 1)
            bench.machine.handle(
                .inbound(id, provider.id, message.encoded, from: source),
                at: bench.now,
                into: &outputs
            )
        }
        for number in 0..<1_500 {
            add(number, from: IPAddress(203, 0, UInt8(random.below(256)), UInt8(random.below(256))), to: bench)
        }
        #expect(bench.machine.heldRecordCount == 1_000)
        for number in 5_000..<5_030 { add(number, from: host(number), to: bench) }
        for number in 6_000..<6_100 { add(number, from: IPAddress(203, 0, 1, UInt8(number - 6_000)), to: bench) }
        bench.machine.checkInvariants()
        #expect(bench.machine.heldRecordCount == 1_000)
        // An answer holds an eighth of them, by chance: together these answers name nearly all.
        var named: Set<PeerID> = []
        for asker in 7_000..<7_100 {
            let answer = bench.ask(KademliaMessage(kind: .getProviders, key: key), from: asker)
            named.formUnion(answer?.providerPeers.map(\.id) ?? [])
        }
        #expect((5_000..<5_030).allSatisfy { named.contains(peerID($0)) })
        #expect((6_000..<6_100).allSatisfy { !named.contains(peerID($0)) })
    }

    @Test func `S-31, a value of another key, one that fails its validator, and an older one are refused`() {
        let stored = RankedValues.value("x", rank: 5)
        #expect(bench.ask(KademliaMessage(kind: .putValue, key: stored.key, record: stored)) != nil)
        let refused: [KademliaMessage] = [
            KademliaMessage(kind: .putValue, key: [1, 2], record: RankedValues.value("x", rank: 9)),
            KademliaMessage(kind: .putValue, key: stored.key),
            KademliaMessage(kind: .putValue, key: stored.key, record: RankedValues.value("x", rank: 4)),
            KademliaMessage(kind: .putValue, key: stored.key, record: RankedValues.value("x", rank: 9, minutes: 0)),
            KademliaMessage(kind: .putValue, key: [7], record: KademliaValue(key: [7], value: [9, 9])),
            KademliaMessage(
                kind: .putValue,
                key: stored.key,
                record: RankedValues.value("x", rank: 9, padding: bench.machine.config.valueByteCountMax)
            ),
        ]
        for message in refused { expect(bench.ask(message), nil) }
        let answer = bench.ask(KademliaMessage(kind: .getValue, key: stored.key))
        #expect(answer?.record == stored)
        let better = RankedValues.value("x", rank: 6)
        #expect(bench.ask(KademliaMessage(kind: .putValue, key: stored.key, record: better)) != nil)
        #expect(bench.ask(KademliaMessage(kind: .getValue, key: stored.key))?.record == better)
    }

    @Test func `what the owner shuns is dropped, refused and not found, until it is shunned no longer`() {
        let (value, other) = (RankedValues.value("x", rank: 1), RankedValues.value("y", rank: 1))
        let question = KademliaMessage(kind: .getValue, key: value.key)
        let order = KademliaMessage(kind: .putValue, key: value.key, record: value)
        _ = bench.ask(order)
        _ = bench.ask(KademliaMessage(kind: .putValue, key: other.key, record: other))
        #expect(bench.machine.heldRecordCount == 2)
        _ = bench.feed(.validator(RankedValues(shunned: value.key)))
        #expect(bench.machine.heldRecordCount == 1)
        #expect(bench.ask(question)?.record == nil && bench.ask(order) == nil)
        bench.admit([1])
        let found = bench.run(.getValue(value.key, quorum: 1)) { _, _ in
            KademliaMessage(kind: .getValue, key: value.key, record: value)
        }
        #expect(found.result == .failed(.notFound))
        _ = bench.feed(.validator(RankedValues()))
        #expect(bench.ask(order) == order && bench.ask(question)?.record == value)
    }

    @Test func `a search that has found what is shunned meanwhile has found nothing`() throws {
        bench.admit([1, 2])
        let value = RankedValues.value("x", rank: 1)
        let begun = bench.feed(.command(KademliaCommandID(rawValue: 7), .getValue(value.key, quorum: 2)))
        let asked = begun.compactMap { output -> (KademliaRequestID, KademliaPeer)? in
            if case .request(let id, let peer, _, _) = output { (id, peer) } else { nil }
        }
        #expect(asked.count == 2)
        let answer = KademliaMessage(kind: .getValue, key: value.key, record: value).encoded
        _ = bench.feed(.response(asked[0].0, answer, from: asked[0].1.source))
        _ = bench.feed(.validator(RankedValues(shunned: value.key)))
        let ended = bench.feed(.requestFailed(asked[1].0))
        #expect(ended.contains(.finished(KademliaCommandID(rawValue: 7), .failed(.notFound))))
    }

    @Test func `a value is served until it expires`() {
        let value = RankedValues.value("x", rank: 1, minutes: 30)
        _ = bench.ask(KademliaMessage(kind: .putValue, key: value.key, record: value))
        bench.now = .zero.advanced(by: .seconds(30 * 60 - 1))
        #expect(bench.ask(KademliaMessage(kind: .getValue, key: value.key))?.record == value)
        bench.now = .zero.advanced(by: .seconds(30 * 60))
        #expect(
            bench.ask(KademliaMessage(kind: .getValue, key: value.key))
                == KademliaMessage(kind: .getValue, key: value.key)
        )
    }

    @Test func `S-32, in client mode nobody gets an answer`() {
        let id = KademliaInboundID(rawValue: 1)
        let request = KademliaMessage(kind: .findNode, key: peerID(0).bytes).encoded
        _ = bench.feed(.mode(.client))
        expect(bench.feed(.inbound(id, peerID(4), request, from: host(4))), [.refuse(id)])
        _ = bench.feed(.mode(.server))
        #expect(bench.feed(.inbound(id, peerID(4), request, from: host(4))) != [.refuse(id)])
    }

    @Test func `requests without a key, and what is no message, are refused`() {
        let id = KademliaInboundID(rawValue: 1)
        for bytes: [UInt8] in [[0x08, 0x04], [0x08, 0x01], [0x08, 0x03], [0x08, 0x09], [0xff]] {
            expect(bench.feed(.inbound(id, peerID(4), bytes, from: host(4))), [.refuse(id)])
        }
    }

    @Test func `one peer can ask so much and no more, and others are not affected`() {
        let question = KademliaMessage(kind: .ping)
        let answered = (0..<400).count { _ in bench.ask(question, from: 4) != nil }
        #expect(answered == 256)
        let listed = (0..<40).count { _ in bench.ask(KademliaMessage(kind: .getProviders, key: key), from: 7) != nil }
        #expect(listed == 16)
        #expect(bench.ask(question, from: 5) != nil)
        let values = (0..<20).count { number in
            let value = RankedValues.value("\(number)", rank: 1)
            return bench.ask(KademliaMessage(kind: .putValue, key: value.key, record: value), from: 6) != nil
        }
        #expect(values == 16)
    }
}
