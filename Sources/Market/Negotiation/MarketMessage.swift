internal import Primitives

/// What two parties say on `/rialto/market/1.0.0`: messages with a length in front, each request with an id that its answer repeats.
///
/// A lost answer is asked for again: the same bid id gets the same answer.
public struct MarketMessage: Hashable, Sendable {
    public static let protocolID = "/rialto/market/1.0.0"
    /// An award with the pasts of 32 slots, each two envelopes of a kibibyte.
    public static let byteCountMax = 96 * 1024
    /// Ready, a close of either party, and the receipt with what stands under it.
    public static let heldWordCountMax = 4

    public enum Content: Hashable, Sendable {
        /// The envelope of a bid and the sealed terms.
        case bid(envelope: [UInt8], sealedTerms: [UInt8])
        case accept(BidID, LeaseAcceptance)
        /// The renter lets a bid or award go.
        case cancel(BidID)
        case tick(SignedTick)
        case voucher(SignedVoucher)
        /// A receipt to be countersigned.
        case receipt(envelope: [UInt8])
        /// What either side says about the lease: a lease state's envelope.
        case state(envelope: [UInt8])
        /// The provider will reclaim an interruptible lease then, in milliseconds since the Unix epoch.
        case notice(LeaseID, at: Int64)
        /// A lease of the two that is not settled yet, with what its parties have said of it: whoever was restored from a backup learns it
        /// back. Envelopes.
        case held(envelope: [UInt8], words: [[UInt8]])
        // Answers.
        case award(LeaseAward)
        case lease(envelope: [UInt8])
        case refusal(Refusal)
        case countersignature(envelope: [UInt8])
        case done
    }

    public let id: UInt64
    public let content: Content

    public init(id: UInt64, content: Content) {
        self.id = id
        self.content = content
    }

    /// Whether it answers something.
    public var isAnswer: Bool {
        switch content {
        case .bid, .accept, .cancel, .tick, .voucher, .receipt, .state, .notice, .held: false
        case .award, .lease, .refusal, .countersignature, .done: true
        }
    }
}

/// The complete lease as the provider would sign it, and what became of its slots' last leases.
public struct LeaseAward: Hashable, Sendable {
    public static let pastCountMax = OfferBody.Bounds.slotCountMax

    /// A slot's last lease, and its close if it was closed before its end.
    public struct Past: Hashable, Sendable {
        public let lease: [UInt8]
        public let close: [UInt8]

        public init(lease: [UInt8], close: [UInt8] = []) {
            self.lease = lease
            self.close = close
        }
    }

    public let body: LeaseBody
    /// Until when the devices are held, in milliseconds since the Unix epoch.
    public let heldUntil: Int64
    public let pasts: [Past]

    public init(body: LeaseBody, heldUntil: Int64, pasts: [Past]) {
        self.body = body
        self.heldUntil = heldUntil
        self.pasts = pasts
    }
}
