public import Cryptography

/// Names a row of the market: an offer id is unique only with its provider.
public struct ListingID: Hashable, Comparable, Sendable {
    public let provider: Ed25519.PublicKey
    public let offer: OfferID

    public init(provider: Ed25519.PublicKey, offer: OfferID) {
        self.provider = provider
        self.offer = offer
    }

    public static func < (left: ListingID, right: ListingID) -> Bool {
        if left.provider != right.provider {
            return left.provider.bytes.lexicographicallyPrecedes(right.provider.bytes)
        }
        return left.offer < right.offer
    }
}

/// Whether a row can be counted on.
public enum Liveness: Hashable, Sendable {
    /// Vouched for, and heard of within the last 15 minutes.
    case live
    /// Still vouched for, but not heard of for more than 15 minutes: shown with a mark.
    case silent
    /// Nobody vouches for it: its provider left or fell silent for 30 minutes.
    case gone
}

/// One row of the market: an offer joined with its machine and its provider's presence, as search ranks it.
///
/// Immutable, so a snapshot of the book's rows is an array of references that another thread can rank while the book moves on.
/// Times are milliseconds since the Unix epoch.
public final class Listing: Sendable {
    /// A presence vouches for 30 minutes, an offer for itself as long.
    public static let vouchedMilliseconds: Int64 = 30 * 60_000
    /// Presences come every 10 minutes; one missed and a half is silence.
    public static let silenceMilliseconds: Int64 = 15 * 60_000

    /// The offer as it was signed.
    public let record: SignedRecord
    public let offer: OfferBody
    /// The newest record of the offer's machine, if it is known, visible and of the offer's class.
    public let machineRecord: SignedRecord?
    public let machine: MachineBody?
    /// The newest presence of the provider for the offer's class, if it is known and visible.
    public let presence: PresenceBody?
    /// When the offer or a presence of its provider last arrived.
    public let heardAt: Int64
    /// Until when somebody vouches for the offer; 0 if its provider said goodbye.
    public let vouchedUntil: Int64

    public init(
        record: SignedRecord,
        offer: OfferBody,
        machineRecord: SignedRecord? = nil,
        machine: MachineBody? = nil,
        presence: PresenceBody? = nil,
        heardAt: Int64,
        vouchedUntil: Int64
    ) {
        self.record = record
        self.offer = offer
        self.machineRecord = machineRecord
        self.machine = machine
        self.presence = presence
        self.heardAt = heardAt
        self.vouchedUntil = vouchedUntil
    }

    /// The row with other free slots: of its own offers a node knows more than the market has heard yet.
    public func letting(_ freeSlots: [Int]) -> Listing {
        var offer = offer
        (offer.freeSlots, offer.largestBlock) = (freeSlots, freeSlots.count)
        return Listing(
            record: record,
            offer: offer,
            machineRecord: machineRecord,
            machine: machine,
            presence: presence,
            heardAt: heardAt,
            vouchedUntil: vouchedUntil
        )
    }

    public var provider: Ed25519.PublicKey { record.author }
    public var id: ListingID { ListingID(provider: provider, offer: offer.offer) }
    public var issuedAt: Int64 { record.record.issuedAt }

    /// The devices behind the offer's slots, as far as the machine record names them.
    public var devices: [MachineBody.Device] {
        machine?.devices.filter { offer.slots.contains($0.slot) } ?? []
    }

    public func liveness(at now: Int64) -> Liveness {
        guard now < vouchedUntil, now < record.record.expiresAt else { return .gone }
        return now - heardAt > Self.silenceMilliseconds ? .silent : .live
    }

    /// Milliseconds since the row was last heard of; 0 if the clock was set back meanwhile.
    public func age(at now: Int64) -> Int64 {
        max(0, now - heardAt)
    }
}
