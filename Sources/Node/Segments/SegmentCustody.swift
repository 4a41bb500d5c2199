internal import Cryptography
internal import Identity
internal import Market

/// Which segment a node keeps for the sake of all: one that follows from its peer id and the week.
///
/// So a segment that nobody is interested in still has holders, and nobody chooses what to hold.
struct SegmentCustody: Sendable {
    static let weekMilliseconds: Int64 = 7 * 24 * 3_600_000
    private static let domain = Array("rialto-custody".utf8)

    private let peer: [UInt8]
    private let segments: [Segment]
    /// Nodes turn at moments of their own, or each segment would lose all its keepers at once.
    private let offset: Int64

    init(peer: PeerID, profile: MarketProfile) {
        self.peer = peer.bytes
        segments = profile.segments
        offset = Int64(Self.number(Self.domain + peer.bytes) % UInt64(Self.weekMilliseconds))
    }

    /// The segment of the week, and when the next week begins; times in milliseconds since the Unix epoch.
    func turn(at unixMilliseconds: Int64) -> (segment: Segment, until: Int64) {
        let since = min(max(0, unixMilliseconds), .max / 2) + offset
        let week = since / Self.weekMilliseconds
        let weekBytes = stride(from: Int64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: week >> $0) }
        let number = Self.number(Self.domain + peer + weekBytes)
        return (segments[Int(number % UInt64(segments.count))], (week + 1) * Self.weekMilliseconds - offset)
    }

    private static func number(_ bytes: [UInt8]) -> UInt64 {
        SHA256.hash(bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
