public import Gossipsub
public import Identity
public import Kademlia
public import Market
public import Primitives
public import Swarm

/// What an operator decides about a node.
public struct NodeConfig: Sendable {
    /// The network's name: it stands in every record, every topic and the hash table's protocol, so that two networks never merge by
    /// accident.
    public var network = "main"
    /// Sockets to listen on; an unspecified address means every interface.
    public var listen: [Endpoint]
    /// Peers to be in touch with for ever.
    public var seeds: [Multiaddr]
    /// How long what this node publishes lives unless it is renewed, which happens at half of it (at most 24 h).
    public var recordLifetime = Duration.seconds(24 * 3600)
    /// How often a provider says that it is there.
    public var presenceInterval = Duration.seconds(600)
    /// How often a node compares all that it holds with a peer, besides on every new connection; the newest presences are compared
    /// every ten seconds.
    public var reconcileInterval = Duration.seconds(120)
    /// What stands for this machine and home; a store that knows another one has been copied.
    ///
    /// `nil` where nobody can tell.
    public var hostID: [UInt8]?
    /// How often the node looks for a few providers, to attest that they answer; `nil` for never.
    public var probeInterval: Duration?
    /// The segments to follow, store and reconcile; `nil` for the whole market.
    ///
    /// Beside them the node follows what it has dealings in: its own offers, leases and requests, and searches that are watched.
    public var followedSegments: Set<Segment>?
    /// Whether a node of some segments keeps one more for the sake of all, another one each week.
    public var keepsCustody = true
    /// Who keeps the connections; whoever is not a socket's driver says so here.
    public var swarmSeat = SwarmSeat.machine

    /// The part of this node in the distributed hash table, by which it finds peers; `nil` for none.
    public var kademlia: NodeKademlia? = NodeKademlia()

    /// Whether the node tells its local network of itself and looks for others there, by multicast DNS.
    public var usesMulticastDNS = false

    /// What a provider's policy says; `setLeasePolicy` replaces it.
    public var leases = LeasePolicy()

    /// Whom the settings shut out, beside the bans that the node keeps itself, and whom no ban meets.
    public var banned: [Ban] = []
    public var allowed: [BanTarget] = []

    @Shared public var swarm = SwarmConfig()
    @Shared public var gossip = GossipsubConfig()
    @Shared public var book = RecordBookConfig()

    public init(listen: [Endpoint], seeds: [Multiaddr] = []) {
        self.listen = listen
        self.seeds = seeds
    }

    /// The swarm's, which says in identify of which network the node is.
    package var namedSwarm: SwarmConfig {
        var named = swarm
        named.protocolVersion = NetworkProtocols(network).family
        return named
    }

    var desk: DeskConfig {
        DeskConfig(network: network, recordLifetime: recordLifetime, presenceInterval: presenceInterval)
    }
}

/// How a node takes part in a distributed hash table.
public struct NodeKademlia: Sendable {
    /// What stands before `/kad/1.0.0` in the protocol's name; `nil` for the network's own, `/rialto/NETWORK`, so that no table holds peers
    /// of two networks; `/ipfs` speaks with foreign peers.
    public var prefix: String?
    /// Its seeds come from the node's own, its mode from `mode`.
    public var config = KademliaConfig()
    /// `nil`: a server as long as others can reach the node (``TableMode``).
    public var mode: KademliaMode?

    public init() {
        // Advertisements age faster than the content of other networks: hourly, for three hours.
        config.provideInterval = .seconds(3_600)
        config.providerExpiry = .seconds(3 * 3_600)
        // Until it is said again, and some more: nobody asks on for the addresses of whom a key names.
        config.providerAddressExpiry = .seconds(5_400)
    }

    /// The protocol's name in a network.
    package func protocolName(in network: String) -> String {
        (prefix ?? NetworkProtocols(network).prefix) + "/kad/1.0.0"
    }
}
