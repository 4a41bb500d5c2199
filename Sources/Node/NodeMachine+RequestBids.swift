internal import Cryptography
internal import Market
internal import OrderedCollections
internal import Primitives

// The reverse auction as its providers see it: what others ask for is bid on with the offers that are out.
extension NodeMachine {
    /// Whether `considerRequests` has to look at it: hardly any record.
    func isAboutRequests(_ record: SignedRecord) -> Bool {
        switch record.kind {
        case .request, .bid: true
        case .offer: record.author == key.publicKey
        case .machine, .presence, .withdrawal, .conflict, .lease, .leaseState, .receipt, .countersignature,
            .attestation, .proof, .storefront:
            false
        }
    }

    /// A record reached the book: it may be worth a bid.
    mutating func considerRequests(after record: SignedRecord, at now: Instant) {
        switch record.record.body {
        case .request(let body):
            if record.author == key.publicKey {
                requests.own[body.request]?.record = record
            } else {
                answer(record, at: now)
            }
        case .bid(let body):
            guard case .request(let request) = body.target, record.author != key.publicKey,
                requests.answers[.request(request, of: body.counterparty)] != nil,
                let asked = book.current(.request(request, of: body.counterparty))
            else { return }
            answer(asked, at: now)
        case .offer where record.author == key.publicKey:
            for asked in book.statements.requests where asked.record.marketClass == record.record.marketClass {
                answer(asked, at: now)
            }
        default: break
        }
    }

    private mutating func answer(_ asked: SignedRecord, at now: Instant) {
        guard leaseSeat.policy.bidsOnRequests, desk.isSigning, !desk.offers.isEmpty,
            case .request(let request) = asked.record.body
        else { return }
        let wall = wall.unixMilliseconds(at: now)
        let known = requests.answers[asked.subject]
        guard known?.roundCount ?? 0 < RequestBidder.roundCountMax else { return }
        let listings = ownListings(at: now)
        let rivals = rivals(of: asked, request)
        let bid = RequestBidder(me: key.publicKey, policy: leaseSeat.policy.counter).bid(
            on: asked,
            with: listings,
            rivals: rivals,
            standing: known?.micros,
            at: wall
        )
        guard let bid else { return }
        let id = known?.bid ?? BidID(random: &random)
        let until = request.deadline + RequestDesk.slackMilliseconds
        let body = BidBody(
            bid: id,
            marketClass: asked.record.marketClass,
            counterparty: asked.author,
            offer: bid.offer.offer,
            target: .request(request.request),
            targetRecord: asked.id,
            count: bid.count,
            unit: request.unit,
            gpuHourMicros: bid.gpuHourMicros,
            durationSeconds: request.durationSeconds,
            startBy: until,
            validUntil: until,
            // A provider runs what the renter says in its own bid; there is nothing to commit to yet.
            termsHash: [UInt8](repeating: 0, count: BidBody.Bounds.termsHashByteCount),
            auctionDeadline: request.deadline
        )
        let answer = RequestDesk.Answer(
            bid: id,
            micros: bid.gpuHourMicros,
            roundCount: (known?.roundCount ?? 0) + 1,
            deadline: request.deadline
        )
        requests.note(answer, to: asked.subject, at: wall)
        state(.bid(body), expiresAt: until, for: request.hasPublicBids ? .announcement : .privateBid)
    }

    /// The offers that are out, with what is free of them now: what was awarded a moment ago the book does not know yet.
    private func ownListings(at now: Instant) -> [Listing] {
        desk.offers.compactMap { offer in
            guard case .offer(let body) = offer.record.body else { return nil }
            let taken = leases.first?.takenSlots(of: body.marketClass, at: now) ?? []
            return book.listing(for: ListingID(provider: offer.author, offer: body.offer))?
                .letting(body.slots.filter { !taken.contains($0) })
        }
    }

    private func rivals(of asked: SignedRecord, _ request: RequestBody) -> [Int64] {
        book.statements.bids.compactMap { record in
            guard case .bid(let body) = record.record.body, body.target == .request(request.request),
                body.counterparty == asked.author, body.unit == request.unit, record.author != key.publicKey
            else { return nil }
            return body.gpuHourMicros
        }
    }
}
