internal import Identity
internal import OrderedCollections
internal import Primitives

/// How far the clocks of connected peers are from ours, by what they say when they compare books; ours never follows them.
///
/// Bitcoin Core removed its peer-adjusted time in 2024 (pull request 28956) and only warns: whoever can set a node's clock can make it
/// accept what is over and refuse what is valid.
struct PeerClocks: Sendable {
    /// More peers than are ever connected.
    static let countMax = 1_024

    private var offsets: OrderedDictionary<PeerID, Int64> = [:]

    /// What a peer's clock said, and ours when we heard it, both in Unix milliseconds.
    mutating func heard(_ time: Int64, from peer: PeerID, at now: Int64) {
        guard offsets[peer] != nil || offsets.count < Self.countMax else { return }
        let (offset, overflow) = time.subtractingReportingOverflow(now)
        if !overflow { offsets[peer] = offset }
    }

    /// Our clock was set: what peers have told counts against the new time.
    mutating func stepped(by milliseconds: Int64) {
        guard milliseconds != 0 else { return }
        for index in offsets.values.indices {
            offsets.values[index] = offsets.values[index].subtractingSaturated(milliseconds)
        }
    }

    mutating func forget(_ peer: PeerID) { offsets[peer] = nil }

    /// The median of the offsets of these peers in milliseconds, theirs minus ours, and how many told theirs.
    func median(of peers: [PeerID]) -> (milliseconds: Int64, count: Int)? {
        let known = peers.compactMap { offsets[$0] }.sorted()
        return known.isEmpty ? nil : (known[known.count / 2], known.count)
    }
}
