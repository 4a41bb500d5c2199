package import Gossipsub
package import Identity
package import Kademlia
package import Primitives
package import Swarm
internal import Yamux

/// What a daemon may choose.
package struct DaemonConfig: Sendable {
    package var listen: [Endpoint] = []
    /// Who is dialled at the start.
    package var bootstrapPeers: [Multiaddr] = []
    package var swarm = DaemonConfig.openSwarm
    /// `nil` without pubsub.
    package var gossip: GossipsubConfig?
    /// `nil` without a hash table.
    package var kademlia: KademliaMode?

    package init() {}

    /// A swarm for whatever programs do with it: connections are not trimmed, and the limits are those of a machine, not of a
    /// market's node.
    private static var openSwarm: SwarmConfig {
        var config = SwarmConfig()
        config.agentVersion = "libp2pd/0.1"
        // The session's keepalive asks already whether a peer is alive.
        config.pings = false
        (config.trimming.lowWater, config.trimming.highWater) = (2048, 2048)
        config.connectionLimits.inboundMax = 1024
        config.connectionLimits.halfOpenMax = 256
        config.resources.system.each.inboundConnections = 1024
        config.resources.system.each.outboundConnections = 1024
        config.resources.system.each.descriptors = 2304
        config.resources.system.connections = 2048
        config.connection.yamux.inboundStreamCountMax = 1024
        config.resources.connection.each.inboundStreams = 1024
        config.resources.connection.streams = 1536
        config.resources.peer.each.inboundStreams = 2048
        config.resources.peer.streams = 3072
        return config
    }

    /// Gossip as go-libp2p's daemon does it: messages of a mebibyte, no score, no peer exchange, no flood of own messages.
    package static var openGossip: GossipsubConfig {
        var config = GossipsubConfig()
        config.rpc.byteCountMax = 1 << 20
        config.floodsOwnMessages = false
        config.exchangesPeers = false
        config.unjoinedTopic = topic
        return config
    }

    /// Signed by their authors, as foreign networks expect, and without a score.
    static let topic = TopicConfig(signatures: .strictSign, score: nil)
}
