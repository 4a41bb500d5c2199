public import Cryptography
internal import OrderedCollections

/// What was bid on a request for its renter's eyes alone: the newest bid of each provider.
///
/// A key costs nothing, so whoever was never paid by the renter takes half of the places at most from those who were: cheap words of
/// strangers, however many, push out no provider that has served before.
public struct PrivateBids: Sendable {
    /// Bids of one request that are kept: of more the dearest go.
    public static let countMax = 64
    /// Of those, the strangers' once the others want their places.
    public static let strangerCountMax = countMax / 2

    private let unit: String
    private var bids: OrderedDictionary<Ed25519.PublicKey, SignedRecord> = [:]

    /// No bids yet; those in another unit are worth nothing.
    public init(unit: String) {
        self.unit = unit
    }

    public var count: Int { bids.count }
    /// In the order in which their providers were first heard.
    public var records: [SignedRecord] { Array(bids.values) }

    /// Takes a bid and says whether it is held; `paid` are the providers that the renter has paid, asked for only where places are short.
    public mutating func keep(_ record: SignedRecord, paid: () -> Set<Ed25519.PublicKey>) -> Bool {
        if let known = bids[record.author], known.record.sequence >= record.record.sequence { return true }
        bids[record.author] = record
        guard bids.count > Self.countMax else { return true }
        let paid = paid()
        let strangers = bids.values.filter { !paid.contains($0.author) }
        let rivals =
            strangers.count > Self.strangerCountMax ? strangers : bids.values.filter { paid.contains($0.author) }
        guard let dearest = rivals.max(by: { price($0) < price($1) }) else { return true }
        bids[dearest.author] = nil
        return dearest.author != record.author
    }

    /// What a bid asks for all its GPUs.
    private func price(_ record: SignedRecord) -> Int64 {
        guard case .bid(let body) = record.record.body, body.unit == unit else { return .max }
        let (whole, overflows) = body.gpuHourMicros.multipliedReportingOverflow(by: Int64(body.count))
        return overflows ? .max : whole
    }
}
