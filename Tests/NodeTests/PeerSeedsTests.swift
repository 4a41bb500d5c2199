import Identity
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

@Suite struct `Peer seeds` {
    private var seeds = PeerSeeds(requestIDs: 0...99, random: SeededRandom(testSeed: 1))
    private var dialed: [(request: ConnectRequestID, peer: PeerID?)] = []
    private var released: [PeerID] = []
    private let network = TestNetwork.line(count: 20)

    private mutating func feed(_ input: PeerSeeds.Input, at now: Instant = .zero) {
        var outputs: [PeerSeeds.Output] = []
        seeds.handle(input, at: now, into: &outputs)
        seeds.checkInvariants()
        released = outputs.compactMap { if case .release(let peer) = $0 { peer } else { nil } }
        dialed = outputs.compactMap { output -> (request: ConnectRequestID, peer: PeerID?)? in
            switch output {
            case .connect(let request, let peer, _): (request, peer)
            case .release: nil
            }
        }
    }

    /// The waits before each of twelve tries that fail.
    private mutating func waits() throws -> [Duration] {
        var (now, waits) = (Instant.zero, [Duration]())
        for _ in 0..<12 {
            let request = try #require(dialed.first?.request)
            feed(.connectAnswered(request, .failure(.noAddresses)), at: now)
            let due = try #require(seeds.nextDeadline)
            waits.append(now.duration(to: due))
            now = due
            feed(.deadlineReached, at: now)
        }
        return waits
    }

    @Test mutating func `a seed that fails is tried again for ever, at most five minutes apart`() throws {
        for peer in network.peers.dropFirst().prefix(8) { feed(.connected(peer)) }
        feed(.started(seeds: [network.addresses[0]], remembered: []))
        let waits = try waits()
        #expect(waits[0] >= .seconds(4) && waits[0] <= .seconds(6))
        #expect(waits.allSatisfy { $0 <= .seconds(360) })
        #expect(waits[11] >= .seconds(240))
    }

    @Test mutating func `whoever has few peers tries its seeds every twenty seconds`() throws {
        for peer in network.peers.dropFirst().prefix(7) { feed(.connected(peer)) }
        feed(.started(seeds: [network.addresses[0]], remembered: []))
        let waits = try waits()
        #expect(waits[0] >= .seconds(4) && waits[0] <= .seconds(6))
        #expect(waits.suffix(9).allSatisfy { (.seconds(16) ... .seconds(24)).contains($0) })
    }

    @Test mutating func `who loses its company does not wait for the seeds any longer`() throws {
        for peer in network.peers.dropFirst().prefix(8) { feed(.connected(peer)) }
        feed(.started(seeds: [network.addresses[0]], remembered: []))
        _ = try waits()
        let request = try #require(dialed.first?.request)
        let now = Instant.zero.advanced(by: .seconds(9_000))
        feed(.connectAnswered(request, .failure(.noAddresses)), at: now)
        let late = try #require(seeds.nextDeadline)
        #expect(now.duration(to: late) >= .seconds(240))
        feed(.disconnected(network.peers[1]), at: now)
        let soon = try #require(seeds.nextDeadline)
        #expect((.seconds(16) ... .seconds(24)).contains(now.duration(to: soon)))
    }

    @Test mutating func `a connected seed is left in peace until it goes`() throws {
        feed(.started(seeds: [network.addresses[0]], remembered: []))
        let request = try #require(dialed.first?.request)
        feed(.connected(network.peers[0]))
        feed(.connectAnswered(request, .success(network.peers[0])))
        #expect(seeds.nextDeadline == nil)
        feed(.disconnected(network.peers[0]))
        #expect(seeds.nextDeadline != nil)
    }

    @Test mutating func `with company enough a seed is visited for ten seconds every ten minutes`() throws {
        feed(.started(seeds: [network.addresses[0]], remembered: []))
        let request = try #require(dialed.first?.request)
        feed(.connected(network.peers[0]))
        feed(.connectAnswered(request, .success(network.peers[0])))
        feed(.company(isEnough: true))
        #expect(seeds.nextDeadline == .zero.advanced(by: PeerSeeds.visitMin))
        let end = Instant.zero.advanced(by: PeerSeeds.visitMin)
        feed(.deadlineReached, at: end)
        #expect(released == [network.peers[0]])
        #expect(seeds.nextDeadline == nil)
        feed(.disconnected(network.peers[0]), at: end)
        let due = try #require(seeds.nextDeadline)
        #expect(end.duration(to: due) >= .seconds(480) && end.duration(to: due) <= .seconds(720))
        feed(.deadlineReached, at: due)
        #expect(dialed.map(\.peer) == [network.peers[0]])
    }

    @Test mutating func `remembered peers are dialled only while company is scarce`() {
        let remembered = (1..<20).map {
            StoredPeer(peer: network.peers[$0], addresses: [network.addresses[$0]], lastSeen: Int64($0))
        }
        feed(.started(seeds: [], remembered: remembered))
        #expect(dialed.map(\.peer) == (12..<20).reversed().map { network.peers[$0] })
        #expect(seeds.nextDeadline == nil, "eight dials are under way: that is company enough")
        feed(.deadlineReached)
        #expect(dialed.isEmpty)
        for peer in network.peers.prefix(8) { feed(.connected(peer)) }
        feed(.deadlineReached, at: .zero.advanced(by: .seconds(600)))
        #expect(dialed.isEmpty)
    }
}

extension TestNetwork {
    /// Peers and addresses of nodes that need not run.
    fileprivate static func line(count: Int) -> (peers: [PeerID], addresses: [Multiaddr]) {
        var network = TestNetwork(seed: 0)
        let nodes = (0..<count).map { _ in network.addNode() }
        return (nodes.map(network.peer), nodes.map(network.address))
    }
}
