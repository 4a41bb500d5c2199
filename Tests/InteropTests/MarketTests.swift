import DaemonControl
import Cryptography
import EventLoop
import Foundation
import Identity
import Market
import Node
import Primitives
import Swarm
import Synchronization
import Testing

/// A whole Rialto node on real sockets, without a disk.
private final class MarketNode: Sendable {
    let loop: NodeLoop
    let peer: PeerID
    private let events: AsyncStream<NodeEvent>

    init(_ number: UInt8, seeds: [Multiaddr]) {
        let seed = [UInt8](repeating: number, count: 32)
        let node = NodeMachine(
            config: NodeConfig(listen: [Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)], seeds: seeds),
            identity: Ed25519.PrivateKey(seed: seed),
            isFreshIdentity: true,
            restored: .empty,
            random: SeededRandom(seed: seed)
        )
        peer = node.peer
        let (events, told) = AsyncStream.makeStream(of: NodeEvent.self)
        self.events = events
        loop = NodeLoop(node: node, commit: { _ in .success(()) }, observe: { told.yield($0) })
        loop.start()
    }

    /// The first event from now on that `pick` has an answer for; the suite's time limit ends a wait in vain.
    func first<Found>(_ pick: (NodeEvent) -> Found?) async throws -> Found {
        for await event in events {
            if let found = pick(event) { return found }
        }
        throw PeerFailure.ended("the node")
    }

    func publishOffer() async throws -> SignedRecord {
        let device = DeviceDraft(catalogueID: "rtx-4090", marketClass: .nvidiaConsumer, memoryMebibytes: 24_576)
        let terms = OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000))
        let answer = try await loop.send(.publishOffer(OfferDraft(devices: [device], terms: terms)))
        guard case .offer(let offer) = answer else { throw PeerFailure.refused("\(answer)") }
        return offer
    }

    func listings() async throws -> Set<RecordID> {
        guard case .snapshot(let snapshot) = try await loop.send(.snapshot) else { throw PeerFailure.ended("the node") }
        return Set(snapshot.listings.map(\.record.id))
    }

    /// Waits until an offer of somebody else is listed.
    func waitForListing(_ id: RecordID) async throws {
        if try await listings().contains(id) { return }
        while true {
            try await first { if case .listingsChanged = $0 { () } else { nil } }
            if try await listings().contains(id) { return }
        }
    }

    func stop() async {
        loop.requestStop()
        await loop.waitUntilStopped()
    }
}

extension Interoperability {
    @Suite struct `Through py-libp2p` {
        /// Two nodes that know nobody but a py-libp2p peer see each other's offers: our records, topics and message ids are
        /// such that any libp2p implementation passes them on.
        @Test func `market records pass between two nodes`() async throws {
            let python = try PythonPeer(signs: false)
            defer { python.stop() }
            for topic in MarketProfile.first.topics(network: "main") { try python.tell("subscribe", ["topic": topic]) }
            let (left, right) = (MarketNode(1, seeds: [python.address]), MarketNode(2, seeds: [python.address]))
            for node in [left, right] {
                let met = try await node.first { if case .connected(let info) = $0 { info.peer } else { nil } }
                #expect(met == python.peer)
            }
            // A message that is published before there is a mesh reaches nobody, and a foreign peer has no record exchange.
            for segment in MarketProfile.first.segments(of: .nvidiaConsumer) {
                let topic = MarketTopic(network: "main", lane: .offers(segment)).text
                try python.tell("mesh", `With py-libp2p`.MeshArguments(topic: topic, count: 2))
            }

            let first = try await left.publishOffer()
            try await right.waitForListing(first.id)
            let second = try await right.publishOffer()
            try await left.waitForListing(second.id)

            let event = try python.next("message")
            let topic = MarketProfile.first.topic(of: first, network: "main")
            #expect(event.topic == topic)
            for node in [left, right] {
                guard case .peers(let peers) = try await node.loop.send(.peers) else { continue }
                #expect(peers.map(\.summary.peer) == [python.peer], "nothing went another way")
            }
            await left.stop()
            await right.stop()
        }
    }
}
