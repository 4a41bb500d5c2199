internal import Gossipsub
internal import Market

/// The topics of the market that a node follows: the segments of its choice, the requests of their classes, and all proofs.
struct FollowedTopics: Sendable {
    /// In the order of the profile.
    let topics: [MarketTopic]
    private let lanesByTopic: [Topic: MarketTopic.Lane]
    /// `nil` for the whole market.
    private let lanes: Set<MarketTopic.Lane>?
    /// The places of the followed lanes among all of the profile, ascending.
    let laneNumbers: [Int]

    init(segments: Set<Segment>?, profile: MarketProfile, network: String) {
        let all = profile.topics(network: network).compactMap(MarketTopic.init(text:))
        guard let segments else {
            topics = all
            lanes = nil
            laneNumbers = Array(profile.lanes.indices)
            lanesByTopic = Self.lanes(of: all)
            return
        }
        let classes = Set(segments.map(\.marketClass))
        topics = all.filter { topic in
            switch topic.lane {
            case .offers(let segment): segments.contains(segment)
            case .requests(let marketClass): classes.contains(marketClass)
            case .proofs: true
            }
        }
        let followed = Set(topics.map(\.lane))
        lanes = followed
        laneNumbers = profile.lanes.enumerated().filter { followed.contains($0.element) }.map(\.offset)
        lanesByTopic = Self.lanes(of: topics)
    }

    private static func lanes(of topics: [MarketTopic]) -> [Topic: MarketTopic.Lane] {
        Dictionary(uniqueKeysWithValues: topics.compactMap { topic in Topic(topic.text).map { ($0, topic.lane) } })
    }

    /// What a followed topic carries; `nil` for any other.
    func lane(of topic: Topic) -> MarketTopic.Lane? { lanesByTopic[topic] }

    func contains(_ lane: MarketTopic.Lane) -> Bool { lanes?.contains(lane) ?? true }
}
