internal import Primitives

extension StorefrontBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        var segments: [Segment] = []
        for bytes in try message.repeated(1, "storefront.segments", countMax: Bounds.segmentCountMax, max: 16) {
            let segment = try ParsedMessage(bytes)
            guard let marketClass: MarketClass = try segment.value(1, "segment.class") else {
                throw .missing("segment.class")
            }
            let shard = try segment.int(2, "segment.shard", in: 0...Bounds.shardMax)
            segments.append(Segment(marketClass: marketClass, shard: shard))
        }
        self.init(
            segments: segments,
            addresses: try message.repeated(
                2,
                "storefront.addresses",
                countMax: Bounds.addressCountMax,
                max: Bounds.addressByteCountMax
            )
        )
    }

    func write(to writer: inout ProtobufWriter) {
        for segment in segments {
            writer.message(1) {
                $0.varint(1, UInt64(segment.marketClass.rawValue))
                $0.varint(2, UInt64(segment.shard))
            }
        }
        for address in addresses { writer.bytes(2, address) }
    }

    /// Checks every bound, for what we sign as for what we read.
    func check() throws(RecordError) {
        guard (1...Bounds.segmentCountMax).contains(segments.count) else { throw .outOfBounds("storefront.segments") }
        for segment in segments { try checkBound(segment.shard, "segment.shard", max: Bounds.shardMax) }
        guard isStrictlyAscending(segments, by: <) else { throw .unsorted("storefront.segments") }
        guard addresses.count <= Bounds.addressCountMax,
            addresses.allSatisfy({ (1...Bounds.addressByteCountMax).contains($0.count) })
        else { throw .outOfBounds("storefront.addresses") }
        guard isStrictlyAscending(addresses, by: { $0.lexicographicallyPrecedes($1) }) else {
            throw .unsorted("storefront.addresses")
        }
    }
}
