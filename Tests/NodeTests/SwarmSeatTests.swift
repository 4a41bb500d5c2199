import Cryptography
import Market
import OrderedCollections
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Gossipsub
@testable import Node

@Suite struct `A node at the driver's seat` {
    private static let segment = Segment(marketClass: .nvidiaConsumer, shard: 0)

    @Test(arguments: [true, false]) func `delivers an offer to another, typed or in bytes`(isTyped: Bool) throws {
        var pair = SeatPair(isTyped: isTyped)
        pair.connect()
        pair.run(for: .seconds(5))
        let topics = pair.nodes[0].followedTopics
        #expect(topics.allSatisfy { pair.nodes[0].mesh(of: $0) == [pair.nodes[1].peer] })
        pair.feed(0, .command(CommandID(rawValue: 1), .publishOffer(.rtx4090())))
        pair.run(for: .seconds(2))
        guard case .offer(let record)? = pair.answers.first else {
            Issue.record("no offer: \(pair.answers)")
            return
        }
        #expect(pair.nodes.map { $0.contains(record.id) } == [true, true])
        #expect(pair.nodes[1].marketListings.map(\.offer) == pair.nodes[0].marketListings.map(\.offer))
        #expect(pair.nodes[0].liveRecordIDs == pair.nodes[1].liveRecordIDs)
        #expect(pair.nodes[0].bookDigest == pair.nodes[1].bookDigest && pair.nodes[0].bookDigest != 0)
        #expect(pair.nodes[0].recordCount == pair.nodes[0].liveRecordIDs.count)
        #expect(isTyped ? pair.rpcCount > 0 : pair.rpcCount == 0)
        #expect(isTyped ? pair.gossipByteCount == 0 : pair.gossipByteCount > 0)
    }

    @Test(arguments: [true, false]) func `learns the other's extensions, typed or in bytes`(isTyped: Bool) {
        var pair = SeatPair(isTyped: isTyped)
        pair.connect()
        pair.run(for: .seconds(3))
        for (node, other) in [(0, 1), (1, 0)] {
            let known = pair.nodes[node].gossip.peers[pair.nodes[other].peer]
            #expect(known?.version == .meshsub13 && known?.inbound.extensions.choke == true)
        }
    }

    @Test(arguments: [true, false]) func `hears gossip before it is told what the peer speaks`(isTyped: Bool) throws {
        var pair = SeatPair(isTyped: isTyped)
        pair.connect(dialerIdentifiesAfter: .seconds(30))
        pair.run(for: .seconds(5))
        let (early, late) = (pair.nodes[1], pair.nodes[0])
        #expect(late.connected[early.peer]?.description == nil)
        // The other says its topics once, in its first RPC.
        #expect(late.gossip.topics(of: early.peer).map(\.text) == early.followedTopics)
        for (node, other) in [(early, late), (late, early)] {
            #expect(node.followedTopics.allSatisfy { node.mesh(of: $0) == [other.peer] })
        }
        let proposals = pair.told.compactMap { input -> [String]? in
            if case .openStream(_, early.peer, let proposals) = input { proposals } else { nil }
        }
        #expect(proposals == [["/meshsub/1.3.0"]])
        pair.feed(1, .command(CommandID(rawValue: 1), .publishOffer(.rtx4090())))
        pair.run(for: .seconds(2))
        guard case .offer(let record)? = pair.answers.first else {
            Issue.record("no offer: \(pair.answers)")
            return
        }
        #expect(pair.nodes[0].contains(record.id))
        pair.run(for: .seconds(60))
        #expect(pair.nodes[0].connected[early.peer]?.description != nil)
        #expect(pair.nodes[0].followedTopics.allSatisfy { pair.nodes[0].mesh(of: $0) == [early.peer] })
    }

    @Test(arguments: [true, false]) func `lists its extensions anew on a stream that was reset`(isTyped: Bool) {
        var pair = SeatPair(isTyped: isTyped)
        pair.connect()
        pair.run(for: .seconds(3))
        let (reader, writer) = (pair.nodes[0].peer, pair.nodes[1].peer)
        guard let lost = pair.nodes[1].gossipStreams.outbound(of: reader) else {
            Issue.record("no stream")
            return
        }
        for node in 0..<2 { pair.feed(node, .swarm(.streamReset(lost))) }
        pair.run(for: .seconds(5))
        #expect(pair.nodes[1].gossipStreams.outbound(of: reader).map { $0 != lost } == true)
        #expect(pair.nodes[0].gossip.peers[writer]?.inbound.extensions.choke == true)
        // To list them twice would cost it something if they were the connection's.
        #expect(pair.misbehaviours.isEmpty)
    }

    @Test func `catches up over the driver's streams`() {
        var pair = SeatPair(isTyped: true)
        pair.feed(0, .command(CommandID(rawValue: 1), .publishOffer(.rtx4090())))
        pair.run(for: .seconds(60))
        #expect(pair.nodes.map(\.recordCount).last == 0)
        pair.connect()
        pair.run(for: .seconds(5))
        #expect(pair.nodes[0].bookDigest == pair.nodes[1].bookDigest && pair.nodes[1].recordCount > 0)
    }

    @Test func `knows its connections by what it was told`() {
        var pair = SeatPair(isTyped: true)
        #expect(pair.nodes[0].connectedPeers.isEmpty)
        pair.connect()
        pair.run(for: .seconds(3))
        let remote = pair.nodes[1].peer
        #expect(pair.nodes[0].connectedPeers == [remote] && pair.nodes[0].isConnected(to: remote))
        pair.feed(0, .command(CommandID(rawValue: 1), .status))
        pair.feed(0, .command(CommandID(rawValue: 2), .peers))
        guard case .status(let status)? = pair.answers.first, case .peers(let peers)? = pair.answers.last else {
            Issue.record("no answers: \(pair.answers)")
            return
        }
        #expect(status.outboundPeerCount == 1 && status.inboundPeerCount == 0 && status.addresses.count == 1)
        #expect(peers.map(\.summary.peer) == [remote] && peers.map(\.meshTopicCount) == [status.topicCount(pair)])
        #expect(pair.nodes[0].score(of: remote) > 0)
        pair.feed(0, .command(CommandID(rawValue: 3), .disconnect(remote)))
        pair.feed(0, .swarm(.disconnected(remote, .requested)))
        #expect(pair.told.contains { if case .disconnect(remote) = $0 { true } else { false } })
        #expect(pair.nodes[0].connectedPeers.isEmpty && pair.nodes[0].mesh(of: pair.nodes[0].followedTopics[0]).isEmpty)
    }

    @Test func `holds typed gossip to the limits of the decoder`() {
        var pair = SeatPair(isTyped: true)
        pair.connect()
        pair.run(for: .seconds(3))
        let (sender, topic) = (pair.nodes[1].peer, Topic(stringLiteral: pair.nodes[0].followedTopics[0]))
        let before = pair.nodes[0].score(of: sender)
        let long = WireMessage(data: [UInt8](repeating: 0, count: 300 << 10), topic: topic)
        for _ in 0..<12 { pair.feed(0, .rpc(sender, GossipRPC(messages: [long]))) }
        #expect(pair.nodes[0].score(of: sender) < before)
    }

    @Test func `follows only the segments of its choice`() throws {
        var pair = SeatPair(isTyped: true) { ($0.followedSegments, $0.keepsCustody) = ([Self.segment], false) }
        let topics = pair.nodes[0].followedTopics
        #expect(
            topics == ["/rialto/main/o/1/nvidia-consumer/0", "/rialto/main/r/1/nvidia-consumer", "/rialto/main/p/1"]
        )
        pair.feed(0, .command(CommandID(rawValue: 1), .publishOffer(.rtx4090())))
        pair.run(for: .seconds(30))
        // What the node itself offers it keeps, whatever it follows; nobody else does, not even by a comparison.
        let home = MarketProfile.first.segment(of: pair.nodes[0].key.publicKey, in: .nvidiaConsumer)
        #expect(home != Self.segment)
        pair.connect()
        pair.run(for: .seconds(200))
        #expect(pair.nodes[0].recordCount > 0 && pair.nodes[1].recordCount == 0)
        let envelopes = pair.nodes[0].records().map(\.envelope)
        pair.feed(1, .command(CommandID(rawValue: 2), .importRecords(envelopes)))
        pair.run(for: .seconds(1))
        guard case .imported(let verdicts)? = pair.answers.last else {
            Issue.record("no verdicts: \(pair.answers)")
            return
        }
        #expect(!verdicts.isEmpty && verdicts.allSatisfy { $0 == .ignore(.topicNotFollowed) })
    }

    @Test func `asks for no wake-up but the heartbeat while nothing happens`() {
        var pair = SeatPair(isTyped: true)
        pair.run(for: .seconds(150))
        var (now, wakeCount) = (pair.now, 0)
        var outputs: [NodeMachine.Output] = []
        let end = now.advanced(by: .seconds(100))
        while let due = pair.nodes[0].nextDeadline, due <= end {
            now = max(now, due)
            pair.nodes[0].handle(.deadlineReached, at: now, into: &outputs)
            wakeCount += 1
        }
        // The lazy lane looks for somebody every ten seconds.
        #expect((108...116).contains(wakeCount))
    }
}

extension NodeStatus {
    fileprivate func topicCount(_ pair: SeatPair) -> Int { pair.nodes[0].followedTopics.count }
}
