import Cryptography
import Market
import Primitives
import Testing

@Suite struct `Metering` {
    typealias S = RecordSamples

    /// Both meters of one lease, and a wire that may lose what it carries.
    struct Pair {
        var provider: ProviderMeter
        var renter: RenterMeter
        var now = Instant.zero
        var random: SeededRandom
        /// One in `loss` messages is lost; 0 for none.
        var loss = 0
        var failsWrites = false
        var receipt: ReceiptBody?
        var stops: [CloseCode] = []
        var renterIsGone = false
        var storedPaid: Int64 = 0

        init(lease: LeaseBody, seed: Int = 1) {
            provider = ProviderMeter(lease: lease, key: S.key(1), network: S.network)
            renter = RenterMeter(lease: lease, key: S.key(2), network: S.network)
            random = S.random(seed)
            tell(.clock(unixMilliseconds: S.start))
            ask(.clock(unixMilliseconds: S.start))
        }

        var wall: Int64 { S.start + now.nanoseconds / 1_000_000 }

        mutating func isLost() -> Bool { loss > 0 && random.chance(1, in: loss) }

        mutating func tell(_ input: ProviderMeter.Input) {
            var outputs: [ProviderMeter.Output] = []
            provider.handle(input, at: now, into: &outputs)
            provider.checkInvariants()
            for output in outputs {
                switch output {
                case .send(let tick): if !isLost(), !renterIsGone { ask(.tick(tick)) }
                case .persist(let voucher, let state):
                    if failsWrites {
                        tell(.persistFailed(voucher))
                    } else {
                        storedPaid = state.best?.voucher.amountMicros ?? 0
                        tell(.persisted(voucher))
                    }
                case .stop(let code): stops.append(code)
                case .closed(let body): receipt = body
                }
            }
        }

        mutating func ask(_ input: RenterMeter.Input) {
            var outputs: [RenterMeter.Output] = []
            renter.handle(input, at: now, into: &outputs)
            for output in outputs {
                switch output {
                case .persist(let voucher, _): ask(.persisted(voucher))
                case .send(let voucher): if !isLost() { tell(.voucher(voucher)) }
                case .stop(let code): stops.append(code)
                }
            }
        }

        mutating func start() {
            ask(.ready(at: wall))
            tell(.ready)
        }

        /// How often both are told what time it is, in seconds; 0 for never.
        var clockSeconds = 0
        /// What the provider's wall clock is told to be ahead of the truth, in milliseconds.
        var skew: Int64 = 0

        mutating func run(seconds: Int) {
            for second in 1...seconds {
                now = now.advanced(by: .seconds(1))
                if clockSeconds > 0, second % clockSeconds == 0 {
                    tell(.clock(unixMilliseconds: wall + skew))
                    ask(.clock(unixMilliseconds: wall))
                }
                if let due = provider.nextDeadline, due <= now { tell(.deadlineReached) }
                if let due = renter.nextDeadline, due <= now { ask(.deadlineReached) }
            }
        }
    }

    @Test func `an hour at 0.35 an hour is paid to the micro`() {
        var pair = Pair(lease: S.lease())
        pair.run(seconds: 30)
        #expect(pair.provider.owedMicros == 0)
        pair.start()
        pair.run(seconds: 1_800)
        #expect(pair.provider.owedMicros == 175_000 && pair.provider.paidMicros == 175_000)
        pair.tell(.suspend)
        pair.run(seconds: 600)
        #expect(pair.provider.owedMicros == 175_000)
        pair.tell(.resume)
        pair.run(seconds: 600)
        pair.tell(.close(.done))
        #expect(pair.receipt?.owedMicros == pair.receipt?.paidMicros)
        #expect(pair.receipt?.activeSeconds == 2_400 && pair.receipt?.readySeconds == 30)
        #expect(pair.receipt?.code == .done && pair.stops.isEmpty && pair.storedPaid == pair.receipt?.paidMicros)
    }

    @Test(arguments: 0..<20) func `lost ticks and vouchers lose no money, and what is unpaid stays within the limit`(
        seed: Int
    ) {
        var lease = S.lease(hours: 2)
        lease.exposureMicros = lease.cost(ofMilliseconds: 20 * 60_000)
        var pair = Pair(lease: lease, seed: 90_000 + seed)
        pair.loss = 3
        pair.start()
        let interval = lease.cost(ofMilliseconds: 60_000)
        for _ in 0..<60 {
            pair.run(seconds: 60)
            #expect(pair.provider.unpaidMicros <= lease.exposureMicros + interval)
            #expect(pair.provider.paidMicros <= pair.renter.state.promisedMicros)
        }
        pair.loss = 0
        pair.run(seconds: 120)
        #expect(pair.provider.unpaidMicros == 0 && pair.stops.isEmpty)
    }

    @Test func `a renter that stops paying costs its provider at most the exposure limit and an interval`() {
        var pair = Pair(lease: S.lease())
        pair.start()
        pair.run(seconds: 120)
        pair.renterIsGone = true
        pair.run(seconds: 3_000)
        #expect(pair.stops.contains(.unpaid))
        let lease = pair.provider.lease
        #expect(pair.stops.first == .unpaid)
        var again = Pair(lease: lease)
        again.renterIsGone = true
        again.start()
        while again.stops.isEmpty { again.run(seconds: 1) }
        #expect(again.provider.unpaidMicros <= lease.exposureMicros + lease.cost(ofMilliseconds: 60_000))
    }

    @Test func `a provider that overcharges is not paid`() {
        var pair = Pair(lease: S.lease())
        pair.start()
        pair.run(seconds: 60)
        let paid = pair.renter.state.promisedMicros
        let tick = MeterTick(
            lease: pair.provider.lease.lease,
            number: UInt64(S.start + S.hour),
            activeMilliseconds: S.hour,
            owedMicros: 350_000
        )
        pair.ask(.tick(tick.signed(network: S.network, by: S.key(1))))
        #expect(pair.stops == [.notAsDescribed] && pair.renter.state.promisedMicros == paid)
        // Nor is one who is not the provider, or who repeats an old tick, believed.
        var other = Pair(lease: S.lease())
        other.start()
        let forged = MeterTick(lease: tick.lease, number: 5, activeMilliseconds: 1, owedMicros: 1)
        other.ask(.tick(forged.signed(network: S.network, by: S.key(3))))
        other.ask(.tick(forged.signed(network: "other", by: S.key(1))))
        #expect(other.renter.state.promisedMicros == 0)
        other.ask(.tick(forged.signed(network: S.network, by: S.key(1))))
        #expect(other.renter.state.promisedMicros == 1 && other.provider.paidMicros == 1)
    }

    @Test(arguments: [-3_600_000, -60_000, 60_000, 600_000] as [Int64])
    func `a renter whose clock steps pays what was used, and blames nobody`(step: Int64) {
        var pair = Pair(lease: S.lease())
        pair.start()
        pair.run(seconds: 600)
        pair.ask(.clock(unixMilliseconds: pair.wall + step))
        pair.run(seconds: 600)
        #expect(pair.stops.isEmpty)
        #expect(pair.provider.owedMicros == S.lease().cost(ofMilliseconds: 1_200_000))
        #expect(pair.provider.paidMicros == pair.provider.owedMicros)
    }

    @Test func `what the renter had not heard of costs it nothing, but for what clocks may differ by`() {
        let tolerated = S.lease().cost(ofMilliseconds: RenterMeter.toleranceMilliseconds)
        for excess in 0...Int64(1) {
            var pair = Pair(lease: S.lease())
            pair.run(seconds: 1_700)
            pair.ask(.ready(at: pair.wall))
            // The provider says that it has been of use since the award.
            let tick = MeterTick(
                lease: pair.renter.lease.lease,
                number: UInt64(pair.wall),
                activeMilliseconds: 1_700_000,
                owedMicros: tolerated + excess
            )
            pair.ask(.tick(tick.signed(network: S.network, by: S.key(1))))
            #expect(pair.renter.state.promisedMicros == (excess == 0 ? tolerated : 0))
            #expect(pair.stops == (excess == 0 ? [] : [.notAsDescribed]))
        }
    }

    @Test func `a voucher that is not durable does not count, a forged, lower or older one neither`() throws {
        var pair = Pair(lease: S.lease())
        pair.failsWrites = true
        pair.start()
        pair.run(seconds: 61)
        #expect(pair.provider.paidMicros == 0)
        pair.failsWrites = false
        pair.run(seconds: 60)
        let paid = pair.provider.paidMicros
        #expect(paid > 0)
        let newest = try #require(pair.provider.state.best?.voucher.nonce)
        func promise(_ amountMicros: Int64, nonce: UInt64, by signer: Int = 2) {
            let voucher = Voucher(
                lease: pair.provider.lease.lease,
                nonce: nonce,
                amountMicros: amountMicros,
                tickHash: [UInt8](repeating: 1, count: 32)
            )
            pair.tell(.voucher(voucher.signed(network: S.network, by: S.key(signer))))
        }
        promise(300_000, nonce: newest + 1, by: 3)
        promise(1, nonce: newest + 1)
        // The books would take none of these: one nonce is one booking, and the last is the receipt's.
        promise(300_000, nonce: newest)
        promise(300_000, nonce: CreditEntry.lastNonce)
        #expect(pair.provider.paidMicros == paid)
        promise(300_000, nonce: newest + 1)
        #expect(pair.provider.paidMicros == 300_000)
    }

    @Test func `a silent provider counts as gone, a lease that is over stops`() {
        var pair = Pair(lease: S.lease())
        pair.ask(.ready(at: pair.wall))
        pair.run(seconds: 601)
        #expect(pair.stops == [.unreachable])
        var whole = Pair(lease: S.lease())
        whole.start()
        whole.run(seconds: 3_700)
        #expect(whole.stops.first == .expired && whole.provider.owedMicros == 350_000)
    }

    @Test(arguments: [1, 7, 10, 60])
    func `being told the time costs no use, and a step of the clock is none`(clockSeconds: Int) throws {
        var pair = Pair(lease: S.lease())
        pair.clockSeconds = clockSeconds
        pair.start()
        pair.run(seconds: 600)
        #expect(pair.provider.state.activeMilliseconds == 600_000)
        pair.skew = 30_000
        pair.run(seconds: 600)
        pair.skew = -20_000
        pair.run(seconds: 600)
        pair.tell(.close(.done))
        #expect(pair.receipt?.activeSeconds == 1_800 && pair.stops.isEmpty)
        #expect(pair.receipt?.owedMicros == pair.provider.lease.cost(ofMilliseconds: 1_800_000))
    }

    @Test func `a voucher on its way to the disk is not overtaken by an older state`() throws {
        var pair = Pair(lease: S.lease())
        pair.start()
        pair.run(seconds: 60)
        #expect(pair.provider.paidMicros > 0 && !pair.provider.isStoring)
        let voucher = Voucher(
            lease: pair.provider.lease.lease,
            nonce: try #require(pair.provider.state.best?.voucher.nonce) + 1,
            amountMicros: pair.provider.paidMicros + 1,
            tickHash: [UInt8](repeating: 1, count: 32)
        ).signed(network: S.network, by: S.key(2))
        var outputs: [ProviderMeter.Output] = []
        pair.provider.handle(.voucher(voucher), at: pair.now, into: &outputs)
        #expect(pair.provider.isStoring)
        pair.provider.handle(.persistFailed(voucher), at: pair.now, into: &outputs)
        #expect(!pair.provider.isStoring)
    }

    @Test func `the renter countersigns its own lease's receipt, and no more than it promised`() throws {
        var pair = Pair(lease: S.lease())
        pair.start()
        pair.run(seconds: 600)
        pair.tell(.close(.done))
        let body = try #require(pair.receipt)
        let receipt = try S.signed(.receipt(body), by: S.key(1), sequence: 1)
        #expect(pair.renter.agrees(with: receipt))
        var dear = body
        dear.paidMicros += 1
        #expect(!pair.renter.agrees(with: try S.signed(.receipt(dear), by: S.key(1), sequence: 1)))
        #expect(!pair.renter.agrees(with: try S.signed(.receipt(body), by: S.key(3), sequence: 1)))
    }

    @Test func `both parties' words make a lease's standing, and nobody else's`() throws {
        let lease = S.lease()
        func state(
            _ standing: LeaseStanding,
            _ code: CloseCode? = nil,
            by key: Int,
            _ sequence: UInt64
        ) throws -> SignedRecord {
            let body = LeaseStateBody(
                lease: lease.lease,
                marketClass: lease.marketClass,
                provider: lease.provider,
                standing: standing,
                code: code,
                endAt: lease.endAt
            )
            return try S.signed(.leaseState(body), by: S.key(key), sequence: sequence, for: S.hour)
        }
        func standing(_ states: [SignedRecord]) -> LeaseStanding { LeaseView(of: lease, states: states).standing }
        #expect(standing([]) == .reserved)
        let renterActive = try state(.active, by: 2, 1)
        #expect(standing([renterActive]) == .reserved)
        let active = try state(.active, by: 1, 1)
        #expect(standing([active]) == .active)
        let suspended = try state(.suspended, by: 2, 2)
        #expect(standing([active, suspended, renterActive]) == .suspended)
        let stranger = try state(.closed, .done, by: 7, 9)
        #expect(standing([active, stranger]) == .active)
        let (mine, theirs) = (try state(.closed, .done, by: 2, 3), try state(.closed, .maintenance, by: 1, 3))
        let view = LeaseView(of: lease, states: [active, mine, theirs])
        #expect(view.standing == .closed && view.renterCode == .done && view.providerCode == .maintenance)
        var story = BookStory()
        story.admit(try S.signedLease(lease))
        for record in [active, mine] { story.admit(record) }
        #expect(story.book.view(of: lease.lease, with: lease.provider)?.renterCode == .done)
    }
}
