internal import Identity
internal import Primitives

/// The peers that one lookup has heard of, by the numbers under which its `Lookup` knows them.
struct LookupContacts: Sendable {
    private(set) var peers: [KademliaPeer] = []
    private(set) var keys: [KademliaKey] = []
    private var ids: [PeerID: ContactID] = [:]
    /// How many of each site have answered: a name says nothing of who is there.
    private var siteCounts: [IPPrefix: Int] = [:]

    func peer(_ contact: ContactID) -> KademliaPeer { peers[Int(contact.rawValue)] }

    func peer(named id: PeerID) -> KademliaPeer? { ids[id].map(peer) }

    /// The number of a peer that another one named; `nil` when there are enough.
    ///
    /// A peer that was named before is known by its first names and new ones: whoever names it first must not be able to hide it
    /// behind wrong addresses, so each namer adds a few.
    mutating func contact(namedAs peer: KademliaPeer) -> ContactID? {
        let before = ids[peer.id].map { peers[Int($0.rawValue)].addresses } ?? []
        let added = peer.addresses.filter { !before.contains($0) }.prefix(KademliaLimits.addressesPerNamerMax)
        let merged = KademliaPeer(id: peer.id, addresses: before + added)
        guard let known = ids[peer.id] else { return contact(for: merged) }
        if !added.isEmpty { peers[Int(known.rawValue)] = merged }
        return known
    }

    /// The number of a peer of our own table, or of one that is new; `nil` when there are enough.
    mutating func contact(for peer: KademliaPeer) -> ContactID? {
        guard ids[peer.id] == nil, peers.count < KademliaLimits.lookupContactCountMax else { return ids[peer.id] }
        let contact = ContactID(rawValue: UInt32(peers.count))
        peers.append(peer)
        keys.append(KademliaKey(hashing: peer.id.bytes))
        ids[peer.id] = contact
        return contact
    }

    /// Counts an answer from `source`; `false` when enough of its site have answered before.
    mutating func admitsAnswer(from source: IPAddress?) -> Bool {
        guard let site = source.flatMap(Self.site) else { return true }
        guard siteCounts[site, default: 0] < KademliaLimits.lookupSiteCountMax else { return false }
        siteCounts[site, default: 0] += 1
        return true
    }

    /// Whether a peer can only be where enough have answered.
    func isCrowded(_ contact: ContactID) -> Bool {
        let sites = peer(contact).addresses.compactMap(\.host).compactMap(Self.site)
        return !sites.isEmpty
            && sites.allSatisfy { siteCounts[$0, default: 0] >= KademliaLimits.lookupSiteCountMax }
    }

    /// The IPv4 /24 or IPv6 /48 of a public address.
    private static func site(of address: IPAddress) -> IPPrefix? {
        guard !address.isExemptFromNetworkLimits else { return nil }
        let host = address.unmapped
        return host.prefix(host.isIPv4 ? 24 : 48)
    }
}

extension Multiaddr {
    /// The address of the host that a connection to here would reach, if it is given as one.
    var host: IPAddress? {
        switch dialTarget {
        case .endpoint(let endpoint): endpoint.address
        case .name, .addressList, .relayed, .unsupported: nil
        }
    }
}

extension KademliaPeer {
    /// The network to which the peer is counted: that of its connection, else of its first public address.
    func group(connectedFrom source: IPAddress?) -> IPGroup {
        if let source { return IPGroup(source) }
        let groups = addresses.lazy.compactMap(\.host).map { IPGroup($0) }
        return groups.first { !$0.isExempt } ?? .exempt
    }

    /// This peer with the addresses that may pass between us and the host at `remote`, in either direction.
    ///
    /// Nobody far away is told of, or tells us of, addresses of a machine or a home; a host whose address is not known counts as
    /// far away.
    func visible(from remote: IPAddress?) -> KademliaPeer {
        let remote = remote ?? Self.farAway
        let visible = addresses.filter { $0.isDialable(learnedFrom: remote) }
        return visible.count == addresses.count
            ? self : KademliaPeer(id: id, addresses: visible, connection: connection)
    }

    /// An address of the documentation range: global, and nobody's (RFC 5737).
    private static let farAway = IPAddress(192, 0, 2, 1)
}
