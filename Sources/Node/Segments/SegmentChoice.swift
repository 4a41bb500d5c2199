internal import Market
internal import OrderedCollections
internal import Primitives

/// Which segments a node follows, and why: those of its interest, one of custody, and those that it has dealings in.
///
/// Dealings are what the node itself does there: an offer, a lease, a request, a search that is watched. What they need is followed for
/// a while beyond them, so that a book is not dropped and fetched again with each.
struct SegmentChoice: Sendable {
    /// How long a segment is followed after it was last needed: longer than any pause between two looks of a person.
    static let rest = Duration.seconds(600)
    /// How often dealings are looked at.
    static let interval = Duration.seconds(60)

    /// `nil` for the whole market.
    let interest: Set<Segment>?
    /// `nil` for a node that keeps nothing for others.
    private let custody: SegmentCustody?
    private var needed: OrderedDictionary<Segment, Instant> = [:]
    /// When it is to be weighed again; `nil` while that changes nothing.
    private(set) var nextDeadline: Instant?

    init(interest: Set<Segment>?, custody: SegmentCustody?) {
        (self.interest, self.custody) = (interest, interest == nil ? nil : custody)
    }

    /// Whether there is anything to choose.
    var isPartial: Bool { interest != nil }

    /// What is needed now is followed, and for a while longer; at most as much as the market has.
    mutating func need(_ segments: some Sequence<Segment>, at now: Instant) {
        guard let interest else { return }
        for segment in segments where !interest.contains(segment) { needed[segment] = now.advanced(by: Self.rest) }
    }

    /// What is to be followed from now on; `nil` for the whole market.
    mutating func weigh(unixMilliseconds: Int64, at now: Instant) -> Set<Segment>? {
        guard let interest else { return nil }
        needed.removeAll { $0.value <= now }
        nextDeadline = custody == nil && needed.isEmpty ? nil : now.advanced(by: Self.interval)
        var followed = interest.union(needed.keys)
        if let custody { followed.insert(custody.turn(at: unixMilliseconds).segment) }
        return followed
    }

    /// The strongest of the reasons for which a segment is followed.
    func reason(for segment: Segment) -> NodeStatus.FollowedSegment.Reason {
        if interest?.contains(segment) ?? true { return .interest }
        return needed[segment] == nil ? .custody : .dealings
    }
}
