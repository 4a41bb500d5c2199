// What the book holds of one lane: what two nodes compare.
extension RecordBook {
    /// Differs whenever the lane's records do; 0 while there are none.
    public func version(of lane: MarketTopic.Lane) -> UInt64 {
        idsByShelf[shelf(of: lane)]?.version ?? 0
    }

    /// The ids of the lane's records, ascending.
    public func recordIDs(in lane: MarketTopic.Lane) -> [RecordID] {
        idsByShelf[shelf(of: lane)]?.ids.elements ?? []
    }

    private func shelf(of lane: MarketTopic.Lane) -> Shelf {
        switch lane {
        case .offers(let segment): .segment(segment)
        case .proofs: .proofs
        case .requests(let marketClass): .requests(marketClass)
        }
    }
}
