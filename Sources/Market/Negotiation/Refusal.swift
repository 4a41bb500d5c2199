/// Why a provider did not award a bid: a code that programs obey, and the nearest thing that would have been accepted.
public struct Refusal: Error, Hashable, Sendable {
    public enum Code: UInt8, Hashable, Sendable, CaseIterable {
        /// Not a bid, or not validly signed by who sent it.
        case malformed = 1
        case unknownOffer = 2
        /// Another unit than the offer's.
        case wrongUnit = 3
        /// `nearestMicros` would be considered.
        case priceTooLow = 4
        case noFreeSlots = 5
        case durationOutOfBounds = 6
        /// The bid, or the award that it won, has ended.
        case expired = 7
        case blocked = 8
        /// One open award per bidder and per network of addresses.
        case awardOpen = 9
        /// The last award lapsed: `retryMilliseconds`.
        case coolingDown = 10
        /// Devices that keys without a lease here may hold are held.
        case strangersFull = 11
        case tooManyBids = 12
        /// The provider's disk did not take the award.
        case notDurable = 13
        case outbid = 14
        /// The terms cannot be opened or will not be run.
        case termsRefused = 15
        /// The acceptance is not the renter's over this award.
        case badAcceptance = 16
        case shuttingDown = 17
    }

    public var code: Code
    /// The lowest price per GPU and hour that would be considered now; 0 if none would.
    public var nearestMicros: Int64
    /// When asking again makes sense; 0 if it does not.
    public var retryMilliseconds: Int64

    public init(_ code: Code, nearestMicros: Int64 = 0, retryMilliseconds: Int64 = 0) {
        self.code = code
        self.nearestMicros = nearestMicros
        self.retryMilliseconds = retryMilliseconds
    }
}
