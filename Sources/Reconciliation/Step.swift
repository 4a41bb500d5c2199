internal import OrderedCollections

extension RangeReconciliation {
    /// One message worked through, range by range, into the next.
    struct Step {
        private(set) var writer = ReconciliationWriter()
        private(set) var surplus: [ItemID] = []
        private(set) var missing: [Sighting] = []
        private let index: ReconciliationIndex
        private let isAsker: Bool
        private let byteCountMax: Int
        /// The bound of ranges that agree and are not yet said to be skipped: neighbours are skipped in one.
        private var skipped: RangeBound?

        init(
            _ message: Span<UInt8>,
            _ index: ReconciliationIndex,
            from timestamp: UInt64,
            isAsker: Bool,
            byteCountMax: Int
        ) throws(ReconciliationError) {
            guard message.count <= messageByteCountMax else { throw .tooLong }
            let ranges = try ReconciliationMessage.parse(message)
            (self.index, self.isAsker) = (index, isAsker)
            self.byteCountMax = min(byteCountMax, messageByteCountMax)
            var since = timestamp
            var lower = index.position(of: RangeBound(timestamp: timestamp, prefix: .zero, prefixByteCount: 0))
            for range in ranges {
                // A bound below our first element of interest covers nothing of ours.
                let upper = max(lower, index.position(of: range.upperBound))
                guard take(range, lower..<upper, since: since) else { break }
                lower = upper
                since = max(since, range.upperBound.timestamp)
            }
        }

        /// Whether the next range may follow: the message has room.
        private mutating func take(_ range: ReconciliationRange, _ ours: Range<Int>, since: UInt64) -> Bool {
            switch range.claim {
            case .skip: skipped = range.upperBound
            case .fingerprint(let theirs):
                guard index.sum(in: ours).fingerprint == theirs else {
                    return divide(ours, upTo: range.upperBound)
                }
                skipped = range.upperBound
            case .ids(let theirs):
                guard isAsker else {
                    return list(ours, upTo: range.upperBound)
                }
                compare(theirs, ours, since: since)
                skipped = range.upperBound
            }
            return true
        }

        private mutating func compare(_ theirs: [ItemID], _ ours: Range<Int>, since: UInt64) {
            var unknown = OrderedSet(theirs)
            for item in index.items(in: ours) where unknown.remove(item.id) == nil { surplus.append(item.id) }
            missing += unknown.map { Sighting(id: $0, since: since) }
        }

        /// Says all ids of a range, as many as the message has room for; the rest is asked for again.
        private mutating func list(_ ours: Range<Int>, upTo upper: RangeBound) -> Bool {
            writeSkipped()
            // Ranges without an id take room too.
            guard writer.bytes.count <= byteCountMax - reserveByteCount else {
                writer.append(.infinity, .fingerprint(index.sum(in: ours.lowerBound..<index.count).fingerprint))
                return false
            }
            let room = max(0, byteCountMax - reserveByteCount - writer.bytes.count) / ItemID.byteCount
            // One more than can be said tells where to go on: who asks for everything must not make us walk through it.
            let items = index.items(in: ours.lowerBound..<min(ours.upperBound, ours.lowerBound + room + 1))
            if items.count <= room {
                writer.append(upper, .ids(items.map(\.id)))
                return true
            }
            writer.append(RangeBound(at: items[room]), .ids(items[..<room].map(\.id)))
            writer.append(.infinity, .fingerprint(index.sum(in: ours.lowerBound + room..<index.count).fingerprint))
            return false
        }

        /// Divides a range that differs if there is room; else the fingerprint of all that is left ends the message.
        private mutating func divide(_ ours: Range<Int>, upTo upper: RangeBound) -> Bool {
            writeSkipped()
            let before = writer
            if isAsker {
                inquire(about: ours, of: index, upTo: upper, into: &writer)
            } else {
                split(ours, of: index, upTo: upper, into: &writer)
            }
            guard writer.bytes.count > byteCountMax - reserveByteCount else { return true }
            writer = before
            writer.append(.infinity, .fingerprint(index.sum(in: ours.lowerBound..<index.count).fingerprint))
            return false
        }

        private mutating func writeSkipped() {
            guard let bound = skipped else { return }
            writer.append(bound, .skip)
            skipped = nil
        }
    }
}
