/// "I am here": a provider vouches for its offers of one class for the next 30 minutes.
///
/// The provider's key and the class name the segment, so the segment is not repeated.
public struct PresenceBody: Hashable, Sendable {
    public enum Bounds {
        /// What admission keeps of one author, kind and segment.
        public static let offerCountMax = 64
        public static let digestByteCount = 16
        public static let addressCountMax = 8
        public static let addressByteCountMax = 128
    }

    public var marketClass: MarketClass
    /// The highest sequence of the provider's records that this presence speaks for.
    public var highSequence: UInt64
    /// How many live offers the provider has in the segment; zero says goodbye.
    public var offerCount: Int
    /// The offers' digest (`OfferDigest`), 16 bytes; empty exactly if there are none.
    public var offerDigest: [UInt8]
    /// Binary multiaddrs, ascending by bytes, unique.
    public var addresses: [[UInt8]]

    public init(
        marketClass: MarketClass,
        highSequence: UInt64,
        offerCount: Int,
        offerDigest: [UInt8],
        addresses: [[UInt8]]
    ) {
        self.marketClass = marketClass
        self.highSequence = highSequence
        self.offerCount = offerCount
        self.offerDigest = offerDigest
        self.addresses = addresses
    }
}
