import Cryptography
import Identity
import Primitives
import Swarm
import Testing

@testable import Gossipsub
@testable import Market
@testable import Node

@Suite struct `The inbox` {
    private var inbox = RecordInbox()
    private let record: SignedRecord

    init() throws {
        record = try SyncPair.offer(1, by: 1)
    }

    private static let peers = (1...10).map { PeerID(publicKey: SyncPair.key($0).publicKey) }

    private static func origin(_ peer: Int, _ place: Int = 0) -> RecordInbox.Origin {
        .gossip(peers[peer], ValidationID(number: UInt64(place)))
    }

    private mutating func fill(from peer: Int) {
        let pending = PendingRecord(record: record)
        for place in 0..<NodeLimits.pendingRecordsPerPeerMax {
            #expect(inbox.hasRoom(for: Self.origin(peer, place)))
            inbox.add(.record(pending, Self.origin(peer, place)), checks: [])
        }
        inbox.checkInvariants()
    }

    @Test mutating func `one peer fills its share, and nobody else's`() {
        fill(from: 0)
        #expect(!inbox.hasRoom(for: Self.origin(0)))
        let given = RecordInbox.Sending(peer: Self.peers[0], batch: 1, place: 0)
        #expect(!inbox.hasRoom(for: .sync(given, record.id)), "however it brings them")
        #expect(inbox.hasRoom(for: Self.origin(1)) && inbox.hasRoom(for: .command(CommandID(rawValue: 1), index: 0)))
    }

    @Test mutating func `all together fill it, and there is room again once there are verdicts`() {
        for peer in 0..<8 { fill(from: peer) }
        #expect(inbox.pendingCount == NodeLimits.pendingRecordCountMax)
        #expect(!inbox.hasRoom(for: Self.origin(8)) && !inbox.hasRoom(for: .command(CommandID(rawValue: 1), index: 0)))
        let batches = inbox.takeBatches()
        #expect(!inbox.hasRoom(for: Self.origin(8)), "they still wait for their signatures")
        for (batch, checks) in batches { _ = inbox.takeResults(of: batch, checks.map(\.holds)) }
        #expect(inbox.pendingCount == 0 && inbox.hasRoom(for: Self.origin(0)) && inbox.hasRoom(for: Self.origin(8)))
        let late = inbox.takeResults(of: BatchID(rawValue: 1), [])
        #expect(late.isEmpty)
    }
}

@Suite struct `Streams of gossip` {
    @Test func `empty RPCs are nothing, and what stands between them is heard`() throws {
        var streams = GossipStreams(rpcByteCountMax: 100, requestIDs: 1...9)
        let stream = StreamHandle(connection: ConnectionID(rawValue: 1), stream: 1)
        let replaced = streams.accepted(stream, from: SyncPair.peers[0])
        #expect(replaced == nil)
        let silence = [UInt8](repeating: 0, count: 10_000)
        let heard = try streams.received(silence + [2, 7, 8] + silence + [1, 9, 3, 1], on: stream)
        #expect(heard == [[7, 8], [9]])
        #expect(streams.keptByteCount(of: stream) == 2)
        let rest = try streams.received([1, 1], on: stream)
        #expect(rest == [[1, 1, 1]])
    }
}
