/// Where a provider can be found without gossip; kept in the DHT alone, under its author's peer id.
public struct StorefrontBody: Hashable, Sendable {
    public enum Bounds {
        public static let segmentCountMax = 16
        public static let shardMax = 255
        public static let addressCountMax = PresenceBody.Bounds.addressCountMax
        public static let addressByteCountMax = PresenceBody.Bounds.addressByteCountMax
    }

    /// Ascending, unique, 1…16.
    public var segments: [Segment]
    /// Binary multiaddrs, ascending, unique, at most 8.
    public var addresses: [[UInt8]]

    public init(segments: [Segment], addresses: [[UInt8]]) {
        self.segments = segments
        self.addresses = addresses
    }
}
