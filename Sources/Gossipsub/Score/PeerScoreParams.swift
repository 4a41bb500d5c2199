/// What a peer's score adds up from beside its topics, and what it opens (gossipsub 1.1, "Peer Scoring").
public struct PeerScoreParams: Hashable, Sendable {
    /// The most that all topics together can earn a peer.
    ///
    /// Their losses are not capped, unlike in the specification, because
    /// with its cap after summation silence in one mesh would be free for a peer that is good in six others.
    public var topicScoreCap = 10.0

    /// P5: what the application thinks of the peer, at most `applicationScoreMax`.
    public var applicationWeight = 1.0
    public var applicationScoreMax = 10.0

    /// P6: the square of the surplus of peers that share an IPv4 address or an IPv6 /56.
    public var colocationWeight = -10.0
    public var colocationThreshold = 6

    /// P7: the square of the misbehaviour counter's surplus.
    public var behaviourWeight = -10.0
    public var behaviourThreshold = 6.0
    public var behaviourDecay = Decay.over10Minutes

    /// Below it no gossip is exchanged with the peer.
    public var gossipThreshold = -100.0
    /// Below it the peer gets no own messages from us.
    public var publishThreshold = -300.0
    /// Below it all that the peer sends is ignored.
    public var graylistThreshold = -1000.0
    /// A mesh whose median score is below it looks for better peers.
    public var opportunisticGraftThreshold = 1.0

    /// The factor's period: decays are stated per second.
    public var decayInterval = Duration.seconds(1)
    /// How long a bad score outlives its connection; the longest decay, so that leaving never pays.
    public var retention = Duration.seconds(3600)
    /// Scores of departed peers that are kept; the oldest gives way.
    ///
    /// A departed peer costs about 300 bytes.
    public var retainedCountMax = 4096

    public init() {}

    /// The largest score of a peer, whatever the number of topics.
    public var positiveMax: Double {
        topicScoreCap + applicationWeight * applicationScoreMax
    }

    /// Throws unless every number makes sense and the inequality holds for every topic: the largest positive
    /// sum is smaller than the penalty of staying silent in one mesh.
    public func validate(topics: [TopicScoreParams]) throws(ScoreParamsError) {
        try require(topicScoreCap.isFinite && topicScoreCap >= 0, "topicScoreCap")
        try require(applicationWeight.isFinite && applicationWeight >= 0, "applicationWeight")
        try require(applicationScoreMax.isFinite && applicationScoreMax >= 0, "applicationScoreMax")
        try require(colocationWeight.isFinite && colocationWeight <= 0, "colocationWeight")
        try require(colocationThreshold >= 1, "colocationThreshold")
        try require(behaviourWeight.isFinite && behaviourWeight <= 0, "behaviourWeight")
        try require(behaviourThreshold.isFinite && behaviourThreshold >= 0, "behaviourThreshold")
        try require(behaviourDecay > 0 && behaviourDecay < 1, "behaviourDecay")
        try require(gossipThreshold <= 0 && gossipThreshold.isFinite, "gossipThreshold")
        try require(publishThreshold <= gossipThreshold && publishThreshold.isFinite, "publishThreshold")
        try require(graylistThreshold <= publishThreshold && graylistThreshold.isFinite, "graylistThreshold")
        try require(opportunisticGraftThreshold >= 0, "opportunisticGraftThreshold")
        try require(decayInterval > .zero && retention >= .zero && retainedCountMax >= 0, "retention")
        for topic in topics {
            try topic.validate()
            guard positiveMax < topic.silencePenalty else { throw .silencePays }
        }
    }
}
