internal import Cryptography
internal import Primitives

extension PresenceBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let marketClass: MarketClass = try message.value(1, "presence.class") else {
            throw .missing("presence.class")
        }
        self.init(
            marketClass: marketClass,
            highSequence: try message.uint(2).opaque,
            offerCount: try message.int(3, "presence.offer_count", in: 0...Bounds.offerCountMax),
            offerDigest: try message.bytes(4, "presence.offer_digest", max: Bounds.digestByteCount),
            addresses: try message.repeated(
                5,
                "presence.addresses",
                countMax: Bounds.addressCountMax,
                max: Bounds.addressByteCountMax
            )
        )
    }

    func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(marketClass.rawValue))
        writer.varint(2, highSequence)
        writer.varint(3, UInt64(offerCount))
        writer.bytes(4, offerDigest)
        for address in addresses { writer.bytes(5, address) }
    }

    /// Checks every bound, for what we sign as for what we read.
    func check() throws(RecordError) {
        guard highSequence <= Record.Bounds.sequenceMax else { throw .outOfBounds("presence.high_sequence") }
        try checkBound(offerCount, "presence.offer_count", max: Bounds.offerCountMax)
        let digestByteCount = offerCount == 0 ? 0 : Bounds.digestByteCount
        guard offerDigest.count == digestByteCount else { throw .contradiction("presence.offer_digest") }
        guard addresses.count <= Bounds.addressCountMax,
            addresses.allSatisfy({ (1...Bounds.addressByteCountMax).contains($0.count) })
        else { throw .outOfBounds("presence.addresses") }
        guard isStrictlyAscending(addresses, by: { $0.lexicographicallyPrecedes($1) }) else {
            throw .unsorted("presence.addresses")
        }
    }
}

/// What a presence says about its provider's offers, so that a listener notices what it missed.
public struct OfferDigest: Hashable, Sendable {
    public let count: Int
    /// The first 16 bytes of SHA-256 over the offers' record ids in ascending order; empty if there are none.
    public let digest: [UInt8]

    /// The digest alone, of offers given in any order.
    public static func digest(of offers: [SignedRecord]) -> [UInt8] {
        OfferDigest(of: offers.map(\.id)).digest
    }

    /// Count and digest of a set of offers, given in any order.
    public init(of records: [RecordID]) {
        count = records.count
        let ids = records.sorted().flatMap(\.bytes)
        digest = ids.isEmpty ? [] : Array(SHA256.hash(ids).prefix(PresenceBody.Bounds.digestByteCount))
    }
}
