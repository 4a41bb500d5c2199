// What the book holds of one lane: what two nodes compare.
extension RecordBook {
    /// Differs whenever the lane's records do; 0 while there are none.
    public func version(of lane: MarketTopic.Lane) -> UInt64 {
        shelf(of: lane).flatMap { idsByShelf[$0]?.version } ?? 0
    }

    /// The ids of the lane's records, ascending.
    public func recordIDs(in lane: MarketTopic.Lane) -> [RecordID] {
        shelf(of: lane).flatMap { idsByShelf[$0]?.ids.elements } ?? []
    }

    /// Requests are no records of the book.
    private func shelf(of lane: MarketTopic.Lane) -> Shelf? {
        switch lane {
        case .offers(let segment): .segment(segment)
        case .proofs: .proofs
        case .requests: nil
        }
    }
}
