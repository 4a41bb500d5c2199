internal import Gossipsub
internal import Market

/// The topics of the market that a node follows: the segments of its choice, the requests of their classes, and all proofs.
struct FollowedTopics: Sendable {
    /// `nil` for the whole market.
    let segments: Set<Segment>?
    /// In the order of the profile.
    let topics: [MarketTopic]
    /// The same as gossip knows them.
    let names: [Topic]
    private let lanesByTopic: [Topic: MarketTopic.Lane]
    /// `nil` for the whole market.
    private let lanes: Set<MarketTopic.Lane>?
    /// The places of the followed lanes among all of the profile, ascending.
    let laneNumbers: [Int]

    init(segments: Set<Segment>?, profile: MarketProfile, network: String) {
        let classes = segments.map { Set($0.map(\.marketClass)) }
        let numbered = profile.lanes.enumerated().filter { _, lane in
            switch lane {
            case .offers(let segment): segments?.contains(segment) ?? true
            case .requests(let marketClass): classes?.contains(marketClass) ?? true
            case .proofs: true
            }
        }
        self.segments = segments
        lanes = segments == nil ? nil : Set(numbered.map(\.element))
        laneNumbers = numbered.map(\.offset)
        topics = numbered.map { MarketTopic(network: network, profile: profile, lane: $0.element) }
        names = topics.map { topic in
            guard let name = Topic(topic.text) else {
                preconditionFailure("the profile's topics are within gossipsub's bound")
            }
            return name
        }
        lanesByTopic = Dictionary(uniqueKeysWithValues: zip(names, topics.map(\.lane)))
    }

    /// What a followed topic carries; `nil` for any other.
    func lane(of topic: Topic) -> MarketTopic.Lane? { lanesByTopic[topic] }

    func contains(_ lane: MarketTopic.Lane) -> Bool { lanes?.contains(lane) ?? true }
}
