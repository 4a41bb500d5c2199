internal import Identity
internal import Primitives

/// The peers that one lookup has heard of, by the numbers under which its `Lookup` knows them.
struct LookupContacts: Sendable {
    private(set) var peers: [KademliaPeer] = []
    private(set) var keys: [KademliaKey] = []
    private var ids: [PeerID: ContactID] = [:]
    private var siteCounts: [IPPrefix: Int] = [:]

    func peer(_ contact: ContactID) -> KademliaPeer { peers[Int(contact.rawValue)] }

    func peer(named id: PeerID) -> KademliaPeer? { ids[id].map(peer) }

    /// The number of a peer; `nil` when there are enough of its network, or of all.
    ///
    /// A peer that was named before is known by its first names and new ones: whoever names it first must not be able to hide it
    /// behind a wrong address.
    mutating func contact(for peer: KademliaPeer) -> ContactID? {
        if let known = ids[peer.id] {
            let added = peer.addresses.filter { !peers[Int(known.rawValue)].addresses.contains($0) }
            if !added.isEmpty {
                let addresses = peers[Int(known.rawValue)].addresses + added
                peers[Int(known.rawValue)] = KademliaPeer(id: peer.id, addresses: addresses)
            }
            return known
        }
        guard peers.count < KademliaLimits.lookupContactCountMax else { return nil }
        if let site = Self.site(of: peer) {
            guard siteCounts[site, default: 0] < KademliaLimits.lookupSiteCountMax else { return nil }
            siteCounts[site, default: 0] += 1
        }
        let contact = ContactID(rawValue: UInt32(peers.count))
        peers.append(peer)
        keys.append(KademliaKey(hashing: peer.id.bytes))
        ids[peer.id] = contact
        return contact
    }

    /// The IPv4 /24 or IPv6 /48 of a peer's first public address.
    private static func site(of peer: KademliaPeer) -> IPPrefix? {
        let hosts = peer.addresses.lazy.compactMap(\.host)
        guard let host = hosts.first(where: { !$0.isExemptFromNetworkLimits })?.unmapped else { return nil }
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
