internal import Cryptography

extension RecordBook {
    /// Why a record left, if nothing took its place.
    enum Departure { case expired, evicted }

    /// Brings the rows up to date that a record has a part in.
    mutating func refreshRows(
        touchedBy record: SignedRecord,
        cause: Departure = .expired,
        at now: Int64,
        into changes: inout [BookChange]
    ) {
        let subject = record.subject
        switch subject.kind {
        case .offer: refreshRow(of: subject, cause: cause, at: now, into: &changes)
        case .machine, .presence:
            refreshRows(of: subject.author, in: record.marketClass, cause: cause, at: now, into: &changes)
        case .conflict:
            guard case .conflict(let body) = record.record.body else { return }
            for rival in [body.first, body.second] {
                refreshRows(touchedBy: rival, cause: cause, at: now, into: &changes)
            }
        case .proof:
            for marketClass in MarketClass.allCases.sorted() {
                refreshRows(of: subject.author, in: marketClass, cause: cause, at: now, into: &changes)
            }
        // A withdrawal's subject is what it withdraws; the others have no part in rows.
        case .withdrawal, .request, .bid, .lease, .leaseState, .receipt, .countersignature, .attestation, .storefront:
            break
        }
        refreshStatement(of: subject)
    }

    /// A machine that changes its class leaves the rows of the old one.
    mutating func refreshRowsOfOldClass(
        _ old: SignedRecord,
        newClass: MarketClass,
        replaced holding: Holding,
        at now: Int64,
        into changes: inout [BookChange]
    ) {
        guard old.subject.kind == .machine, old.marketClass != newClass else { return }
        holdings[old.subject] = holding
        refreshRows(touchedBy: old, at: now, into: &changes)
    }

    private mutating func refreshRows(
        of provider: Ed25519.PublicKey,
        in marketClass: MarketClass,
        cause: Departure,
        at now: Int64,
        into changes: inout [BookChange]
    ) {
        let offers = groups[Group(author: provider, kind: .offer, marketClass: marketClass)] ?? []
        for member in offers { refreshRow(of: member.subject, cause: cause, at: now, into: &changes) }
    }

    private mutating func refreshRow(
        of subject: SubjectKey,
        cause: Departure,
        at now: Int64,
        into changes: inout [BookChange]
    ) {
        let old = rows[subject].map { (row: $0, listing: listings[$0.position]) }
        guard let new = makeListing(of: subject) else {
            if let old { removeRow(subject, old.row, old.listing, cause: cause, into: &changes) }
            return
        }
        let liveness = new.liveness(at: now)
        generation += 1
        guard let old else {
            rows[subject] = Row(position: listings.count, announced: liveness)
            listings.append(new)
            if liveness != .gone { changes.append(.listing(.appeared(new))) }
            rearm(subject, at: now)
            return
        }
        listings[old.row.position] = new
        rows[subject]?.announced = liveness
        let isNew = old.listing.record.id != new.record.id || old.listing.machineRecord?.id != new.machineRecord?.id
        switch (old.row.announced, liveness) {
        case (.gone, .live), (.gone, .silent): changes.append(.listing(.appeared(new)))
        case (.live, .gone), (.silent, .gone): changes.append(.listing(.gone(new)))
        case (.live, .silent): changes.append(.listing(.silent(new)))
        case (.silent, .live): changes.append(.listing(.changed(new)))
        case (.live, .live), (.silent, .silent): if isNew { changes.append(.listing(.changed(new))) }
        case (.gone, .gone): break
        }
        rearm(subject, at: now)
    }

    /// Time has passed: tells whether the row fell silent or went.
    mutating func announceLiveness(of subject: SubjectKey, at now: Int64, into changes: inout [BookChange]) {
        guard let row = rows[subject] else { return }
        let listing = listings[row.position]
        let liveness = listing.liveness(at: now)
        guard liveness != row.announced else { return }
        rows[subject]?.announced = liveness
        generation += 1
        switch liveness {
        case .live: changes.append(.listing(.changed(listing)))
        case .silent: changes.append(.listing(.silent(listing)))
        case .gone: changes.append(.listing(.gone(listing)))
        }
    }

    private mutating func removeRow(
        _ subject: SubjectKey,
        _ row: Row,
        _ listing: Listing,
        cause: Departure,
        into changes: inout [BookChange]
    ) {
        generation += 1
        let last = listings.removeLast()
        if row.position < listings.count {
            listings[row.position] = last
            rows[last.record.subject]?.position = row.position
        }
        rows[subject] = nil
        rearm(subject, at: .min)
        guard row.announced != .gone else { return }
        guard let holding = holdings[subject] else {
            switch cause {
            case .expired: changes.append(.listing(.expired(listing)))
            case .evicted: changes.append(.listing(.evicted(listing)))
            }
            return
        }
        if case .withdrawal(let body) = holding.record.record.body, !isHidden(subject, holding) {
            changes.append(.listing(.withdrawn(listing, reason: body.reason)))
        } else {
            changes.append(.listing(.hidden(listing)))
        }
    }

    /// Joins an offer with its machine and its provider's presence; `nil` if there is no offer to show.
    private func makeListing(of subject: SubjectKey) -> Listing? {
        guard let holding = holdings[subject], !isHidden(subject, holding), !isProven(subject.author),
            case .offer(let offer) = holding.record.record.body
        else { return nil }
        let record = holding.record
        let machineRecord = current(subject.sibling(.machine, offer.machine.bytes))
        var machine: MachineBody?
        if case .machine(let body) = machineRecord?.record.body, body.marketClass == offer.marketClass {
            machine = body
        }
        let presenceKey = subject.sibling(.presence, [offer.marketClass.rawValue])
        var (heardAt, presence): (Int64, PresenceBody?) = (holding.receivedAt, nil)
        var vouchedUntil = record.record.issuedAt + Listing.vouchedMilliseconds
        if let held = holdings[presenceKey], !isHidden(presenceKey, held),
            case .presence(let body) = held.record.record.body
        {
            presence = body
            heardAt = max(heardAt, held.receivedAt)
            // The newest presence that has seen this version of the offer decides; an older one says nothing about it.
            if body.highSequence >= record.record.sequence {
                vouchedUntil = body.offerCount == 0 ? 0 : held.record.record.issuedAt + Listing.vouchedMilliseconds
            }
        }
        return Listing(
            record: record,
            offer: offer,
            machineRecord: machine == nil ? nil : machineRecord,
            machine: machine,
            presence: presence,
            heardAt: heardAt,
            vouchedUntil: vouchedUntil
        )
    }
}
