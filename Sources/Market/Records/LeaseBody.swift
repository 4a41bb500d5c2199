public import Cryptography
internal import Primitives

/// What two parties agreed on, over named devices and a time: it binds from the moment that it carries both signatures.
///
/// The provider signs the record; the renter's signature is embedded as the acceptance.
public struct LeaseBody: Hashable, Sendable {
    public enum Bounds {
        public static let slotCountMax = OfferBody.Bounds.slotCountMax
        public static let durationMillisecondsMax: Int64 = 90 * 86_400_000
        /// How long before its start a lease may be signed.
        public static let startMillisecondsMax: Int64 = 7 * 86_400_000
        /// A lease is remembered for a week after its end.
        public static let tailMilliseconds: Int64 = 7 * 86_400_000
        public static let meterSecondsMax = 3_600
        public static let noticeSecondsMax = OfferBody.Bounds.noticeSecondsMax
        public static let settlementByteCountMax = OfferBody.Bounds.settlementByteCountMax
        /// An acceptance that waits longer would hold the renter, not the provider.
        public static let acceptanceMillisecondsMax: Int64 = 60_000
    }

    /// One device, and the lease that had it last.
    public struct Slot: Hashable, Sendable {
        public var number: Int
        /// `nil` if the slot was never leased under this machine id.
        public var previous: LeaseID?

        public init(number: Int, previous: LeaseID?) {
            self.number = number
            self.previous = previous
        }
    }

    public var marketClass: MarketClass
    public var machine: MachineID
    public var offer: OfferID
    /// The author of the record.
    public var provider: Ed25519.PublicKey
    public var renter: Ed25519.PublicKey
    public var bid: BidID
    /// 1…32, ascending by number, no number twice.
    public var slots: [Slot]
    /// `[start, end)` in milliseconds since the Unix epoch.
    public var startAt: Int64
    public var endAt: Int64
    /// What is paid; its lowest bid is the price itself.
    public var price: PriceTerms
    /// The most that all of it may cost, in micros.
    public var capMicros: Int64
    public var mode: OfferBody.Mode
    /// How often usage is told and paid, in seconds.
    public var meterSeconds: Int
    /// Either side stops while more than this is unpaid, in micros.
    public var exposureMicros: Int64
    public var noticeSeconds: Int
    public var settlement: String
    /// What the bid committed to, 32 bytes.
    public var termsHash: [UInt8]

    public init(
        marketClass: MarketClass,
        machine: MachineID,
        offer: OfferID,
        provider: Ed25519.PublicKey,
        renter: Ed25519.PublicKey,
        bid: BidID,
        slots: [Slot],
        startAt: Int64,
        endAt: Int64,
        price: PriceTerms,
        capMicros: Int64,
        mode: OfferBody.Mode,
        meterSeconds: Int,
        exposureMicros: Int64,
        noticeSeconds: Int,
        settlement: String,
        termsHash: [UInt8]
    ) {
        self.marketClass = marketClass
        self.machine = machine
        self.offer = offer
        self.provider = provider
        self.renter = renter
        self.bid = bid
        self.slots = slots
        self.startAt = startAt
        self.endAt = endAt
        self.price = price
        self.capMicros = capMicros
        self.mode = mode
        self.meterSeconds = meterSeconds
        self.exposureMicros = exposureMicros
        self.noticeSeconds = noticeSeconds
        self.settlement = settlement
        self.termsHash = termsHash
    }

    public var lease: LeaseID { LeaseID(provider: provider, renter: renter, bid: bid) }

    /// Which past each of its devices has: of two leases with one claim, one is a lie.
    public var claims: [SlotClaim] {
        slots.map { SlotClaim(provider: provider, machine: machine, slot: $0.number, previous: $0.previous) }
    }
}

/// "This slot follows that lease": an honest provider says it once.
public struct SlotClaim: Hashable, Sendable {
    public let provider: Ed25519.PublicKey
    public let machine: MachineID
    public let slot: Int
    /// `nil` for a slot's first lease.
    public let previous: LeaseID?

    public init(provider: Ed25519.PublicKey, machine: MachineID, slot: Int, previous: LeaseID?) {
        self.provider = provider
        self.machine = machine
        self.slot = slot
        self.previous = previous
    }
}

/// The renter's signature over a lease body, for one network and a short time.
public struct LeaseAcceptance: Hashable, Sendable {
    public static let payloadType = Array("/rialto/acceptance/1".utf8)

    /// A lease record issued later is invalid; milliseconds since the Unix epoch.
    public var acceptUntil: Int64
    /// 64 bytes.
    public var signature: [UInt8]

    public init(acceptUntil: Int64, signature: [UInt8]) {
        self.acceptUntil = acceptUntil
        self.signature = signature
    }

    /// Signs a lease body for a network.
    public init(accepting lease: LeaseBody, network: String, until: Int64, by key: Ed25519.PrivateKey) {
        acceptUntil = until
        signature = key.signature(of: Self.signedBytes(lease: lease, network: network, until: until))
    }

    /// The verification of this acceptance by the lease's renter.
    public func signatureCheck(of lease: LeaseBody, network: String) -> SignatureCheck {
        let message = Self.signedBytes(lease: lease, network: network, until: acceptUntil)
        return SignatureCheck(key: lease.renter, message: message, signature: signature)
    }

    /// Network, SHA-256 of the lease body without the acceptance, and the time, signed in the domain of streams.
    private static func signedBytes(lease: LeaseBody, network: String, until: Int64) -> [UInt8] {
        var payload = ProtobufWriter()
        payload.text(1, network)
        payload.bytes(2, lease.digest)
        payload.varint(3, UInt64(clamping: until))
        return StreamSignature.signedBytes(payloadType: payloadType, payload: payload.bytes)
    }
}

/// A lease as it is published: the body and the acceptance that makes it bind.
public struct AcceptedLease: Hashable, Sendable {
    public let body: LeaseBody
    public let acceptance: LeaseAcceptance

    public init(body: LeaseBody, acceptance: LeaseAcceptance) {
        self.body = body
        self.acceptance = acceptance
    }
}
