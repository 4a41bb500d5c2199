internal import Identity
internal import Primitives

/// The peers that one lookup has heard of, by the numbers under which its `Lookup` knows them.
struct LookupContacts: Sendable {
    private(set) var peers: [KademliaPeer] = []
    /// What is said of where each of them is.
    private var words: [NamedAddresses] = []
    private(set) var keys: [KademliaKey] = []
    private var ids: [PeerID: ContactID] = [:]
    /// The first so many are of our own table.
    private var ownCount = 0
    /// How many of each site have answered: a name says nothing of who is there.
    private var siteCounts: [IPPrefix: Int] = [:]

    func peer(_ contact: ContactID) -> KademliaPeer { peers[Int(contact.rawValue)] }

    func peer(named id: PeerID) -> KademliaPeer? { ids[id].map(peer) }

    /// The number of a peer that another one named, and whether it had failed us for want of the addresses that come with this name; `nil`
    /// when there are enough.
    ///
    /// Of a peer of our table the addresses were good: no stranger's word has us ask it twice.
    mutating func contact(namedAs peer: KademliaPeer) -> (contact: ContactID, hasGained: Bool)? {
        guard let known = ids[peer.id] else {
            var words = NamedAddresses()
            _ = words.add(peer.addresses)
            return insert(KademliaPeer(id: peer.id, addresses: words.inTurns), words).map { ($0, false) }
        }
        let index = Int(known.rawValue)
        guard words[index].add(peer.addresses) else { return (known, false) }
        peers[index] = KademliaPeer(id: peer.id, addresses: words[index].inTurns)
        return (known, index >= ownCount)
    }

    /// The number of a peer of our own table; all of these come before those that others name.
    mutating func contact(for peer: KademliaPeer) -> ContactID? {
        if let known = ids[peer.id] { return known }
        ownCount += 1
        return insert(peer, NamedAddresses(own: peer.addresses))
    }

    private mutating func insert(_ peer: KademliaPeer, _ said: NamedAddresses) -> ContactID? {
        guard peers.count < KademliaLimits.lookupContactCountMax else { return nil }
        let contact = ContactID(rawValue: UInt32(peers.count))
        peers.append(peer)
        words.append(said)
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
        var isPlaced = false
        for address in peers[Int(contact.rawValue)].addresses {
            guard let site = address.host.flatMap(Self.site) else { continue }
            guard siteCounts[site, default: 0] >= KademliaLimits.lookupSiteCountMax else { return false }
            isPlaced = true
        }
        return isPlaced
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
        let remote = remote ?? .farAway
        let visible = addresses.filter { $0.isDialable(learnedFrom: remote) }
        return visible.count == addresses.count
            ? self : KademliaPeer(id: id, addresses: visible, connection: connection)
    }
}
