import Cryptography
import Identity
import Market
import OrderedCollections
import Primitives
import Swarm
import Testing

@testable import Node

/// However much others say, what is kept of it has an end.
@Suite struct `Limits of the leases` {
    private static let wall: Int64 = 1_790_000_000_000
    private static let network = "limits"

    private static func key(_ number: Int) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 7, count: 30))
    }

    private static func identifier(_ number: Int) -> [UInt8] {
        [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 1, count: 14)
    }

    /// The leases of key 0, whose clock is told.
    private static func machine() -> LeaseMachine {
        var machine = LeaseMachine(
            key: key(0),
            network: network,
            sealingSecret: [UInt8](repeating: 3, count: 32),
            policy: LeasePolicy(),
            restored: [],
            requestIDs: 1...1_000_000,
            random: SeededRandom(seed: [UInt8](repeating: 5, count: SeededRandom.seedByteCount))
        )
        var outputs: [LeaseMachine.Output] = []
        machine.handle(.clock(unixMilliseconds: wall), at: .zero, into: &outputs)
        return machine
    }

    private static func signed(_ body: RecordBody, by author: Int, sequence: Int = 1) throws -> SignedRecord {
        let record = Record(
            network: network,
            sequence: UInt64(sequence),
            issuedAt: wall,
            expiresAt: wall + 40_000,
            body: body
        )
        return try SignedRecord(signing: record, by: key(author))
    }

    /// A bid of `author` to `party`.
    private static func bid(
        _ number: Int,
        by author: Int,
        to party: Int,
        target: BidBody.Target = .offer,
        price: Int = 1_000,
        termsHash: [UInt8] = [UInt8](repeating: 0, count: 32)
    ) throws -> SignedRecord {
        let body = BidBody(
            bid: try #require(BidID(identifier(number))),
            marketClass: .nvidiaConsumer,
            counterparty: key(party).publicKey,
            offer: try #require(OfferID(identifier(1))),
            target: target,
            targetRecord: try #require(RecordID([UInt8](repeating: 9, count: 32))),
            count: 1,
            unit: "USD",
            gpuHourMicros: Int64(price),
            durationSeconds: 600,
            startBy: wall + 40_000,
            validUntil: wall + 40_000,
            termsHash: termsHash,
            auctionDeadline: wall + 30_000
        )
        return try signed(.bid(body), by: author)
    }

    @Test func `of bids that wait for what the peers know, the oldest are forgotten`() throws {
        var machine = Self.machine()
        let (terms, salt) = (LeaseTerms(image: "a"), [UInt8](repeating: 2, count: LeaseTerms.Bounds.saltByteCount))
        let sealingKey = X25519.KeyPair(secret: machine.sealingSecret).publicKey
        var outputs: [LeaseMachine.Output] = []
        for number in 0..<LeaseLimits.heldBidCountMax + 3 {
            let bid = try Self.bid(number, by: 1, to: 0, termsHash: terms.hash(salt: salt))
            let box = terms.sealed(
                bid: try #require(BidID(Self.identifier(number))),
                from: Self.key(1).publicKey,
                to: Self.key(0).publicKey,
                sealingKey: sealingKey,
                salt: salt,
                ephemeralSecret: [UInt8](repeating: 4, count: 32)
            )
            machine.receive(
                bid: bid.envelope,
                sealedTerms: try #require(box),
                CounterConversation(rawValue: UInt64(number)),
                from: Self.key(1).publicKey,
                at: nil,
                now: .zero,
                into: &outputs
            )
            machine.checkInvariants()
        }
        let kept = machine.heldBids.map(\.conversation.rawValue)
        #expect(kept == (3..<UInt64(LeaseLimits.heldBidCountMax) + 3).map { $0 })
        machine.handle(.caughtUp, at: .zero, into: &outputs)
        #expect(machine.heldBids.isEmpty)
    }

    @Test func `of private bids that are open, the oldest are said no more`() throws {
        var machine = Self.machine()
        var outputs: [LeaseMachine.Output] = []
        for number in 0..<LeaseLimits.privateBidCountMax + 2 {
            let request = try #require(RequestID(Self.identifier(number)))
            machine.handle(
                .tell(try Self.bid(number, by: 0, to: 1, target: .request(request))),
                at: .zero,
                into: &outputs
            )
            outputs = []
        }
        machine.checkInvariants()
        #expect(machine.privateBids.count == LeaseLimits.privateBidCountMax)
        #expect(machine.privateBids.keys.first == BidID(Self.identifier(2)))
        machine.handle(.deadlineReached, at: .zero.advanced(by: .seconds(31)), into: &outputs)
        #expect(machine.privateBids.isEmpty && machine.privateDeadlines.earliest == nil)
    }

    @Test func `a lease that is shown to a node whose books are full waits until there is room`() throws {
        var machine = Self.machine()
        var outputs: [LeaseMachine.Output] = []
        let (record, body) = try Self.lease()
        let adoption = LeaseMachine.Adoption(record: record, body: body, words: [], conversation: nil)
        for number in 0..<LeaseLimits.leaseCountMax {
            machine.adoptions[try #require(LeaseID(Self.identifier(number)))] = adoption
        }
        machine.handle(.found(record, words: []), at: .zero, into: &outputs)
        #expect(machine.adoptions[body.lease] == nil && outputs.isEmpty)
        machine.adoptions.removeLast()
        machine.handle(.found(record, words: []), at: .zero, into: &outputs)
        #expect(machine.adoptions[body.lease] != nil && machine.adoptions.count == LeaseLimits.leaseCountMax)
    }

    /// A lease of key 1's device to key 0.
    private static func lease() throws -> (SignedRecord, LeaseBody) {
        let body = LeaseBody(
            marketClass: .nvidiaConsumer,
            machine: try #require(MachineID(identifier(1))),
            offer: try #require(OfferID(identifier(1))),
            provider: key(1).publicKey,
            renter: key(0).publicKey,
            bid: try #require(BidID(identifier(1))),
            slots: [LeaseBody.Slot(number: 0, previous: nil)],
            startAt: wall,
            endAt: wall + 40_000,
            price: PriceTerms(unit: "USD", gpuHourMicros: 1_000),
            capMicros: 12,
            mode: .onDemand,
            meterSeconds: 60,
            exposureMicros: 12,
            noticeSeconds: 0,
            settlement: "credit",
            termsHash: [UInt8](repeating: 0, count: 32)
        )
        let acceptance = LeaseAcceptance(accepting: body, network: network, until: wall + 20_000, by: key(0))
        return (try signed(.lease(AcceptedLease(body: body, acceptance: acceptance)), by: 1), body)
    }

    @Test func `of private bids on one request, the dearest goes`() throws {
        let request = try #require(RequestID(Self.identifier(1)))
        var desk = try Self.requestDesk(request)
        for number in 0..<PrivateBids.countMax {
            let bid = try Self.bid(number, by: number + 1, to: 0, target: .request(request), price: 1_000 + number)
            #expect(desk.keep(bid, from: UInt64(number), on: request, paid: { [] }) == nil)
        }
        let dearer = try Self.bid(200, by: 200, to: 0, target: .request(request), price: 5_000)
        #expect(desk.keep(dearer, from: 200, on: request, paid: { [] }) == Refusal(.outbid))
        let cheaper = try Self.bid(201, by: 201, to: 0, target: .request(request), price: 1)
        #expect(desk.keep(cheaper, from: 201, on: request, paid: { [] }) == nil)
        let kept = try #require(desk.own[request]?.privateBids?.records)
        #expect(kept.count == PrivateBids.countMax && kept.last == cheaper)
        #expect(!kept.map(\.author).contains(Self.key(PrivateBids.countMax).publicKey), "the dearest of the others")
    }

    @Test func `a word that was not kept sets its network back for an hour, and the last attempts are remembered`()
        throws
    {
        let request = try #require(RequestID(Self.identifier(1)))
        var desk = try Self.requestDesk(request)
        func attempt(_ number: Int) -> RequestStatus.Attempt {
            RequestStatus.Attempt(provider: Self.key(number).publicKey, answer: .bid(.refused(Refusal(.noFreeSlots))))
        }
        for number in 1...RequestDesk.lapseCountMax + 1 {
            desk.note(attempt(number % 200), of: UInt64(number), on: request, at: Self.wall)
            desk.note(attempt(number % 200), of: RequestDesk.unknownNetwork, on: request, at: Self.wall)
        }
        let ours = RequestStatus.Attempt(provider: Self.key(1).publicKey, answer: .bid(.notDurable))
        desk.note(ours, of: 999, on: request, at: Self.wall)
        let other = RequestDesk.Own(plan: try #require(desk.own[request]).plan)
        func turns(_ network: UInt64, later milliseconds: Int64 = 0) -> Int {
            desk.turns(of: network, for: other, at: Self.wall + milliseconds)
        }
        #expect([turns(1), turns(2), turns(257), turns(RequestDesk.unknownNetwork)] == [0, 1, 1, 0])
        #expect(turns(999) == 0, "our own disk")
        #expect(turns(2, later: 3_600_000) == 0)
        desk.forgive(2)
        #expect(turns(2) == 0)
        let own = try #require(desk.own[request])
        #expect(own.attempts.count == RequestDesk.attemptCountMax && own.turns[RequestDesk.unknownNetwork] == 257)
        #expect(desk.turns(of: 3, for: own, at: Self.wall) == 2)
    }

    private static func requestDesk(_ request: RequestID) throws -> RequestDesk {
        let body = RequestBody(
            request: request,
            alternatives: [RequestBody.Alternative(marketClass: .nvidiaConsumer, catalogueIDs: [], count: 1)],
            unit: "USD",
            totalMicrosMax: 1_000_000,
            durationSeconds: 600,
            deadline: wall + 30_000,
            hasPublicBids: false,
            sealingKey: [UInt8](repeating: 6, count: 32)
        )
        let record = try signed(.request(body), by: 0)
        var desk = RequestDesk(stored: [])
        let plan = RequestPlan(
            request: request,
            deadline: body.deadline,
            isAutomatic: false,
            terms: LeaseTerms(image: "a")
        )
        desk.own[request] = RequestDesk.Own(plan: plan, record: record)
        return desk
    }

    @Test func `a row that is neither an award nor a bid is let go, and stops nobody`() {
        let junk = StoredRow(.awards, key: Self.identifier(1), value: [1, 2, 3])
        let restored = RestoredLeases([junk], own: Self.key(0).publicKey)
        #expect(restored.unreadableCount == 0 && restored.unreadableAwards == [junk.key])
        let lease = StoredRow(.leases, key: Self.identifier(1), value: [1, 2, 3])
        #expect(RestoredLeases([lease], own: Self.key(0).publicKey).unreadableCount == 1)
    }
}

/// What one peer asks has an end, and takes nothing from others.
@Suite struct `Conversations about leases` {
    private static let peers = (0..<3).map { number in
        PeerID(publicKey: Ed25519.PrivateKey(seed: [UInt8](repeating: UInt8(number + 1), count: 32)).publicKey)
    }

    private struct Street {
        var streams = MarketStreams(requestIDs: 1...1_000)
        var now = Instant.zero
        var outputs: [MarketStreams.Output] = []

        mutating func handle(_ input: MarketStreams.Input) {
            streams.handle(input, at: now, into: &outputs)
            streams.checkInvariants()
        }

        mutating func hear(_ output: SwarmMachine.Output) { handle(.swarm(output, from: nil)) }

        /// A peer asks, `count` times; the numbers of the conversations.
        mutating func ask(_ count: Int, on stream: StreamHandle, from number: Int = 1) throws -> [CounterConversation] {
            outputs = []
            for id in number..<number + count {
                let bid = try #require(BidID([UInt8](repeating: 1, count: 16)))
                let message = MarketMessage(id: UInt64(id), content: .cancel(bid))
                hear(.data(stream, LengthPrefixedFrames.framed(message.encoded)))
            }
            return outputs.compactMap { if case .asked(let conversation, _, _, _) = $0 { conversation } else { nil } }
        }

        var resets: [StreamHandle] {
            outputs.compactMap { if case .swarm(.reset(let stream)) = $0 { stream } else { nil } }
        }

        /// Whether an answer goes out.
        mutating func answers(_ conversation: CounterConversation) -> Bool {
            outputs = []
            handle(.reply(conversation, .done))
            return !outputs.isEmpty
        }
    }

    private static func stream(_ number: UInt32) -> StreamHandle {
        StreamHandle(connection: ConnectionID(rawValue: UInt64(number)), stream: number)
    }

    @Test func `a peer that asks too much loses its own oldest, and nobody else's`() throws {
        var street = Street()
        street.hear(.inboundStream(Self.stream(1), Self.peers[0], MarketMessage.protocolID))
        street.hear(.inboundStream(Self.stream(2), Self.peers[1], MarketMessage.protocolID))
        let honest = try #require(try street.ask(1, on: Self.stream(2)).first)
        let many = try street.ask(LeaseLimits.conversationsPerPeerMax + 2, on: Self.stream(1))
        #expect(many.count == LeaseLimits.conversationsPerPeerMax + 2)
        #expect(!street.answers(many[0]) && !street.answers(many[1]))
        #expect(street.answers(many[2]) && street.answers(honest))
    }

    @Test func `a new stream brings no new allowance, a new connection does`() throws {
        var street = Street()
        street.hear(.inboundStream(Self.stream(1), Self.peers[0], MarketMessage.protocolID))
        #expect(try street.ask(LeaseLimits.questionBurst, on: Self.stream(1)).count == LeaseLimits.questionBurst)
        street.hear(.streamReset(Self.stream(1)))
        street.hear(.inboundStream(Self.stream(3), Self.peers[0], MarketMessage.protocolID))
        #expect(try street.ask(1, on: Self.stream(3)).isEmpty, "dropped: too many at once")
        street.hear(.disconnected(Self.peers[0], .requested))
        street.hear(.inboundStream(Self.stream(5), Self.peers[0], MarketMessage.protocolID))
        #expect(try street.ask(1, on: Self.stream(5)).count == 1)
    }

    @Test func `a peer has four streams of its own, and the others theirs`() {
        var street = Street()
        for number in 1...UInt32(LeaseLimits.inboundPerPeerMax) {
            street.hear(.inboundStream(Self.stream(number), Self.peers[0], MarketMessage.protocolID))
        }
        #expect(street.outputs.isEmpty)
        street.hear(.inboundStream(Self.stream(90), Self.peers[0], MarketMessage.protocolID))
        #expect(street.resets == [Self.stream(90)])
        street.hear(.inboundStream(Self.stream(91), Self.peers[1], MarketMessage.protocolID))
        street.hear(.streamReset(Self.stream(1)))
        street.hear(.inboundStream(Self.stream(92), Self.peers[0], MarketMessage.protocolID))
        #expect(street.resets == [Self.stream(90)])
    }

    @Test func `questions without an answer are bounded: the next is told undelivered, an answer makes room`() throws {
        var street = Street()
        street.hear(.inboundStream(Self.stream(1), Self.peers[0], MarketMessage.protocolID))
        let bid = try #require(BidID([UInt8](repeating: 1, count: 16)))
        func ask(_ number: Int, _ street: inout Street) throws -> [MarketStreams.Output] {
            let bytes = [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 2, count: 14)
            street.outputs = []
            street.handle(
                .ask(.recovery(try #require(LeaseID(bytes))), .cancel(bid), Self.peers[0], addresses: [])
            )
            return street.outputs
        }
        var written: [UInt8] = []
        for number in 0..<LeaseLimits.awaitingCountMax {
            guard case .swarm(.write(_, let bytes))? = try ask(number, &street).first else {
                Issue.record("\(number): \(street.outputs)")
                return
            }
            if number == 0 { written = bytes }
        }
        guard case .undelivered(.recovery, Self.peers[0])? = try ask(9_999, &street).first else {
            Issue.record("\(street.outputs)")
            return
        }
        var frames = LengthPrefixedFrames(byteCountMax: MarketMessage.byteCountMax)
        frames.append(written)
        let first = try MarketMessage(parsing: try #require(try frames.next()))
        let answer = MarketMessage(id: first.id, content: .done)
        street.hear(.data(Self.stream(1), LengthPrefixedFrames.framed(answer.encoded)))
        guard case .swarm(.write)? = try ask(9_999, &street).first else {
            Issue.record("\(street.outputs)")
            return
        }
    }

    @Test func `what waits for one peer is bounded, and what waited goes out when it is reached`() throws {
        var street = Street()
        let bid = try #require(BidID([UInt8](repeating: 1, count: 16)))
        for number in 0...LeaseLimits.waitingCountMax {
            let lease = try #require(LeaseID([UInt8(number)] + [UInt8](repeating: 2, count: 15)))
            street.handle(.ask(.recovery(lease), .cancel(bid), Self.peers[0], addresses: []))
        }
        let undelivered = street.outputs.count { if case .undelivered = $0 { true } else { false } }
        #expect(undelivered == 1 && street.outputs.count == 2, "one dial, one refusal")
        street.outputs = []
        street.hear(.inboundStream(Self.stream(1), Self.peers[0], MarketMessage.protocolID))
        #expect(
            street.outputs.count { if case .swarm(.write) = $0 { true } else { false } } == LeaseLimits.waitingCountMax
        )
    }

    @Test func `what waits for a congested stream is told undelivered when the stream dies`() throws {
        var street = Street()
        let lease = try #require(LeaseID([UInt8](repeating: 2, count: 16)))
        street.hear(.inboundStream(Self.stream(1), Self.peers[0], MarketMessage.protocolID))
        street.hear(.streamCongested(Self.stream(1)))
        let bid = try #require(BidID([UInt8](repeating: 1, count: 16)))
        street.handle(.ask(.recovery(lease), .cancel(bid), Self.peers[0], addresses: []))
        #expect(street.outputs.isEmpty)
        street.hear(.streamReset(Self.stream(1)))
        guard case .undelivered(.recovery(lease), Self.peers[0])? = street.outputs.last else {
            Issue.record("\(street.outputs)")
            return
        }
        // Asked again, the peer is dialled.
        street.outputs = []
        street.handle(.ask(.recovery(lease), .cancel(bid), Self.peers[0], addresses: []))
        guard case .swarm(.connect)? = street.outputs.first else {
            Issue.record("\(street.outputs)")
            return
        }
    }
}
