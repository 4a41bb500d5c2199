internal import Gossipsub
internal import Primitives
internal import Swarm

extension DaemonConfig {
    /// What the flags ask for.
    package init(_ flags: DaemonFlags) {
        self.init()
        listen = flags.hostAddresses
        swarm.announcedAddresses = flags.announcedAddresses
        bootstrapPeers = flags.hasBootstrap ? flags.bootstrapPeers : []
        if flags.trimsConnections {
            swarm.trimming.lowWater = min(flags.connectionLowWater, flags.connectionHighWater)
            swarm.trimming.highWater = flags.connectionHighWater
            swarm.trimming.grace = flags.connectionGrace
        }
        kademlia = flags.dhtMode
        guard flags.hasPubsub else { return }
        var gossip = DaemonConfig.openGossip
        if let interval = flags.heartbeatInterval { gossip.heartbeatInterval = interval }
        if let first = flags.firstHeartbeat { gossip.firstHeartbeat = first }
        self.gossip = gossip
    }
}
