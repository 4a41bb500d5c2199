public import Identity
public import Market

// Where things stand in the hash table, and who keeps what: anybody can compute it, so whoever studies attacks can too.
extension NodeMachine {
    /// The keys under which a provider's storefront stands, in the order in which they are asked for.
    public static func storefrontKeys(of peer: PeerID) -> [[UInt8]] {
        (0..<StorefrontValues.replicaCount).map { StorefrontValues.key(of: peer, replica: $0) }
    }

    /// The keys under which nodes that follow a segment, or with `nil` the whole market, advertise themselves.
    public static func rendezvousKeys(of segment: Segment?, network: String) -> [[UInt8]] {
        let interest = segment.map(Interest.segment) ?? .market
        return (0..<Interest.replicaCount).map { interest.key($0, network: network, profile: .first) }
    }

    /// The segment that a peer keeps for the sake of all at this time, in milliseconds since the Unix epoch.
    public static func custody(of peer: PeerID, at unixMilliseconds: Int64) -> Segment {
        SegmentCustody(peer: peer, profile: .first).turn(at: unixMilliseconds).segment
    }
}
