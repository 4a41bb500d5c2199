internal import Identity
internal import Kademlia
internal import OrderedCollections
internal import Primitives
internal import Swarm

/// Whether the node serves the hash table or only asks it: a server that nobody can dial holds up everybody's searches.
///
/// A node counts as reachable if the operator announced an address, or if a witness is connected or was within the hour: a peer
/// that dialled us, or one that we dialled and that sees us at an address that we listen on, so that no translator stands between us and
/// its network; its word counts only for the scope of addresses that it is in itself. libp2p's AutoNAT would ask others to try; these
/// facts cost nobody a dial.
struct TableMode: Sendable {
    /// Between two changes: others learn of each by identify, and their tables follow (libp2p/specs, kad-dht, "Client and server mode").
    static let changeInterval = Duration.seconds(600)
    /// How long a witness counts after it has gone.
    static let witnessLifetime = Duration.seconds(3_600)
    static let witnessCountMax = 1_024

    private(set) var mode = KademliaMode.client
    private let isAnnounced: Bool
    private var ownAddresses: Set<IPAddress> = []
    private var witnesses: OrderedSet<PeerID> = []
    private var lastWitnessAt: Instant?
    private var changedAt: Instant?

    init(announced: [Multiaddr]) {
        isAnnounced = !announced.isEmpty
    }

    /// When the mode may change although nothing happens; `nil` if it cannot.
    private(set) var nextDeadline: Instant?

    /// The node listens on these addresses: what others merely say that they see may be a translator's.
    mutating func moved(to addresses: [IPAddress], at now: Instant) {
        ownAddresses = Set(addresses.map(\.unmapped))
        settle(at: now)
    }

    /// A peer at `remote` said where it sees us.
    mutating func identified(
        _ peer: PeerID,
        _ direction: Direction,
        at remote: IPAddress,
        observedAt address: Multiaddr?,
        now: Instant
    ) {
        guard direction == .inbound || isWitness(at: remote, observing: address) else { return }
        if witnesses.count < Self.witnessCountMax { witnesses.append(peer) }
        settle(at: now)
    }

    private func isWitness(at remote: IPAddress, observing address: Multiaddr?) -> Bool {
        guard let seen = address?.tcpEndpoint?.address.unmapped else { return false }
        return ownAddresses.contains(seen) && seen.scope == remote.unmapped.scope
    }

    mutating func disconnected(_ peer: PeerID, at now: Instant) {
        guard witnesses.remove(peer) != nil else { return }
        lastWitnessAt = now
        settle(at: now)
    }

    mutating func settle(at now: Instant) {
        let forgottenAt = lastWitnessAt?.advanced(by: Self.witnessLifetime)
        let hasWitness = !witnesses.isEmpty || forgottenAt.map { $0 > now } == true
        let wanted: KademliaMode = !ownAddresses.isEmpty && (isAnnounced || hasWitness) ? .server : .client
        // What is announced is believed without witnesses.
        let isForgetting = witnesses.isEmpty && mode == .server && !isAnnounced
        nextDeadline = isForgetting ? forgottenAt.map { max($0, now) } : nil
        guard wanted != mode else { return }
        if let changedAt, changedAt.advanced(by: Self.changeInterval) > now {
            nextDeadline = changedAt.advanced(by: Self.changeInterval)
            return
        }
        (mode, changedAt) = (wanted, now)
        nextDeadline = nil
        if mode == .server { settle(at: now) }
    }

    func checkInvariants() {
        precondition(witnesses.count <= Self.witnessCountMax)
    }
}
