import Identity
import Market
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

/// Whole nodes that hold different parts of the market.
@Suite struct `Nodes of some segments` {
    private static let away = Segment(marketClass: .other, shard: 0)

    private static func segment(of offer: SignedRecord) -> Segment {
        MarketProfile.first.segment(of: offer.author, in: offer.marketClass)
    }

    private static func follows(_ network: inout TestNetwork, _ node: TestNetwork.NodeIndex) -> [String] {
        guard case .status(let status) = network.ask(node, .status) else { return [] }
        return status.segments.map { "\($0.segment.name) \($0.reason.rawValue)" }
    }

    @Test func `a provider follows its offer's segment, and leaves it ten minutes after the offer`() throws {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 31) { config in
            config.followedSegments = [Self.away]
            config.keepsCustody = false
        }
        #expect(Self.follows(&network, nodes[1]) == ["other/0 interest"])
        let offer = try network.publish(on: nodes[1])
        let name = Self.segment(of: offer).name
        #expect(Self.follows(&network, nodes[1]) == ["other/0 interest", "\(name) dealings"])
        network.run(for: .seconds(1_200))
        #expect(Self.follows(&network, nodes[1]).count == 2, "the offer is still there")
        let body = try #require(network.body(of: offer))
        _ = network.ask(nodes[1], .withdrawOffer(body.offer, reason: 1))
        network.run(for: .seconds(700))
        #expect(Self.follows(&network, nodes[1]) == ["other/0 interest"])
    }

    @Test func `a node keeps one segment for others beside its own`() {
        var network = TestNetwork(seed: 32)
        let node = network.addNode { $0.followedSegments = [] }
        let custody = SegmentCustody(peer: network.peer(node), profile: .first)
        let name = custody.turn(at: network.unixMilliseconds).segment.name
        #expect(Self.follows(&network, node) == ["\(name) custody"])
    }

    /// A node that begins to follow a segment gets what was published before.
    @Test func `what is followed anew is fetched`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 33) { config in
            config.followedSegments = [Self.away]
            config.keepsCustody = false
        }
        let offer = try network.publish(on: nodes[1])
        network.run(for: .seconds(30))
        #expect(!network.sees(nodes[0], offer))
        _ = network.ask(nodes[0], .follow([Self.segment(of: offer)]))
        network.run(for: .seconds(15))
        #expect(network.sees(nodes[0], offer))
        #expect(!network.sees(nodes[2], offer))
    }

    /// Five nodes that follow a class, of which the last is special, and a sixth that holds nothing of it.
    private static func shelves(
        seed: UInt64,
        last configure: (inout NodeConfig) -> Void = { _ in }
    ) -> (TestNetwork, [TestNetwork.NodeIndex]) {
        var network = TestNetwork(seed: seed)
        var nodes: [TestNetwork.NodeIndex] = []
        for number in 0..<6 {
            let seeds = nodes.map { network.address($0) }
            nodes.append(
                network.addNode(seeds: seeds) { config in
                    config.keepsCustody = false
                    let consumer = MarketProfile.first.segments(of: .nvidiaConsumer)
                    config.followedSegments = number == 5 ? [Self.away] : Set(consumer)
                    if number == 4 { configure(&config) }
                }
            )
            network.run(for: .seconds(2))
        }
        return (network, nodes)
    }

    /// Of the five that follow the class, one has no room for anything and so shows nothing.
    @Test func `a search asks replicas, shows what they have, and names who left something out`() throws {
        var (network, nodes) = Self.shelves(seed: 34) { $0.book.segmentByteCountMax = 1 }
        let offer = try network.publish(on: nodes[1])
        network.run(for: .seconds(300))
        #expect(!network.sees(nodes[5], offer) && !network.sees(nodes[4], offer))
        // Of five replicas three are asked, by chance: sooner or later the one that hides is among them.
        var omitters: Set<PeerID> = []
        for _ in 0..<8 {
            guard case .looked(let report)? = network.ask(nodes[5], .look([Self.segment(of: offer)], models: [])) else {
                Issue.record("the search has no answer")
                return
            }
            #expect(network.sees(nodes[5], offer))
            #expect(report.segments == [Self.segment(of: offer)])
            #expect((3...4).contains(report.replicas.count))
            #expect(report.weak.isEmpty)
            omitters.formUnion(report.replicas.filter { $0.omittedCount > 0 }.map(\.peer))
        }
        #expect(omitters == [network.peer(nodes[4])])
        let told = network.events.contains { event in
            if case .peerMisbehaved(network.peer(nodes[4]), "search: left out 1 offer that others have") = event.event {
                event.node == nodes[5]
            } else {
                false
            }
        }
        #expect(told)
    }

    /// Of five replicas three are asked, by chance: sooner or later the one that has stopped is among them, and from then on it is last.
    @Test func `a replica that says nothing costs one search two seconds, and the next ones nothing`() throws {
        var (network, nodes) = Self.shelves(seed: 36)
        let offer = try network.publish(on: nodes[1])
        network.run(for: .seconds(10))
        network.freeze(nodes[4])
        var slow: [Duration] = []
        for _ in 0..<8 {
            let start = network.now
            guard case .looked(let report)? = network.ask(nodes[5], .look([Self.segment(of: offer)], models: [])) else {
                Issue.record("the search has no answer")
                return
            }
            let lasted = start.duration(to: network.now)
            if lasted > .milliseconds(500) { slow.append(lasted) }
            #expect(report.replicas.count == 3 && report.weak.isEmpty)
            #expect(!report.replicas.map(\.peer).contains(network.peer(nodes[4])))
        }
        #expect(slow.count == 1 && slow.allSatisfy { (.seconds(2)..<(.milliseconds(2_500))).contains($0) }, "\(slow)")
    }

    @Test func `a search of what is followed asks nobody`() throws {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 35)
        guard case .looked(let report)? = network.ask(nodes[0], .look([Self.away], models: [])) else {
            Issue.record("the search has no answer")
            return
        }
        #expect(report == SearchReport(segments: [], replicas: []))
    }
}
