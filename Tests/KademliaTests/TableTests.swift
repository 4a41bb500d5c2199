import Identity
import Primitives
import Testing

@testable import Kademlia

@Suite struct `Kademlia table` {
    static func seeded(_ seeds: [KademliaPeer]) -> KademliaConfig {
        var config = KademliaConfig()
        config.seeds = seeds
        return config
    }

    @Test func `a newcomer is asked for itself and enters by answering`() {
        let bench = Bench()
        let outputs = bench.feed(.identified(peer(1), isServer: true, from: host(1)))
        let question = KademliaMessage(kind: .findNode, key: peerID(1).bytes)
        let known = KademliaPeer(id: peerID(1), addresses: peer(1).addresses)
        #expect(outputs == [.request(KademliaRequestID(rawValue: 0), known, question.encoded, expectsResponse: true)])
        #expect(bench.machine.tableCount == 0)
        let answer = KademliaMessage(kind: .findNode, closerPeers: [peer(1)])
        let entered = bench.feed(.response(KademliaRequestID(rawValue: 0), answer.encoded, from: host(1)))
        #expect(entered == [.peerAdded(peerID(1))])
    }

    @Test(arguments: [
        KademliaMessage(kind: .findNode), KademliaMessage(kind: .ping), KademliaMessage(kind: .getValue),
    ])
    func `who answers with nothing, or with something else, does not enter`(answer: KademliaMessage) {
        let bench = Bench()
        _ = bench.feed(.identified(peer(1), isServer: true, from: host(1)))
        let outputs = bench.feed(.response(KademliaRequestID(rawValue: 0), answer.encoded, from: host(1)))
        #expect(outputs == [])
        #expect(bench.machine.tableCount == 0)
    }

    @Test func `a peer that only uses the network does not enter, and one that becomes such leaves`() {
        let bench = Bench()
        #expect(bench.feed(.identified(peer(1), isServer: false, from: host(1))) == [])
        bench.admit([1])
        #expect(bench.machine.contains(peerID(1)))
        #expect(bench.feed(.identified(peer(1), isServer: false, from: host(1))) == [.peerRemoved(peerID(1))])
    }

    @Test func `S-29, fifty peers of one neighbourhood get three places, and the others are not even asked`() {
        let bench = Bench()
        var askedCount = 0
        for number in 1...50 {
            let source = IPAddress(203, 0, 113, UInt8(number))
            let address = Multiaddr(endpoint: Endpoint(address: source, port: 1))
            let newcomer = KademliaPeer(id: peerID(number), addresses: [address])
            let outputs = bench.feed(.identified(newcomer, isServer: true, from: source))
            guard case .request(let id, _, _, _) = outputs.first else { continue }
            askedCount += 1
            let answer = KademliaMessage(kind: .findNode, closerPeers: [newcomer])
            _ = bench.feed(.response(id, answer.encoded, from: source))
        }
        #expect(bench.machine.tableCount <= 3)
        #expect(bench.machine.tableCount == askedCount)
    }

    @Test func `the second failure in a row costs the place, and one that waited gets it`() throws {
        var config = KademliaConfig(k: 1)
        config.secure = LookupLimits(k: 1, alpha: 1)
        let bench = Bench(config)
        // The second of two in a bucket waits.
        let (bucket, members) = Self.crowdedBucket()
        bench.admit(members)
        #expect(bench.machine.contains(peerID(members[0])))
        #expect(!bench.machine.contains(peerID(members[1])))
        let unanswered = bench.run(.closestPeers([UInt8(bucket)])) { _, _ in nil }
        #expect(unanswered.result == .closest([]))
        #expect(bench.machine.contains(peerID(members[0])))
        bench.now = bench.now.advanced(by: .seconds(10))
        let outputs = bench.feed(.command(KademliaCommandID(rawValue: 1), .closestPeers([1])))
        guard case .request(let id, _, _, _) = try #require(outputs.first) else { return }
        let removed = bench.feed(.requestFailed(id))
        #expect(removed.first == .peerRemoved(peerID(members[0])))
        let question = KademliaMessage(kind: .findNode, key: peerID(members[1]).bytes).encoded
        #expect(
            removed.contains {
                guard case .request(_, let asked, question, expectsResponse: true) = $0 else { return false }
                return asked.id == peerID(members[1])
            }
        )
    }

    @Test func `what a peer says of itself is no answer, but moves it`() {
        let bench = Bench()
        bench.admit([1])
        _ = bench.run(.closestPeers([1])) { _, _ in nil }
        let moved = KademliaPeer(id: peerID(1), addresses: peer(2).addresses)
        #expect(bench.feed(.identified(moved, isServer: true, from: host(2))) == [])
        #expect(bench.machine.knownPeer(peerID(1)) == moved)
        bench.now = bench.now.advanced(by: .seconds(10))
        let asked = bench.run(.closestPeers([1])) { _, _ in nil }.asked
        #expect(asked.map(\.peer) == [moved])
        #expect(!bench.machine.contains(peerID(1)), "the second time in a row")
    }

    /// Two peers that share a bucket of peer 0.
    private static func crowdedBucket() -> (bucket: Int, members: [Int]) {
        let own = KademliaKey(hashing: peerID(0).bytes)
        let members = (1...50).filter { own.commonPrefixLength(with: KademliaKey(hashing: peerID($0).bytes)) == 0 }
        return (0, Array(members.prefix(2)))
    }

    @Test func `seeds are asked at the start and again for ever`() {
        let bench = Bench(Self.seeded([peer(1), peer(2)]), isStarted: false)
        func asked(_ outputs: [KademliaMachine.Output]) -> [PeerID] {
            outputs.compactMap { if case .request(_, let peer, _, _) = $0 { peer.id } else { nil } }
        }
        #expect(asked(bench.feed(.started)) == [peerID(1), peerID(2)])
        var counts: [PeerID: Int] = [:]
        while bench.now < .zero.advanced(by: .seconds(3600)) {
            for peer in asked(bench.wait()) { counts[peer, default: 0] += 1 }
        }
        #expect(counts.count == 2)
        #expect(counts.values.allSatisfy { $0 > 100 })
    }

    @Test func `a new table searches for itself at once, then its buckets, and again every ten minutes`() {
        let bench = Bench()
        bench.admit(1...12)
        #expect(bench.machine.nextDeadline == bench.now)
        var searches: [Instant] = []
        while let deadline = bench.machine.nextDeadline, deadline < .zero.advanced(by: .seconds(1500)) {
            var todo = bench.wait()
            while let output = todo.popLast() {
                guard case .request(let id, let peer, let bytes, _) = output,
                    let message = try? KademliaMessage(parsing: bytes.span)
                else { continue }
                if message.key == peerID(0).bytes, searches.last != bench.now { searches.append(bench.now) }
                let answer = KademliaMessage(kind: .findNode, closerPeers: [peer])
                todo += bench.feed(.response(id, answer.encoded, from: peer.source))
            }
        }
        #expect(searches.count == 3)
        #expect(searches.first == .zero)
    }

    @Test func `S-30, one that only knows itself and one that is silent do not spoil a search`() {
        let bench = Bench()
        bench.admit(1...12)
        let (selfish, silent) = (peerID(3), peerID(4))
        var (result, todo): (KademliaResult?, [KademliaMachine.Output]) = (nil, [])
        todo = bench.feed(.command(KademliaCommandID(rawValue: 1), .closestPeers(peerID(77).bytes)))
        while result == nil, bench.now < .zero.advanced(by: .seconds(60)) {
            guard let output = todo.popLast() else {
                todo = bench.wait()
                continue
            }
            if case .finished(_, let outcome) = output { result = outcome }
            guard case .request(let id, let asked, _, _) = output, asked.id != silent else { continue }
            let known = asked.id == selfish ? [asked] : [peer(77), peer(78)]
            let answer = KademliaMessage(kind: .findNode, closerPeers: known)
            todo += bench.feed(.response(id, answer.encoded, from: asked.source))
        }
        guard case .closest(let closest) = result else { return #expect(result == nil) }
        #expect(closest.first?.id == peerID(77))
        #expect(!closest.contains { $0.id == silent })
        #expect(bench.now <= .zero.advanced(by: .seconds(10)))
    }

    @Test func `a request without an answer is cancelled after ten seconds, and a late answer has no effect`() {
        let bench = Bench()
        _ = bench.feed(.identified(peer(1), isServer: true, from: host(1)))
        let id = KademliaRequestID(rawValue: 0)
        #expect(bench.machine.nextDeadline == .zero.advanced(by: .seconds(10)))
        #expect(bench.wait() == [.cancel(id)])
        let answer = KademliaMessage(kind: .findNode, closerPeers: [peer(1)])
        #expect(bench.feed(.response(id, answer.encoded, from: host(1))) == [])
        #expect(bench.feed(.requestFailed(id)) == [])
        #expect(bench.feed(.delivered(id)) == [])
    }

    @Test func `examinations wait for their turn, and a crowd beyond that is left alone`() {
        let bench = Bench()
        let outputs = (1...300).flatMap { bench.feed(.identified(peer($0), isServer: true, from: host($0))) }
        #expect(outputs.count == 16)
        var (askedCount, todo) = (16, outputs)
        while let output = todo.popLast() {
            guard case .request(let id, _, _, _) = output else { continue }
            let more = bench.feed(.requestFailed(id))
            askedCount += more.count
            todo += more
        }
        #expect(askedCount == 16 + 128)
    }

    @Test func `examinations also wait for a place among the requests, and begin when any of them ends`() throws {
        let bench = Bench()
        let other = RequestBook.Request(peer: peer(500), purpose: .correction, kind: .addProvider)
        var taken: [KademliaRequestID] = []
        while let id = bench.machine.requests.open(other, at: bench.now) { taken.append(id) }
        #expect(taken.count == 1_024)
        for number in 1...3 { #expect(bench.feed(.identified(peer(number), isServer: true, from: host(number))) == []) }
        func asked(_ outputs: [KademliaMachine.Output]) -> [PeerID] {
            outputs.compactMap { if case .request(_, let peer, _, _) = $0 { peer.id } else { nil } }
        }
        #expect(asked(bench.feed(.delivered(taken[0]))) == [peerID(1)])
        #expect(asked(bench.feed(.requestNotSent(taken[1]))) == [peerID(2)])
        let late = bench.wait()
        #expect(asked(late) == [peerID(3)])
    }
}
