internal import Market
internal import OrderedCollections
internal import Primitives

// Leases that a renter has accepted and given up: its provider denied them, or was not heard of for an hour.
extension LeaseMachine {
    /// Remembers, in this life and the next, that a lease of this bid is not wanted any more.
    ///
    /// A provider that has an acceptance can sign the lease whenever it likes, and date the word that the GPUs could be used back to it.
    mutating func renounce(_ bid: StoredBid, at now: Instant, into outputs: inout [Output]) {
        guard wall(now) < bid.shownUntil else {
            return persist([.deleteRow(.awards, key: bid.lease.bytes)], for: .housekeeping, into: &outputs)
        }
        var bid = bid
        bid.isForsaken = true
        var changes = [StoreChange.putRow(StoredRow(.awards, key: bid.lease.bytes, value: bid.stored))]
        renounced[bid.lease] = nil
        if renounced.count == LeaseLimits.renouncedCountMax {
            changes.append(.deleteRow(.awards, key: renounced.removeFirst().key.bytes))
        }
        renounced[bid.lease] = bid.shownUntil
        persist(changes, for: .housekeeping, into: &outputs)
    }

    /// Forgets those that nobody can show any more.
    mutating func forgetRenounced(at now: Instant, into outputs: inout [Output]) {
        let past = renounced.filter { $0.value <= wall(now) }.map(\.key)
        guard !past.isEmpty else { return }
        for lease in past { renounced[lease] = nil }
        persist(past.map { .deleteRow(.awards, key: $0.bytes) }, for: .housekeeping, into: &outputs)
    }
}
