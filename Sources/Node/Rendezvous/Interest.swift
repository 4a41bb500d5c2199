internal import Identity
internal import Market

/// What a node may be found by: a segment that it follows, or the whole market.
enum Interest: Hashable, Sendable {
    case market
    case segment(Segment)

    /// Keys of each: twenty peer ids ground to lie around one key hide an eighth.
    static let replicaCount = 8

    /// Everything that the peers of a profile may be found by; the whole market first.
    static func all(of profile: MarketProfile) -> [Interest] { [.market] + profile.segments.map(Interest.segment) }

    /// Every key under which a node of this network may say that it is there.
    static func allKeys(network: String) -> Set<[UInt8]> {
        let profile = MarketProfile.first
        return Set(
            all(of: profile).flatMap { interest in
                (0..<replicaCount).map { interest.key($0, network: network, profile: profile) }
            }
        )
    }

    /// The key of one replica in the hash table: SHA-256 of
    /// `/rialto-segment/<network>/<profile>/<class>/<shard>/<replica>`, or with `all` for class and shard, as a multihash.
    func key(_ replica: Int, network: String, profile: MarketProfile) -> [UInt8] {
        let name =
            switch self {
            case .market: "all"
            case .segment(let segment): segment.name
            }
        let text = "/rialto-segment/\(network)/\(profile.version)/\(name)/\(replica)"
        return Multihash(sha256: Array(text.utf8)).bytes
    }
}
