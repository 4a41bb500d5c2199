internal import Cryptography

/// Where an offer stands among those of a question's answer: the cheapest first, whatever the unit of the price.
public struct OfferPlace: Hashable, Comparable, Sendable {
    /// Of a GPU-hour.
    public let micros: Int64
    /// Of the offer's record.
    public let id: RecordID

    public init(micros: Int64, id: RecordID) {
        (self.micros, self.id) = (micros, id)
    }

    public static func < (left: OfferPlace, right: OfferPlace) -> Bool {
        (left.micros, left.id) < (right.micros, right.id)
    }
}

/// What somebody asks who does not hold a segment itself.
public struct OfferQuestion: Hashable, Sendable {
    public let segments: Set<Segment>
    /// Catalogue ids of which an offer's machine has one at least; none for any.
    public let models: Set<String>
    /// Offers from here on have been seen.
    public let after: OfferPlace?

    public init(segments: Set<Segment>, models: Set<String> = [], after: OfferPlace? = nil) {
        (self.segments, self.models, self.after) = (segments, models, after)
    }

    /// Whether a row is among those asked for.
    public func asks(for listing: Listing, in profile: MarketProfile) -> Bool {
        guard case .offers(let segment) = profile.lane(of: listing.record), segments.contains(segment) else {
            return false
        }
        if let after, listing.place <= after { return false }
        guard !models.isEmpty, let machine = listing.machine else { return true }
        return machine.devices.contains { listing.offer.slots.contains($0.slot) && models.contains($0.catalogueID) }
    }
}

extension Listing {
    /// Its place among the offers of an answer.
    public var place: OfferPlace { OfferPlace(micros: offer.price.gpuHourMicros, id: record.id) }
}

extension RecordBook {
    /// The rows that are asked for and that somebody vouches for, by their place: O(n log n) of all rows.
    public func listings(answering question: OfferQuestion, at now: Int64) -> [Listing] {
        listings.filter { $0.liveness(at: now) != .gone && question.asks(for: $0, in: profile) }
            .sorted { $0.place < $1.place }
    }

    /// What lets somebody else see the row as this book does: the offer, its machine, the presence that vouches for it.
    public func records(behind listing: Listing) -> [SignedRecord] {
        let presence = current(.presence(of: listing.provider, in: listing.offer.marketClass))
        return [listing.record, listing.machineRecord, presence].compactMap(\.self)
    }
}
