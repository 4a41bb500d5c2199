internal import Market
internal import Synchronization

/// What offers asked when the operator was last shown them.
///
/// A provider may change its price between the operator's look and the bid. Who bids without naming a price means the one that was seen,
/// and who names one means it in the unit that was seen.
final class ShownPrices: Sendable {
    /// Offers that are remembered: many searches' rows.
    ///
    /// Of more those that were shown longest ago are forgotten.
    static let countMax = 4_096

    private struct Shown {
        let price: PriceTerms
        let number: UInt64
    }

    private struct State {
        var shown: [ListingID: Shown] = [:]
        var nextNumber: UInt64 = 0
    }

    private let state = Mutex(State())

    subscript(offer: ListingID) -> PriceTerms? { state.withLock { $0.shown[offer]?.price } }

    /// How many offers are remembered.
    var count: Int { state.withLock { $0.shown.count } }

    func note(_ listings: some Sequence<Listing>) {
        state.withLock { state in
            for listing in listings {
                state.shown[listing.id] = Shown(price: listing.offer.price, number: state.nextNumber)
                state.nextNumber += 1
            }
            // Half go at a time: looking for them costs a walk over all.
            guard state.shown.count > Self.countMax else { return }
            let numbers = state.shown.values.map(\.number).sorted()
            let oldest = numbers[numbers.count - Self.countMax / 2]
            state.shown = state.shown.filter { $0.value.number >= oldest }
        }
    }
}
