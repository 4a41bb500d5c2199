internal import Foundation
internal import Market
internal import Node
internal import Primitives

// What this node bids, lets, rents and is owed.
extension APIService {
    /// More than any GPU is let for at once.
    private static let bidSecondsMax = LeaseBody.Bounds.durationMillisecondsMax / 1_000

    func placeBid(_ request: BidRequest) async throws -> BidRow {
        let snapshot = try await snapshot()
        let id = try await resolve(request.offer, among: snapshot.listings.map(\.id))
        guard let offer = snapshot.listings.first(where: { $0.id == id })?.offer else {
            throw APIError(.notFound, "no offer is named '\(request.offer)'")
        }
        try Self.checkPrice(of: request, on: offer)
        let slots = request.slots ?? []
        guard (1...Int(Self.bidSecondsMax)).contains(request.seconds) else {
            throw APIError(.badRequest, "a lease lasts from a second to 90 days")
        }
        let count = request.gpus ?? max(1, slots.count)
        guard (1...offer.slots.count).contains(count), slots.isEmpty || slots.count == count else {
            throw APIError(
                .badRequest,
                "a bid is for at least one GPU of the offer's \(offer.slots.count), and names as many slots as GPUs, if any"
            )
        }
        guard Set(slots).isSubset(of: offer.slots), Set(slots).count == slots.count else {
            let named = offer.slots.map(String.init).joined(separator: ", ")
            throw APIError(.badRequest, "the offer's slots are \(named), each once")
        }
        var wish = BidWish(
            offer: id,
            count: count,
            gpuHourMicros: request.priceMicros,
            durationSeconds: request.seconds,
            terms: LeaseTerms(
                image: request.image ?? "",
                command: request.command ?? [],
                environment: request.environment ?? [],
                ports: request.ports ?? [],
                accessKeys: request.sshKeys ?? []
            )
        )
        if let complaint = wish.terms.complaint { throw APIError(.badRequest, complaint) }
        let shown = shownPrices[id]
        // A bare number is in the unit in which the operator has seen the offer.
        wish.unit = request.unit ?? shown?.unit ?? request.priceMicros.map { _ in "USD" }
        wish.gpuHourMicrosMax = request.priceMicros == nil ? shown?.gpuHourMicros : nil
        wish.slots = slots.sorted()
        wish.isPublic = request.isPublic ?? false
        if let exposure = request.exposureMicros { wish.exposureMicrosMax = exposure }
        // From before the bid, so that its end cannot be missed.
        let events = node.events()
        let answer = try await ask(.placeBid(wish, waits: false))
        guard case .bid(var bid) = answer else { throw unexpected(answer) }
        if request.wait ?? true { bid = await Self.end(of: bid, in: events) }
        if case .failed(let failure) = bid.outcome { throw APIError(failure, of: bid, on: offer) }
        return BidRow(bid, lease: try await lease(of: bid))
    }

    /// More than twice the asked price is rather a point in the wrong place than a wish.
    private static func checkPrice(of request: BidRequest, on offer: OfferBody) throws(APIError) {
        guard let price = request.priceMicros, price / 2 > offer.price.gpuHourMicros, request.aboveAsk != true else {
            return
        }
        let asked = "\(PriceUnit.amount(micros: offer.price.gpuHourMicros)) \(offer.price.unit)"
        throw APIError(
            .badRequest,
            "\(PriceUnit.amount(micros: price)) is more than twice what the offer asks (\(asked))",
            hint: "if you mean it, add --above-ask"
        )
    }

    private func lease(of bid: BidStatus) async throws -> LeaseBody? {
        guard case .leased(let lease) = bid.outcome else { return nil }
        return try await summaries().first { $0.lease == lease }?.body
    }

    /// What became of a bid, or the bid as it stands when the request's time is nearly over: an auction may take a day.
    private static func end(of bid: BidStatus, in events: AsyncStream<NodeEvent>) async -> BidStatus {
        guard bid.outcome == .open else { return bid }
        return await withTaskGroup(of: BidStatus?.self) { group in
            group.addTask {
                for await case .bidEnded(let ended) in events where ended.bid == bid.bid { return ended }
                return nil
            }
            group.addTask {
                try? await Task.sleep(for: bidPatience)
                return nil
            }
            defer { group.cancelAll() }
            return await group.next().flatMap(\.self) ?? bid
        }
    }

    /// Within the time that a request may take.
    static var bidPatience: Duration { .seconds(50) }

    func bids() async throws -> [BidRow] {
        let answer = try await ask(.bids)
        guard case .bids(let bids) = answer else { throw unexpected(answer) }
        return bids.map { BidRow($0) }
    }

    func cancelBid(_ name: String) async throws -> BidRow {
        let answer = try await ask(.bids)
        guard case .bids(let bids) = answer else { throw unexpected(answer) }
        let bid = try Self.one(name, of: bids.filter { $0.outcome == .open }, "bid") { $0.bid.description }
        let cancelled = try await ask(.cancelBid(bid.bid))
        guard case .bid(let status) = cancelled else { throw unexpected(cancelled) }
        return BidRow(status)
    }

    func leases() async throws -> [LeaseRow] { try await summaries().map(LeaseRow.init) }

    func lease(named name: String) async throws -> LeaseRow { LeaseRow(try await summary(named: name)) }

    func closeLease(_ name: String, code: Int) async throws -> LeaseRow {
        let lease = try await summary(named: name)
        let standard = lease.isProvider ? CloseCode.maintenance : .done
        guard let code = code == 0 ? standard : CloseCode(rawValue: code) else {
            throw APIError(.badRequest, "a close code is a number from 1000 to 3999")
        }
        let thousand = code.rawValue / 1_000
        guard thousand == 3 || thousand == (lease.isProvider ? 2 : 1) else {
            let own = lease.isProvider ? "a provider's is 2xxx" : "a renter's is 1xxx"
            throw APIError(.badRequest, "\(code.rawValue) is the other party's code", hint: "\(own), either's is 3xxx")
        }
        let answer = try await ask(.closeLease(lease.lease, code))
        guard case .lease(let closed) = answer else { throw unexpected(answer) }
        return LeaseRow(closed)
    }

    func readyLease(_ name: String) async throws -> Outcome {
        _ = try await ask(.readyLease(try await summary(named: name).lease))
        return Outcome()
    }

    /// The operator has settled it by hand.
    func settleLease(_ name: String, _ request: SettleRequest) async throws -> LeaseRow {
        let lease = try await summary(named: name)
        let answer = try await ask(.settleLease(lease.lease, nonce: nil, .settled(reference: request.reference)))
        guard case .lease(let settled) = answer else { throw unexpected(answer) }
        return LeaseRow(settled)
    }

    func receipts() async throws -> [ReceiptRow] { try await summaries().compactMap(ReceiptRow.init) }

    func credit() async throws -> [CreditRow] {
        let answer = try await ask(.credit)
        guard case .credit(let balances) = answer else { throw unexpected(answer) }
        return balances.map(CreditRow.init)
    }

    private func summaries() async throws -> [LeaseSummary] {
        let answer = try await ask(.leases)
        guard case .leases(let leases) = answer else { throw unexpected(answer) }
        return leases
    }

    private func summary(named name: String) async throws -> LeaseSummary {
        try Self.one(name, of: try await summaries(), "lease") { $0.lease.description }
    }

    /// The one that an id, or its beginning, means.
    private static func one<Element>(
        _ name: String,
        of all: [Element],
        _ kind: String,
        id: (Element) -> String
    ) throws(APIError) -> Element {
        let found = name.isEmpty ? [] : all.filter { id($0).hasPrefix(name.lowercased()) }
        guard let first = found.first else {
            throw APIError(.notFound, "this node has no \(kind) '\(name)'", hint: "list them: rialto \(kind) list")
        }
        guard found.count == 1 else {
            let names = found.prefix(8).map { String(id($0).prefix(12)) }.joined(separator: ", ")
            throw APIError(.ambiguous, "'\(name)' means \(found.count) of them", hint: names)
        }
        return first
    }
}

extension APIError {
    /// A bid that came to nothing: why, and what would have been accepted.
    init(_ failure: BidFailure, of bid: BidStatus, on offer: OfferBody) {
        self.init(.refused, failure.sentence, hint: Self.hint(failure, of: bid, on: offer))
    }

    private static func hint(_ failure: BidFailure, of bid: BidStatus, on offer: OfferBody) -> String? {
        switch failure {
        case .refused(let refusal):
            let wait = refusal.retryMilliseconds > 0 ? (refusal.retryMilliseconds + 999) / 1_000 : nil
            switch refusal.code {
            case .priceTooLow where refusal.nearestMicros > 0:
                return
                    "\(PriceUnit.amount(micros: refusal.nearestMicros)) \(bid.unit) for one GPU and hour would be considered"
            case .durationOutOfBounds:
                return "it takes leases from \(span(offer.durationMinSeconds)) to \(span(offer.durationMaxSeconds))"
            case .noFreeSlots: return "look for others with: rialto search; this one lets \(offer.largestBlock) now"
            case .outbid: return "bid more than \(PriceUnit.amount(micros: bid.gpuHourMicros)) \(bid.unit)"
            default: return wait.map { "try again in \($0) s" }
            }
        case .noAnswer: return "the provider may be away; the bid was taken back, so bid again, or choose another"
        case .uncertain: return "wait before you bid elsewhere; a lease would be in: rialto lease list"
        case .clocksDiffer: return "set the clock of this machine (rialto doctor), or choose another provider"
        case .notSigned(let refusal): return APIError(refusal).hint
        case .wrongAward, .slotTaken: return "choose another provider"
        case .notDurable: return "see: rialto doctor"
        case .cancelled, .invalid, .tooManyBids: return nil
        }
    }

    /// A time in the largest unit that it is whole in.
    private static func span(_ seconds: Int) -> String {
        let units = [(86_400, "d"), (3_600, "h"), (60, "m")]
        let unit = units.first { seconds > 0 && seconds.isMultiple(of: $0.0) } ?? (1, "s")
        return "\(seconds / unit.0)\(unit.1)"
    }
}
