import Cryptography
import Identity
import LocalAPI
import Market
import Primitives

@testable import Node
@testable import Swarm

/// A node's state as the tests want it.
struct SampleState {
    var signing = NodeStatus.Signing.open
    var storeFailure: StoreFailure?
    var (inbound, outbound) = (0, 4)
    var clockOffset: Duration?
    var clockSampleCount = 0
    var uptime = Duration.seconds(3_600)
    var swarm = SwarmCounters()
    var table: NodeTable? = NodeTable(isServer: true, serverCount: 12, heldRecordCount: 3)
    var sinceReconciled: Duration? = .seconds(60)

    static func peer(_ number: UInt8) -> PeerID {
        PeerID(publicKey: Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32)).publicKey)
    }

    var status: NodeStatus {
        NodeStatus(
            peer: Self.peer(1),
            network: "main",
            addresses: [],
            uptime: uptime,
            inboundPeerCount: inbound,
            outboundPeerCount: outbound,
            recordCount: 3,
            listingCount: 1,
            ownOfferCount: 1,
            isSigning: signing == .open,
            storeFailure: storeFailure,
            unixMilliseconds: Samples.now,
            resources: ResourceUsage(inboundConnections: 2, memoryBytes: 4_096, descriptors: 3),
            signing: signing,
            seedCount: 1,
            clockOffset: clockOffset,
            clockSampleCount: clockSampleCount,
            table: table,
            segments: [],
            followed: [NodeStatus.FollowedTopic(name: "/rialto/main/p/1", sinceReconciled: sinceReconciled)]
        )
    }

    var metrics: NodeMetrics {
        NodeMetrics(
            status: status,
            swarm: swarm,
            limits: ResourceLimits(),
            topics: [
                NodeMetrics.Topic(
                    name: "/rialto/1/main/nvidia",
                    meshPeerCount: 6,
                    subscriberCount: 9,
                    receivedCount: 12,
                    publishedCount: 3
                )
            ],
            records: [NodeMetrics.Records(kind: .offer, topic: "/rialto/1/main/nvidia", count: 2)],
            protocolCount: 7,
            sync: SyncCounters()
        )
    }

    static func connection(_ peer: PeerID, from address: IPAddress = IPAddress(203, 0, 113, 7)) -> ConnectionInfo {
        ConnectionInfo(
            id: ConnectionID(rawValue: 1),
            peer: peer,
            direction: .inbound,
            local: Endpoint(address: IPAddress(192, 0, 2, 1), port: 4180),
            remote: Endpoint(address: address, port: 5_000),
            openedAt: .zero
        )
    }
}
