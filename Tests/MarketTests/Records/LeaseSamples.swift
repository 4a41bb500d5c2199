import Cryptography
import Market
import Primitives

/// Bids, leases and what follows them, with small numbered parts and at random.
extension RecordSamples {
    static func lease(
        _ number: Int = 1,
        provider: Int = 1,
        renter: Int = 2,
        machine: Int = 1,
        slots: [Int] = [0],
        previous: LeaseID? = nil,
        startAt: Int64 = start,
        hours: Int64 = 1,
        price: Int64 = 350_000
    ) -> LeaseBody {
        let cost = price * Int64(slots.count) * hours
        return LeaseBody(
            marketClass: .nvidiaConsumer,
            machine: MachineID(bytes16(machine)),
            offer: OfferID(bytes16(1)),
            provider: key(provider).publicKey,
            renter: key(renter).publicKey,
            bid: BidID(bytes16(number)),
            slots: slots.map { LeaseBody.Slot(number: $0, previous: previous) },
            startAt: startAt,
            endAt: startAt + hours * hour,
            price: PriceTerms(unit: "USD", gpuHourMicros: price),
            capMicros: cost,
            mode: .onDemand,
            meterSeconds: 60,
            exposureMicros: min(cost, 20_000),
            noticeSeconds: 0,
            settlement: "credit",
            termsHash: [UInt8](repeating: 5, count: 32)
        )
    }

    static func accepted(
        _ body: LeaseBody,
        renter: Int = 2,
        until: Int64 = start + 30_000,
        network: String = network
    ) -> AcceptedLease {
        AcceptedLease(
            body: body,
            acceptance: LeaseAcceptance(accepting: body, network: network, until: until, by: key(renter))
        )
    }

    static func signedLease(
        _ body: LeaseBody,
        provider: Int = 1,
        sequence: UInt64 = 1,
        at offset: Int64 = 0
    ) throws -> SignedRecord {
        try signed(
            .lease(accepted(body, until: start + offset + 30_000)),
            by: key(provider),
            sequence: sequence,
            at: offset,
            for: body.endAt + LeaseBody.Bounds.tailMilliseconds - start - offset
        )
    }

    static func receipt(
        _ number: Int = 1,
        provider: Int = 1,
        renter: Int = 2,
        paid: Int64 = 350_000,
        code: CloseCode = .done
    ) -> ReceiptBody {
        ReceiptBody(
            lease: lease(number, provider: provider, renter: renter).lease,
            marketClass: .nvidiaConsumer,
            renter: key(renter).publicKey,
            readySeconds: 12,
            activeSeconds: 3_600,
            unit: "USD",
            owedMicros: paid,
            paidMicros: paid,
            code: code,
            voucherHash: paid == 0 ? [] : [UInt8](repeating: 9, count: 32),
            settlement: "credit"
        )
    }

    // MARK: Random records

    /// Who may sign a random record: a countersignature is the renter's, all else the provider's.
    static func signer(of record: Record) -> Ed25519.PrivateKey { key(record.kind == .countersignature ? 2 : 1) }

    static func leaseRecord(_ random: inout SeededRandom) -> Record {
        let issuedAt = start + Int64(random.below(1_000_000_000))
        let body = leaseRecordBody(&random, issuedAt: issuedAt)
        let latest = body.expiryMax(issuedAt: issuedAt)
        var earliest = issuedAt + 1
        if case .bid(let bid) = body { earliest = bid.validUntil }
        return Record(
            network: "main",
            sequence: 1 + random.next() >> 1 % Record.Bounds.sequenceMax,
            issuedAt: issuedAt,
            expiresAt: earliest + Int64(random.below(Int(latest - earliest) + 1)),
            body: body
        )
    }

    private static func leaseRecordBody(_ random: inout SeededRandom, issuedAt: Int64) -> RecordBody {
        switch random.below(9) {
        case 0: .request(request(&random, issuedAt: issuedAt))
        case 1: .bid(bid(&random, issuedAt: issuedAt))
        case 2:
            .lease(
                AcceptedLease(
                    body: leaseBody(&random, issuedAt: issuedAt),
                    acceptance: LeaseAcceptance(
                        acceptUntil: issuedAt + Int64(random.below(60_001)),
                        signature: random.bytes(64)
                    )
                )
            )
        case 3: .leaseState(leaseState(&random, issuedAt: issuedAt))
        case 4: .receipt(receiptBody(&random))
        case 5: .attestation(attestation(&random, issuedAt: issuedAt))
        case 6: countersignature(&random)
        case 7: proof(&random)
        default: .storefront(storefront(&random))
        }
    }

    static func request(_ random: inout SeededRandom, issuedAt: Int64) -> RequestBody {
        let deadline = issuedAt + 1 + Int64(random.below(Int(RequestBody.Bounds.deadlineMillisecondsMax)))
        let classes = set(&random, count: 1...8, below: 8).map { MarketClass.allCases[$0] }
        return RequestBody(
            request: RequestID(random: &random),
            alternatives: classes.map {
                RequestBody.Alternative(
                    marketClass: $0,
                    catalogueIDs: texts(&random, count: 0...8, max: 48),
                    count: 1 + random.below(32),
                    memoryMinMebibytes: random.below(1 << 24)
                )
            },
            filters: text(&random, max: 512),
            unit: ["USD", "sat"][random.below(2)],
            totalMicrosMax: Int64(random.below(1_000_000_000_000_000_000)),
            startAt: random.chance(1, in: 2) ? 0 : deadline + Int64(random.below(1_000)),
            durationSeconds: 1 + random.below(OfferBody.Bounds.durationSecondsMax),
            deadline: deadline,
            hasPublicBids: random.chance(1, in: 2),
            sealingKey: random.bytes(32)
        )
    }

    static func bid(_ random: inout SeededRandom, issuedAt: Int64) -> BidBody {
        let slots = random.chance(1, in: 2) ? set(&random, count: 1...32, below: 256) : []
        let auction = random.chance(1, in: 2) ? issuedAt + 1 + Int64(random.below(86_400_000)) : 0
        return BidBody(
            bid: BidID(random: &random),
            marketClass: MarketClass.allCases[random.below(8)],
            counterparty: key(random.below(9)).publicKey,
            offer: OfferID(random: &random),
            target: random.chance(1, in: 2) ? .offer : .request(RequestID(random: &random)),
            targetRecord: RecordID(random.bytes(32)) ?? { preconditionFailure("32 bytes") }(),
            slots: slots,
            count: slots.isEmpty ? 1 + random.below(32) : slots.count,
            unit: "USD",
            gpuHourMicros: Int64(random.below(10_000_000_000_001)),
            durationSeconds: 1 + random.below(OfferBody.Bounds.durationSecondsMax),
            startBy: issuedAt + Int64(random.below(1_000_000)),
            validUntil: issuedAt + 1 + Int64(random.below(60_000)),
            termsHash: random.bytes(32),
            auctionDeadline: auction
        )
    }

    static func leaseBody(_ random: inout SeededRandom, issuedAt: Int64) -> LeaseBody {
        var body = lease(
            slots: set(&random, count: 1...32, below: 256),
            startAt: issuedAt + Int64(random.below(1_000_000))
        )
        body.bid = BidID(random: &random)
        body.endAt = body.startAt + 1 + Int64(random.below(Int(LeaseBody.Bounds.durationMillisecondsMax)))
        body.slots = body.slots.map {
            LeaseBody.Slot(number: $0.number, previous: random.chance(1, in: 3) ? nil : LeaseID(random.bytes(16)))
        }
        body.capMicros = Int64(random.below(1_000_000_000_000_000_001))
        body.exposureMicros = Int64(random.below(Int(body.capMicros) + 1))
        body.mode = random.chance(1, in: 2) ? .onDemand : .interruptible
        body.noticeSeconds = random.below(3_000)
        body.termsHash = random.bytes(32)
        return body
    }

    static func leaseState(_ random: inout SeededRandom, issuedAt: Int64) -> LeaseStateBody {
        let standing = LeaseStanding.allCases[random.below(4)]
        return LeaseStateBody(
            lease: LeaseID(bytes16(random.below(1_000))),
            marketClass: MarketClass.allCases[random.below(8)],
            provider: key(random.below(9)).publicKey,
            standing: standing,
            code: standing == .closed ? CloseCode(rawValue: 1_000 + random.below(3_000)) : nil,
            endAt: issuedAt + Int64(random.below(1_000_000_000))
        )
    }

    static func receiptBody(_ random: inout SeededRandom) -> ReceiptBody {
        var body = receipt(random.below(1_000), paid: random.chance(1, in: 4) ? 0 : Int64(random.below(1 << 50)))
        body.readySeconds = random.below(100)
        body.activeSeconds = random.below(7_776_001)
        body.owedMicros = Int64(random.below(1_000_000_000_000_000_001))
        body.probeCount = random.below(1_000)
        body.answeredProbeCount = random.below(body.probeCount + 1)
        body.reference = text(&random, max: 128)
        return body
    }

    static func attestation(_ random: inout SeededRandom, issuedAt: Int64) -> AttestationBody {
        let devices = (0..<random.below(8)).map { _ in random.bytes(32) }
        return AttestationBody(
            marketClass: MarketClass.allCases[random.below(8)],
            provider: key(random.below(9)).publicKey,
            devices: devices.sorted { $0.lexicographicallyPrecedes($1) },
            kind: AttestationBody.Kind.allCases[random.below(4)],
            metric: "answered",
            valueMicros: Int64(random.below(1_000_001)),
            unit: "ratio",
            method: "probe/1",
            seed: random.bytes(random.below(33)),
            digests: (0..<random.below(9)).map { _ in random.bytes(32) },
            from: issuedAt - 1 - Int64(random.below(100_000)),
            to: issuedAt
        )
    }

    static func countersignature(_ random: inout SeededRandom) -> RecordBody {
        let receipt = try? signed(.receipt(receiptBody(&random)), by: key(1), sequence: 1)
        guard let receipt, let body = CountersignatureBody(receipt) else { preconditionFailure("a receipt") }
        return .countersignature(body)
    }

    static func proof(_ random: inout SeededRandom) -> RecordBody {
        let number = random.below(500)
        let first = try? signedLease(lease(number, slots: [0, 3]))
        let second = try? signedLease(lease(number + 1, slots: [2, 3]), sequence: 2)
        guard let first, let second, let body = ProofBody(first, second) else { preconditionFailure("a proof") }
        return .proof(body)
    }

    static func storefront(_ random: inout SeededRandom) -> StorefrontBody {
        let numbers = set(&random, count: 1...16, below: 16)
        let addresses = (0..<random.below(9)).map { _ in random.bytes(1 + random.below(128)) }
        return StorefrontBody(
            segments: numbers.map { MarketProfile.first.segments[$0] },
            addresses: addresses.sorted { $0.lexicographicallyPrecedes($1) }
        )
    }
}
