internal import Cryptography
internal import DequeModule
internal import OrderedCollections
internal import Primitives

// "I am here", and what the desk does when somebody else says so in its name.
extension ProviderDesk {
    mutating func open(at now: Instant, into outputs: inout [Output]) {
        guard phase == .catchingUp else { return }
        phase = .open
        if mayRepeatItself, !ledger.machines.isEmpty { waiting.prepend(.redrawMachines) }
        mayRepeatItself = false
        let wall = clock.unixMilliseconds(at: now)
        for (subject, record) in records.elements where !record.isWithdrawal {
            let age = Duration.milliseconds(max(0, wall - record.record.issuedAt))
            renewals[subject] = now.advanced(by: max(.zero, config.recordLifetime / 2 - age))
        }
        // What outlived its renewal while the node was away is signed anew before anything else is said.
        expire(at: now, into: &outputs)
        for record in records.values where record.record.expiresAt > wall { outputs.append(.publish(record)) }
        announceNewClasses(at: now, into: &outputs)
        proceed(at: now, into: &outputs)
    }

    /// Vouches at once for classes that no presence speaks for yet.
    mutating func announceNewClasses(at now: Instant, into outputs: inout [Output]) {
        guard phase == .open else { return }
        let classes = Set(ledger.offers.values.map(\.marketClass))
        announce(classes.sorted().filter { presences[$0] == nil }, at: now, into: &outputs)
        for marketClass in presences.keys where !classes.contains(marketClass) { presences[marketClass] = nil }
    }

    /// Renews what is due; whoever was silent so long that nobody counts on it any more says so aloud.
    mutating func announceDue(at now: Instant, into outputs: inout [Output]) {
        let due = presences.elements.filter { $0.value <= now }
        let patience = max(.zero, .milliseconds(Listing.vouchedMilliseconds) - config.presenceInterval)
        let silent = due.filter { $0.value.advanced(by: patience) <= now }.map(\.key)
        announce(silent, at: now, into: &outputs)
        announce(due.map(\.key).filter { !silent.contains($0) }, isRenewal: true, at: now, into: &outputs)
    }

    mutating func moved(to addresses: [[UInt8]], at now: Instant, into outputs: inout [Output]) {
        let usable = addresses.filter { $0.count <= PresenceBody.Bounds.addressByteCountMax }
        let sorted = Set(usable).sorted { $0.lexicographicallyPrecedes($1) }
        let kept = Array(sorted.prefix(PresenceBody.Bounds.addressCountMax))
        guard kept != self.addresses else { return }
        self.addresses = kept
        guard phase == .open else { return }
        announce(Array(presences.keys), at: now, into: &outputs)
    }

    mutating func shutDown(at now: Instant, into outputs: inout [Output]) {
        let wasOpen = phase == .open
        phase = .closed
        for wish in waiting {
            if let request = wish.request { outputs.append(.answered(request, .failure(.shuttingDown))) }
        }
        waiting.removeAll()
        guard wasOpen else {
            outputs.append(.saidGoodbye)
            return
        }
        // What is on its way to the disk is published first, so that the goodbye is the newest word.
        if current == nil { sayGoodbye(at: now, into: &outputs) }
    }

    mutating func sayGoodbye(at now: Instant, into outputs: inout [Output]) {
        let classes = Array(presences.keys)
        presences.removeAll()
        let records = classes.compactMap { try? presence(for: $0, isGoodbye: true, at: now) }
        goodbyeTicket = state(records, into: &outputs)
        if goodbyeTicket == nil { outputs.append(.saidGoodbye) }
    }

    private mutating func announce(
        _ classes: [MarketClass],
        isRenewal: Bool = false,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        for marketClass in classes {
            let interval = random.jittered(config.presenceInterval, by: DeskConfig.presenceJitter)
            presences[marketClass] = now.advanced(by: interval)
        }
        let records = classes.compactMap { try? presence(for: $0, isGoodbye: false, at: now) }
        _ = state(records, isRenewal: isRenewal, into: &outputs)
    }

    mutating func publish(_ finding: RecordBody, at now: Instant, into outputs: inout [Output]) {
        guard phase == .open, let record = try? sign(finding, at: now) else { return }
        _ = state([record], into: &outputs)
    }

    /// Publishes what needs no place in the ledger; returns the write that it waits for, if it needs a block of numbers.
    private mutating func state(
        _ records: [SignedRecord],
        isRenewal: Bool = false,
        into outputs: inout [Output]
    ) -> DeskTicket? {
        guard !records.isEmpty else { return nil }
        guard let block = sequence.blockToReserve else {
            for record in records { outputs.append(isRenewal ? .renew(record) : .publish(record)) }
            return nil
        }
        let ticket = drawTicket()
        heldStatements[ticket] = (block, records, isRenewal)
        outputs.append(.persist(ticket, [.reserveSequences(upTo: block)]))
        return ticket
    }

    private mutating func presence(
        for marketClass: MarketClass,
        isGoodbye: Bool,
        at now: Instant
    ) throws(DeskRefusal) -> SignedRecord {
        let offers = ledger.offers.values.filter { $0.marketClass == marketClass }
            .compactMap { records[.offer($0.offer, of: key.publicKey)] }
        let vouched = isGoodbye ? [] : offers
        let body = PresenceBody(
            marketClass: marketClass,
            highSequence: sequence.last,
            offerCount: vouched.count,
            offerDigest: vouched.isEmpty ? [] : OfferDigest.digest(of: vouched),
            addresses: isGoodbye ? [] : addresses
        )
        return try sign(.presence(body), at: now)
    }

    /// Somebody showed a record that our key signed.
    mutating func seen(_ record: SignedRecord, into outputs: inout [Output]) {
        guard record.author == key.publicKey else { return }
        let number = record.record.sequence
        switch phase {
        case .catchingUp:
            // An older state than the one in which this was signed.
            if number > sequence.reserved { mayRepeatItself = true }
            sequence.raise(above: number)
        case .open where isForeign(number), .doubting where isForeign(number):
            phase = .stopped
            outputs.append(.signingStopped)
        case .open, .doubting, .stopped, .closed:
            break
        }
    }

    /// Whether our key was used for this number elsewhere: above our block, or in this run and not by us.
    private func isForeign(_ number: UInt64) -> Bool {
        if number > max(sequence.reserved, sequence.last) { return true }
        guard let firstSequence, let oldest = signedSequences.first, number >= firstSequence, number >= oldest else {
            return false
        }
        return !signedSequences.contains(number)
    }

    /// Signs again: whatever was to be renewed in the meantime, by the time as it is now, before anything else.
    mutating func reopen(at now: Instant, into outputs: inout [Output]) {
        phase = .catchingUp
        open(at: now, into: &outputs)
    }

    mutating func resume(at now: Instant, into outputs: inout [Output]) {
        if phase == .doubting { return reopen(at: now, into: &outputs) }
        guard phase == .stopped else { return }
        // Above whatever the other holder used; the two can no longer contradict each other by accident.
        sequence.raise(above: sequence.last + SequenceReservation.block)
        signedSequences.removeAll()
        firstSequence = nil
        mayRepeatItself = true
        reopen(at: now, into: &outputs)
    }
}
