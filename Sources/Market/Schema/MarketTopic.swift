/// A gossip topic of the market: its grammar is the filter for what a node follows and holds.
public struct MarketTopic: Hashable, Sendable {
    /// Longer than every topic of this grammar.
    public static let byteCountMax = 128

    public enum Lane: Hashable, Sendable {
        /// What the segment's providers offer, lease and receipt, and what others attest of them: `o`.
        case offers(Segment)
        /// Requests and public bids for one class: `r`.
        case requests(MarketClass)
        /// Proofs and conflicts: `p`.
        case proofs
    }

    public let network: String
    public let profile: MarketProfile
    public let lane: Lane

    public init(network: String, profile: MarketProfile = .first, lane: Lane) {
        precondition(NetworkName.isValid(network), "\(network) is no network name")
        (self.network, self.profile, self.lane) = (network, profile, lane)
    }

    /// Reads a topic; `nil` unless it is spelled exactly as `text` spells it.
    public init?(text: String) {
        guard text.utf8.count <= Self.byteCountMax else { return nil }
        let parts = text.split(separator: "/", maxSplits: 8, omittingEmptySubsequences: false).map(String.init)
        let profile = MarketProfile.first
        guard parts.count >= 5, parts[0].isEmpty, parts[1] == "rialto", NetworkName.isValid(parts[2]),
            parts[4] == String(profile.version)
        else { return nil }
        let lane: Lane
        switch (parts[3], parts.count) {
        case ("o", 7):
            guard let marketClass = MarketClass(name: parts[5]), let shard = Int(parts[6]),
                (0..<1 << profile.shardBits(of: marketClass)).contains(shard), String(shard) == parts[6]
            else { return nil }
            lane = .offers(Segment(marketClass: marketClass, shard: shard))
        case ("r", 6):
            guard let marketClass = MarketClass(name: parts[5]) else { return nil }
            lane = .requests(marketClass)
        case ("p", 5): lane = .proofs
        case (_, _): return nil
        }
        self.init(network: parts[2], profile: profile, lane: lane)
    }

    public var text: String {
        switch lane {
        case .offers(let segment):
            "/rialto/\(network)/o/\(profile.version)/\(segment.name)"
        case .requests(let marketClass): "/rialto/\(network)/r/\(profile.version)/\(marketClass.name)"
        case .proofs: "/rialto/\(network)/p/\(profile.version)"
        }
    }
}

extension MarketProfile {
    /// Whether one of the lanes that may carry a record is wanted: its own, except that a request is welcome with each class that
    /// it names, and a storefront, which only the DHT keeps, nowhere.
    public func carries(_ record: SignedRecord, in isWanted: (MarketTopic.Lane) -> Bool) -> Bool {
        switch record.kind {
        case .request:
            guard case .request(let body) = record.record.body else { return false }
            return body.classes.contains { isWanted(.requests($0)) }
        case .storefront: return false
        case .machine, .offer, .presence, .withdrawal, .conflict, .bid, .lease, .leaseState, .receipt,
            .countersignature, .attestation, .proof:
            return isWanted(lane(of: record))
        }
    }

    /// The lane in which a record is kept and published; of a request that of its lowest class.
    public func lane(of record: SignedRecord) -> MarketTopic.Lane {
        switch record.subject.kind {
        case .machine, .offer, .presence, .withdrawal, .lease, .leaseState, .receipt, .countersignature, .attestation,
            .storefront:
            .offers(segment(of: record.marketClass, shardByte: record.shardByte))
        case .request, .bid: .requests(record.marketClass)
        case .conflict, .proof: .proofs
        }
    }

    /// The topic that carries a record.
    public func topic(of record: SignedRecord, network: String) -> String {
        MarketTopic(network: network, profile: self, lane: lane(of: record)).text
    }

    /// Every topic of the market, in a fixed order: what a node with the whole market follows.
    public func topics(network: String) -> [String] {
        lanes.map { MarketTopic(network: network, profile: self, lane: $0).text }
    }

    /// Every lane of the market in the order of its topics: a lane's place in it is its number on the wire.
    public var lanes: [MarketTopic.Lane] {
        segments.map(MarketTopic.Lane.offers) + MarketClass.allCases.sorted().map(MarketTopic.Lane.requests) + [.proofs]
    }
}
