internal import LocalAPI
internal import Market
internal import Node

// The life of one lease, as its two parties see it.
extension DemoMarket {
    /// The renter bids what is asked, uses the GPUs for two seconds, and lets them go.
    func rent(_ offer: ListingID, of provider: RunningNode, by renter: RunningNode) async throws {
        var wish = BidWish(
            offer: offer,
            count: 2,
            gpuHourMicros: nil,
            durationSeconds: 3_600,
            terms: LeaseTerms(image: "ubuntu:24.04")
        )
        wish.isPublic = true
        let begun = ContinuousClock.now
        let answer = try await renter.send(.placeBid(wish, waits: true))
        guard case .bid(let bid) = answer, case .leased(let id) = bid.outcome else {
            throw CommandFailure(.failed, "the bid came to nothing: \(answer)")
        }
        let price = "\(Amounts.text(micros: bid.gpuHourMicros)) \(bid.unit)"
        say(
            "leased",
            "bid \(price) for 2 GPUs, awarded, accepted: lease \(id.description.prefix(12)) signed by both after "
                + Self.text(since: begun)
        )
        try await waitFor("the GPUs") { try await self.lease(id, of: renter)?.standing == .active ? () : nil }
        say("ready", "the provider says that the GPUs can be used; its meter runs")

        let twoSeconds = bid.gpuHourMicros * 2 * 2 / 3_600
        try await waitFor("vouchers") {
            try await self.lease(id, of: provider)?.paidMicros ?? 0 >= twoSeconds ? () : nil
        }
        let paid = Amounts.text(micros: try await lease(id, of: provider)?.paidMicros ?? 0)
        say("paid", "ticks told the usage and vouchers paid for it: \(paid) \(bid.unit) so far")

        guard case .lease(let closed) = try await renter.send(.closeLease(id, .done)) else {
            throw CommandFailure(.failed, "the lease was not closed")
        }
        say("closed", "the renter closed the lease: \(closed.code?.description ?? "") (\(closed.code?.rawValue ?? 0))")
        try await waitFor("the countersignature") {
            try await self.lease(id, of: provider)?.countersignature == nil ? nil : ()
        }
        try await tellReceipt(of: id, provider, renter)
    }

    private func tellReceipt(of id: LeaseID, _ provider: RunningNode, _ renter: RunningNode) async throws {
        guard let over = try await lease(id, of: provider), case .receipt(let receipt)? = over.receipt?.record.body,
            let countersignature = over.countersignature
        else { throw CommandFailure(.failed, "the lease has no receipt") }
        let (owed, paid) = (Amounts.text(micros: receipt.owedMicros), Amounts.text(micros: receipt.paidMicros))
        say(
            "receipt",
            "the provider's receipt says \(owed) owed, \(paid) paid; the renter signed under it: record "
                + countersignature.id.description.prefix(12)
        )
        for (node, who) in [(provider, "provider"), (renter, "renter")] {
            guard case .credit(let balances) = try await node.send(.credit), let balance = balances.first else {
                throw CommandFailure(.failed, "the \(who) has no credit booked")
            }
            say("credit", "the \(who)'s books: \(Amounts.text(micros: balance.micros)) \(balance.unit)")
        }
    }

    private func lease(_ id: LeaseID, of node: RunningNode) async throws -> LeaseSummary? {
        guard case .leases(let leases) = try await node.send(.leases) else { return nil }
        return leases.first { $0.lease == id }
    }
}
