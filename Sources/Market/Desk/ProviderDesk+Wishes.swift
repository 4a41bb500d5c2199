internal import Cryptography
internal import DequeModule
internal import OrderedCollections
internal import Primitives

// A wish becomes records, the records become durable, and only then does anything change or leave.
extension ProviderDesk {
    mutating func enqueue(_ wish: Wish, at now: Instant, into outputs: inout [Output]) {
        if let refusal = refusal(of: wish) {
            if let request = wish.request { outputs.append(.answered(request, .failure(refusal))) }
            return
        }
        waiting.append(wish)
        proceed(at: now, into: &outputs)
    }

    private func refusal(of wish: Wish) -> DeskRefusal? {
        switch phase {
        case .stopped: .signingStopped
        case .doubting: .clockDoubted
        case .closed: .shuttingDown
        case .catchingUp, .open: waiting.count < DeskConfig.waitingCountMax ? nil : .tooManyRequests
        }
    }

    /// Takes up waiting wishes until one of them waits for the disk.
    mutating func proceed(at now: Instant, into outputs: inout [Output]) {
        guard phase == .open else { return }
        while current == nil, let wish = waiting.popFirst() {
            do {
                let operation = try operation(for: wish, at: now)
                guard !operation.records.isEmpty else { continue }
                current = operation
                outputs.append(.persist(operation.ticket, changes(of: operation, at: now)))
            } catch {
                if let request = wish.request { outputs.append(.answered(request, .failure(error))) }
            }
        }
    }

    private mutating func operation(for wish: Wish, at now: Instant) throws(DeskRefusal) -> Operation {
        var next = ledger
        var signed: [SignedRecord] = []
        var answer: SignedRecord?
        switch wish {
        case .publish(_, let draft):
            let offer = try next.add(draft, salt: secrets.salt, sealingKey: secrets.sealingKey, random: &random)
            signed += try signMachine(of: offer.marketClass, in: next, at: now)
            answer = try sign(.offer(offer), at: now)
        case .update(_, let id, let change):
            guard let offer = next.offers[id] else { throw .unknownOffer }
            let changed = change.applied(to: offer)
            next.offers[id] = changed
            answer = try sign(.offer(changed), at: now)
        case .free(let id, let slots):
            // The offer may have gone meanwhile: nobody waits for an answer.
            guard let offer = next.offers[id]?.free(slots) else { break }
            next.offers[id] = offer
            signed.append(try sign(.offer(offer), at: now))
        case .withdraw(_, let id, let reason, let kept):
            let offer = try next.remove(id, keeping: kept)
            let body = WithdrawalBody(subject: .offer(id), marketClass: offer.marketClass, reason: reason)
            answer = try sign(.withdrawal(body), at: now)
            if next.machines[offer.marketClass] == nil {
                let machine = WithdrawalBody(
                    subject: .machine(offer.machine),
                    marketClass: offer.marketClass,
                    reason: reason
                )
                signed.append(try sign(.withdrawal(machine), at: now))
            } else {
                signed += try signMachine(of: offer.marketClass, in: next, at: now)
            }
        case .redrawMachines:
            for (marketClass, old) in ledger.machines {
                let offers = next.redrawMachine(of: marketClass, random: &random)
                let gone = WithdrawalBody(subject: .machine(old.machine), marketClass: marketClass, reason: 0)
                signed.append(try sign(.withdrawal(gone), at: now))
                signed += try signMachine(of: marketClass, in: next, at: now)
                for offer in offers { signed.append(try sign(.offer(offer), at: now)) }
            }
        case .renew(let subjects):
            for subject in subjects {
                guard let record = records[subject], !record.isWithdrawal else { continue }
                signed.append(try sign(record.record.body, at: now))
            }
        }
        if let answer { signed.append(answer) }
        return Operation(
            ticket: drawTicket(),
            request: wish.request,
            ledger: next,
            records: signed,
            answer: answer,
            reserved: sequence.blockToReserve
        )
    }

    /// The machine's record, unless the one that is out says the same.
    private mutating func signMachine(
        of marketClass: MarketClass,
        in ledger: DeskLedger,
        at now: Instant
    ) throws(DeskRefusal) -> [SignedRecord] {
        guard let machine = ledger.machines[marketClass] else { return [] }
        if case .machine(machine)? = records[.machine(machine.machine, of: key.publicKey)]?.record.body { return [] }
        return [try sign(.machine(machine), at: now)]
    }

    private func changes(of operation: Operation, at now: Instant) -> [DeskChange] {
        let wall = clock.unixMilliseconds(at: now)
        let expired = records.values.filter { $0.isWithdrawal && $0.record.expiresAt <= wall }
        return (operation.reserved.map { [.reserveSequences(upTo: $0)] } ?? [])
            + operation.records.map { .put($0) } + expired.map { .delete($0.subject) }
    }

    mutating func persisted(_ ticket: DeskTicket, at now: Instant, into outputs: inout [Output]) {
        if let answer = heldAnswers.removeValue(forKey: ticket) {
            sequence.reserve(upTo: answer.reserved)
            outputs.append(.answered(answer.request, .success(answer.record)))
            return
        }
        if let statements = heldStatements.removeValue(forKey: ticket) {
            sequence.reserve(upTo: statements.reserved)
            for record in statements.records {
                outputs.append(statements.isRenewal ? .renew(record) : .publish(record))
            }
            if ticket == goodbyeTicket { outputs.append(.saidGoodbye) }
            return
        }
        guard let operation = current, operation.ticket == ticket else { return }
        current = nil
        retryAt = nil
        ledger = operation.ledger
        if let reserved = operation.reserved { sequence.reserve(upTo: reserved) }
        let wall = clock.unixMilliseconds(at: now)
        records.removeAll { $0.value.isWithdrawal && $0.value.record.expiresAt <= wall }
        for record in operation.records {
            records[record.subject] = record
            renewals[record.subject] = record.isWithdrawal ? nil : now.advanced(by: config.recordLifetime / 2)
            outputs.append(.publish(record))
        }
        // Slots that nobody offers any more leave without a record of their own being renewed.
        renewals = renewals.filter { records[$0.key].map { !$0.isWithdrawal } ?? false }
        if let request = operation.request, let answer = operation.answer {
            outputs.append(.answered(request, .success(answer)))
        }
        announceNewClasses(at: now, into: &outputs)
        proceed(at: now, into: &outputs)
        if phase == .closed { sayGoodbye(at: now, into: &outputs) }
    }

    mutating func persistFailed(_ ticket: DeskTicket, at now: Instant, into outputs: inout [Output]) {
        if let answer = heldAnswers.removeValue(forKey: ticket) {
            outputs.append(.answered(answer.request, .failure(.notDurable)))
            return
        }
        if heldStatements.removeValue(forKey: ticket) != nil {
            if ticket == goodbyeTicket { outputs.append(.saidGoodbye) }
            return
        }
        guard let operation = current, operation.ticket == ticket else { return }
        current = nil
        // The numbers that were drawn are lost, which costs nothing; the ledger is as it was.
        retryAt = now.advanced(by: DeskConfig.retryInterval)
        if let request = operation.request { outputs.append(.answered(request, .failure(.notDurable))) }
        proceed(at: now, into: &outputs)
        if phase == .closed { sayGoodbye(at: now, into: &outputs) }
    }

    mutating func expire(at now: Instant, into outputs: inout [Output]) {
        guard phase == .open else { return }
        let due = renewals.elements.filter { $0.value <= now }.map(\.key)
        if !due.isEmpty, current == nil, retryAt.map({ $0 <= now }) ?? true {
            waiting.append(.renew(due))
            proceed(at: now, into: &outputs)
        }
        announceDue(at: now, into: &outputs)
    }

    mutating func sign(
        _ body: RecordBody,
        expiresAt: Int64? = nil,
        at now: Instant
    ) throws(DeskRefusal) -> SignedRecord {
        let wall = clock.unixMilliseconds(at: now)
        let life = min(config.recordLifetime.milliseconds, body.kind.lifetimeMax)
        let number = sequence.next(unixMilliseconds: wall)
        var record = Record(
            network: config.network,
            sequence: number,
            issuedAt: wall,
            expiresAt: expiresAt.map { min($0, body.expiryMax(issuedAt: wall)) } ?? wall + life,
            body: body
        )
        // An author never lowers the expiry along a key, or an older version would outlive a newer one.
        if let previous = records[record.subject(author: key.publicKey)]?.record.expiresAt {
            record.expiresAt = min(max(record.expiresAt, previous), wall + body.kind.lifetimeMax)
        }
        let signed: SignedRecord
        do { signed = try SignedRecord(signing: record, by: key) } catch { throw .invalid(error) }
        if firstSequence == nil { firstSequence = number }
        signedSequences.append(number)
        if signedSequences.count > DeskConfig.rememberedSequenceCountMax { signedSequences.removeFirst() }
        return signed
    }

    mutating func drawTicket() -> DeskTicket {
        defer { nextTicket += 1 }
        return DeskTicket(rawValue: nextTicket)
    }
}

extension SignedRecord {
    /// Whether it takes another record back, under that record's subject key.
    var isWithdrawal: Bool { kind == .withdrawal }
}
