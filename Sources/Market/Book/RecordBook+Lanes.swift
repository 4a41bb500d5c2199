public import Cryptography
public import Reconciliation

// What the book holds of one lane: what two nodes compare.
extension RecordBook {
    /// The lane's records, ordered by the millisecond of their expiry and then by id; kept with every change.
    public func index(of lane: MarketTopic.Lane) -> ReconciliationIndex {
        indexes[shelf(of: lane)] ?? ReconciliationIndex()
    }

    /// The newest records of an author, highest sequence first: all that fit within so many records and bytes.
    public func newestRecords(of author: Ed25519.PublicKey, countMax: Int, byteCountMax: Int) -> [SignedRecord] {
        let own = held(of: author).flatMap { [$0.record, $0.rival].compactMap(\.self) }
            .sorted { ($0.record.sequence, $0.id) > ($1.record.sequence, $1.id) }
        var byteCount = 0
        return Array(
            own.prefix(countMax).prefix { record in
                byteCount += record.envelope.count
                return byteCount <= byteCountMax
            }
        )
    }

    /// Whether a provider's newest presence speaks of other offers than the book holds.
    public func lacksOffers(of provider: Ed25519.PublicKey, in marketClass: MarketClass, at now: Int64) -> Bool {
        guard let presence = current(.presence(of: provider, in: marketClass)),
            case .presence(let body) = presence.record.body
        else { return false }
        let ours = offerDigest(of: provider, in: marketClass, upTo: body.highSequence, at: now)
        return ours.count != body.offerCount || ours.digest != body.offerDigest
    }

    /// What conflicts bring along from now on; what is held stays until it ends.
    public mutating func follow(_ segments: Set<Segment>?) { config.followedSegments = segments }

    private func shelf(of lane: MarketTopic.Lane) -> Shelf {
        switch lane {
        case .offers(let segment): .segment(segment)
        case .proofs: .proofs
        case .requests(let marketClass): .requests(marketClass)
        }
    }
}

extension SignedRecord {
    /// The record's place in the set that two nodes compare.
    public var reconciliationItem: ReconciliationItem {
        ReconciliationItem(timestamp: UInt64(max(0, record.expiresAt)), id: id.item)
    }
}
