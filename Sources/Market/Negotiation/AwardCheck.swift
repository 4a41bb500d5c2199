internal import Cryptography

/// Reads an award with the eyes of the bidder: it must be what was bid for, on devices that are really free.
struct AwardCheck {
    /// Clocks of the two parties may differ by this much.
    static let clockMilliseconds: Int64 = 120_000

    let bid: BidBody
    let draft: BidDraft
    let renter: Ed25519.PublicKey
    let provider: Ed25519.PublicKey

    /// What is wrong with an award; `nil` if nothing is.
    func failure(of award: LeaseAward, at wall: Int64) -> BidFailure? {
        let body = award.body
        guard abs(body.startAt - wall) <= Self.clockMilliseconds else { return .clocksDiffer }
        if let error = wrongField(of: body) { return .wrongAward(error) }
        guard award.heldUntil > body.startAt else { return .wrongAward("held_until") }
        for slot in body.slots {
            guard let previous = slot.previous else { continue }
            let isFree = award.pasts.contains {
                Self.hasEnded($0, lease: previous, slot: slot.number, of: body, at: wall)
            }
            guard isFree else { return .slotTaken(slot.number) }
        }
        return nil
    }

    private func wrongField(of body: LeaseBody) -> String? {
        guard case .offer(let offer) = draft.offer.record.body else { return "offer" }
        guard body.provider == provider, body.renter == renter, body.bid == bid.bid else { return "lease_id" }
        guard body.offer == bid.offer, body.machine == offer.machine, body.marketClass == bid.marketClass else {
            return "machine_id"
        }
        guard body.slots.count == bid.count, body.slots.allSatisfy({ offer.slots.contains($0.number) }),
            bid.slots.isEmpty || body.slots.map(\.number) == bid.slots
        else { return "slots" }
        guard body.startAt <= bid.startBy, body.endAt - body.startAt == Int64(bid.durationSeconds) * 1_000 else {
            return "end_at"
        }
        guard body.price.unit == bid.unit, body.price.gpuHourMicros == bid.gpuHourMicros,
            body.price.storageGibibyteMonthMicros <= offer.price.storageGibibyteMonthMicros,
            body.price.trafficGibibyteMicros <= offer.price.trafficGibibyteMicros
        else { return "price" }
        // The cap may not promise more than the time costs.
        var uncapped = body
        uncapped.capMicros = RecordAmount.microsMax
        guard body.capMicros <= uncapped.cost(ofMilliseconds: body.endAt - body.startAt) else { return "cap" }
        guard body.exposureMicros <= draft.exposureMicrosMax else { return "exposure" }
        guard offer.settlements.contains(body.settlement) else { return "settlement" }
        guard body.noticeSeconds >= offer.noticeSeconds, offer.modes.contains(body.mode) else { return "notice_s" }
        // Who pays what was asked is not to be outbid.
        let isFullPrice = bid.gpuHourMicros >= offer.price.gpuHourMicros && offer.modes.contains(.onDemand)
        guard body.mode == .onDemand || !isFullPrice else { return "mode" }
        return body.termsHash == bid.termsHash ? nil : "terms_hash"
    }

    /// Whether the slot's last lease is shown, is this provider's on this slot, and is over.
    private static func hasEnded(
        _ past: LeaseAward.Past,
        lease previous: LeaseID,
        slot: Int,
        of body: LeaseBody,
        at wall: Int64
    ) -> Bool {
        guard let record = try? SignedRecord(envelope: past.lease), case .lease(let lease) = record.record.body,
            lease.body.lease == previous, lease.body.provider == body.provider, lease.body.machine == body.machine,
            lease.body.slots.contains(where: { $0.number == slot }), record.signatureChecks.allSatisfy(\.holds)
        else { return false }
        if lease.body.endAt <= wall { return true }
        guard let close = try? SignedRecord(envelope: past.close), case .leaseState(let state) = close.record.body,
            state.lease == previous, state.provider == body.provider, state.standing == .closed,
            close.author == body.provider || close.author == lease.body.renter,
            close.signatureChecks.allSatisfy(\.holds)
        else { return false }
        return true
    }
}
