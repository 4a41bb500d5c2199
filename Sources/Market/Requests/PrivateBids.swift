public import Cryptography
internal import OrderedCollections

/// What was bid on a request for its renter's eyes alone: the newest bid of each provider.
///
/// A key costs nothing, an address a little, and money most. So whoever was never paid by the renter takes half of the places at most from
/// those who were; and of either the network that has most of them gives way, so that one host with many keys pushes out no bid from
/// elsewhere, however cheap its words are.
public struct PrivateBids: Sendable {
    /// Bids of one request that are kept: of more the dearest go.
    public static let countMax = 64
    /// Of those, the strangers' once the others want their places.
    public static let strangerCountMax = countMax / 2

    private struct Kept: Sendable {
        let record: SignedRecord
        /// Stands for where the provider was when it bid.
        let network: UInt64
    }

    private let unit: String
    private var bids: OrderedDictionary<Ed25519.PublicKey, Kept> = [:]

    /// No bids yet; those in another unit are worth nothing.
    public init(unit: String) {
        self.unit = unit
    }

    public var count: Int { bids.count }
    /// In the order in which their providers were first heard.
    public var records: [SignedRecord] { bids.values.map(\.record) }

    /// What stands for the network of a provider whose bid is kept.
    public func network(of provider: Ed25519.PublicKey) -> UInt64? { bids[provider]?.network }

    /// Takes a bid and says whether it is held; `paid` are the providers that the renter has paid, asked for only where places are short.
    public mutating func keep(
        _ record: SignedRecord,
        from network: UInt64,
        paid: () -> Set<Ed25519.PublicKey>
    ) -> Bool {
        if let known = bids[record.author], known.record.record.sequence >= record.record.sequence { return true }
        bids[record.author] = Kept(record: record, network: network)
        guard bids.count > Self.countMax else { return true }
        let paid = paid()
        let strangers = bids.values.filter { !paid.contains($0.record.author) }
        let rivals =
            strangers.count > Self.strangerCountMax
            ? strangers : bids.values.filter { paid.contains($0.record.author) }
        let sizes = Dictionary(rivals.map { ($0.network, 1) }, uniquingKeysWith: +)
        let most = sizes.values.max()
        let crowd = rivals.filter { sizes[$0.network] == most }
        guard let dearest = crowd.max(by: { price($0.record) < price($1.record) }) else { return true }
        bids[dearest.record.author] = nil
        return dearest.record.author != record.author
    }

    /// What a bid asks for all its GPUs.
    private func price(_ record: SignedRecord) -> Int64 {
        guard case .bid(let body) = record.record.body, body.unit == unit else { return .max }
        let (whole, overflows) = body.gpuHourMicros.multipliedReportingOverflow(by: Int64(body.count))
        return overflows ? .max : whole
    }
}
