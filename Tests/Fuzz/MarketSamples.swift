import Cryptography
@testable import Market
import Primitives

/// An offer, and what belongs to it, that either side of the leases may make.
enum MarketSamples {
    private static let id = [UInt8](repeating: 5, count: 16)
    static let offerID = identifier(OfferID.self)
    static let machineID = identifier(MachineID.self)
    static let requestID = identifier(RequestID.self)
    static let recordID: RecordID = {
        guard let id = RecordID(Array(repeating: 5, count: 32)) else { preconditionFailure("32 bytes are an id") }
        return id
    }()

    private static func identifier<ID: Identifier16>(_: ID.Type) -> ID {
        guard let identifier = ID(id) else { preconditionFailure("16 bytes are an id") }
        return identifier
    }

    /// Four GPUs for 0.36 an hour each.
    static func offer(by key: Ed25519.PrivateKey, number: Int = 0) -> SignedRecord? {
        let body = OfferBody(
            offer: offerID,
            marketClass: .nvidiaConsumer,
            machine: machineID,
            slots: [0, 1, 2, 3],
            freeSlots: [0, 1, 2, 3],
            largestBlock: 4,
            price: PriceTerms(unit: "USD", gpuHourMicros: 360_000 + Int64(number)),
            modes: [.onDemand],
            durationMinSeconds: 60,
            durationMaxSeconds: 86_400,
            settlements: ["credit", "exec"],
            sealingKey: LeaseVictim.sealing.publicKey
        )
        return sign(.offer(body), by: key)
    }

    static func sign(_ body: RecordBody, by key: Ed25519.PrivateKey) -> SignedRecord? {
        let record = Record(
            network: "main",
            sequence: UInt64(Sieges.unixMilliseconds),
            issuedAt: Sieges.unixMilliseconds,
            expiresAt: Sieges.unixMilliseconds + 3_600_000,
            body: body
        )
        return try? SignedRecord(signing: record, by: key)
    }

    /// A lease that nobody asked for.
    static let lease = LeaseBody(
        marketClass: .nvidiaConsumer,
        machine: machineID,
        offer: offerID,
        provider: Handshakes.key.publicKey,
        renter: LeaseVictim.key.publicKey,
        bid: identifier(BidID.self),
        slots: [.init(number: 0, previous: nil)],
        startAt: Sieges.unixMilliseconds,
        endAt: Sieges.unixMilliseconds + 600_000,
        price: PriceTerms(unit: "USD", gpuHourMicros: 360_000, lowestBidMicros: 360_000),
        capMicros: 60_000,
        mode: .onDemand,
        meterSeconds: 60,
        exposureMicros: 1_000,
        noticeSeconds: 0,
        settlement: "credit",
        termsHash: Array(repeating: 1, count: 32)
    )

    /// One message of every kind.
    static let messages: [MarketMessage] = {
        let (key, lease) = (Handshakes.key, Self.lease)
        let envelope = offer(by: key)?.envelope ?? []
        let voucher = Voucher(lease: lease.lease, nonce: 1, amountMicros: 5, tickHash: Array(repeating: 2, count: 32))
        let tick = MeterTick(lease: lease.lease, number: 1, activeMilliseconds: 5, owedMicros: 5)
        let contents: [MarketMessage.Content] = [
            .bid(envelope: envelope, sealedTerms: Array(repeating: 1, count: 80)),
            .accept(lease.bid, LeaseAcceptance(accepting: lease, network: "main", until: 5, by: key)),
            .cancel(lease.bid), .tick(tick.signed(network: "main", by: key)),
            .voucher(voucher.signed(network: "main", by: key)), .receipt(envelope: envelope),
            .state(envelope: envelope), .notice(lease.lease, at: 5), .held(envelope: envelope, words: [envelope]),
            .award(LeaseAward(body: lease, heldUntil: 5, pasts: [.init(lease: envelope)])),
            .lease(envelope: envelope), .refusal(Refusal(.priceTooLow, nearestMicros: 5, retryMilliseconds: 5)),
            .countersignature(envelope: envelope), .done,
        ]
        return contents.enumerated().map { MarketMessage(id: UInt64($0), content: $1) }
    }()
}
