public import Primitives

/// From how far away an address can be reached, from the narrowest to the widest.
public enum AddressScope: Hashable, Sendable, Comparable {
    /// This machine.
    case loopback
    /// This cable or radio cell.
    case linkLocal
    /// This home, laboratory or provider network.
    case privateNetwork
    case global
}

extension IPAddress {
    /// The scope of a host's address; `nil` for what is no single host: unspecified, multicast, reserved.
    public var scope: AddressScope? {
        if isUnspecified || isMulticast || isReserved { return nil }
        if isLoopback { return .loopback }
        if isLinkLocal { return .linkLocal }
        return isPrivate ? .privateNetwork : .global
    }

    /// Whether this address may be dialled when the peer at `source` told us of it.
    ///
    /// Else a stranger could point us at services of our own machine or network. A peer that is itself within a scope may tell
    /// of addresses in it and in wider ones: a peer on our cable knows our network as we do. `nil` as the source means the
    /// operator's own configuration.
    public func isDialable(learnedFrom source: IPAddress?) -> Bool {
        guard let scope else { return false }
        guard scope != .global, let source else { return true }
        guard let sourceScope = source.scope else { return false }
        return sourceScope <= scope
    }

    /// Somebody in no network of ours: an address of the documentation range, global and nobody's (RFC 5737).
    public static let farAway = IPAddress(192, 0, 2, 1)
}

extension Multiaddr {
    /// Whether this address may be followed when the peer at `source` told us of it; `nil` means the operator.
    ///
    /// For a relayed address the relay's is judged. A name passes here and its addresses are judged after resolution, by
    /// `IPAddress.isDialable`. Port 0 and transports that we do not speak never pass.
    public func isDialable(learnedFrom source: IPAddress?) -> Bool {
        switch dialTarget {
        case .endpoint(let endpoint): endpoint.address.isDialable(learnedFrom: source)
        case .name, .addressList: true
        // The relay's address has no circuit of its own: at most one is allowed.
        case .relayed(let relay): relay.isDialable(learnedFrom: source)
        case .unsupported: false
        }
    }
}

extension Sequence<Multiaddr> {
    /// At most `countMax` of the addresses: those that anybody can follow go before those of a machine or a home.
    ///
    /// Else a host with many bridges would be known by nothing but these.
    public func widest(_ countMax: Int) -> [Multiaddr] {
        let all = Array(self)
        guard all.count > countMax else { return all }
        let isWide = all.map { $0.isDialable(learnedFrom: .farAway) }
        let order = all.indices.filter { isWide[$0] } + all.indices.filter { !isWide[$0] }
        return order.prefix(countMax).map { all[$0] }
    }
}
