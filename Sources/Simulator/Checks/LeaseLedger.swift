internal import Cryptography
internal import Market
internal import Node
internal import Primitives

/// Every lease of a run, read off what the parties write: who has which device, what was paid, and how it ended.
struct LeaseLedger: Sendable {
    /// How long after a lease has ended both parties have to sign what it came to.
    static let settlement = Duration.seconds(60)

    struct Lease: Sendable {
        let body: LeaseBody
        let provider: Int
        let madeAt: Instant
        /// When its renter had written that the GPUs can be used, by the renter's clock, in milliseconds since the Unix epoch.
        var heardAt: Int64?
        var closedAt: Instant?
        var isCountersigned = false
    }

    /// What an honest provider did that it may not.
    struct Fault: Sendable {
        let invariant: Invariant
        let kind: String
        let detail: String
    }

    private struct Slot: Hashable, Sendable {
        let provider: Ed25519.PublicKey
        let machine: MachineID
        let number: Int
    }

    private(set) var leases: [LeaseID: Lease] = [:]
    /// In the order in which they were made.
    private(set) var order: [LeaseID] = []
    private var newest: [Slot: LeaseID] = [:]
    private(set) var receiptCount = 0
    /// Rows that wait for the disk, by node: what a crash takes before that was never written.
    private var pending: [Int: [Ticket: [StoredRow]]] = [:]

    mutating func asked(for row: StoredRow, _ ticket: Ticket, of node: Int) {
        pending[node, default: [:]][ticket, default: []].append(row)
    }

    /// What a ticket's return says to be on the disk.
    mutating func acknowledged(_ ticket: Ticket, of node: Int) -> [StoredRow] {
        pending[node]?.removeValue(forKey: ticket) ?? []
    }

    /// A life has ended, and with it what it still wanted to write.
    mutating func forget(_ node: Int) { pending[node] = nil }

    /// A party's write; says what is wrong with it, and which invariants were looked at.
    mutating func wrote(
        _ row: StoredRow,
        node: Int,
        key: Ed25519.PublicKey,
        unixMilliseconds: Int64,
        at now: Instant
    ) -> (looked: [Invariant], fault: Fault?) {
        switch row.table {
        case .leases:
            guard let stored = try? StoredLease(stored: row.value), let body = CounterFacts.body(of: stored.record),
                body.provider == key
            else { return ([], nil) }
            return ([.noDoubleLease], made(body, by: node, unixMilliseconds: unixMilliseconds, at: now))
        case .leaseStates:
            guard let record = try? SignedRecord(envelope: row.value), case .leaseState(let state) = record.record.body,
                let lease = leases[state.lease]
            else { return ([], nil) }
            switch state.standing {
            case .closed: leases[state.lease]?.closedAt = lease.closedAt ?? now
            case .active where lease.body.renter == key:
                leases[state.lease]?.heardAt = lease.heardAt ?? unixMilliseconds
            case .active, .reserved, .suspended: break
            }
            return ([], nil)
        case .receipts:
            guard let stored = try? StoredReceipt(stored: row.value), let id = LeaseID(row.key) else {
                return ([], nil)
            }
            if stored.countersignature != nil { leases[id]?.isCountersigned = true }
            guard stored.receipt.author == key, stored.countersignature == nil else { return ([], nil) }
            receiptCount += 1
            return ([.exposureBounded], unpaid(stored.receipt, of: id))
        case .vouchers:
            guard let id = LeaseID(row.key), let lease = leases[id], lease.body.renter == key,
                let meter = try? RenterMeter.MeterState(stored: row.value)
            else { return ([], nil) }
            return ([.exposureBounded], overpaid(meter, of: lease, unixMilliseconds: unixMilliseconds))
        case .awards, .credit, .settlements: return ([], nil)
        }
    }

    private mutating func made(
        _ body: LeaseBody,
        by node: Int,
        unixMilliseconds: Int64,
        at now: Instant
    ) -> Fault? {
        let id = body.lease
        guard leases[id] == nil else { return nil }
        leases[id] = Lease(body: body, provider: node, madeAt: now)
        order.append(id)
        var fault: Fault?
        for slot in body.slots {
            let place = Slot(provider: body.provider, machine: body.machine, number: slot.number)
            let last = newest.updateValue(id, forKey: place)
            if last != slot.previous {
                fault = Fault(
                    invariant: .noDoubleLease,
                    kind: "forked",
                    detail: "slot \(slot.number) has two leases of one past"
                )
            } else if let last, let lease = leases[last], lease.closedAt == nil, lease.body.endAt > unixMilliseconds {
                fault = Fault(
                    invariant: .noDoubleLease,
                    kind: "doubled",
                    detail: "slot \(slot.number) is leased to two at a time"
                )
            }
        }
        return fault
    }

    private func unpaid(_ receipt: SignedRecord, of id: LeaseID) -> Fault? {
        guard case .receipt(let body) = receipt.record.body, let lease = leases[id]?.body else { return nil }
        let interval = lease.cost(ofMilliseconds: Int64(lease.meterSeconds) * 1_000)
        let unpaid = body.owedMicros - body.paidMicros
        guard unpaid > lease.exposureMicros + interval else { return nil }
        return Fault(
            invariant: .exposureBounded,
            kind: "unpaid",
            detail: "\(unpaid) micros stay unpaid of a lease with the limit \(lease.exposureMicros)"
        )
    }

    /// A renter pays for what it has heard of, and for the seconds by which clocks may run apart.
    private func overpaid(_ meter: RenterMeter.MeterState, of lease: Lease, unixMilliseconds: Int64) -> Fault? {
        let used = lease.heardAt.map { max(0, unixMilliseconds - $0) } ?? 0
        let fair = lease.body.cost(ofMilliseconds: used + RenterMeter.toleranceMilliseconds)
        guard meter.promisedMicros > fair else { return nil }
        return Fault(
            invariant: .exposureBounded,
            kind: "unheard",
            detail: "\(meter.promisedMicros) micros are promised for \(used) ms of use that the renter had heard of"
        )
    }

    /// Leases that ended so long ago that they should be settled, and how many of them are.
    ///
    /// `isLive` says whether a key's node has been up since then.
    func completion(
        at now: Instant,
        unixMilliseconds: Int64,
        isLive: (Ed25519.PublicKey, Instant) -> Bool
    ) -> (due: Int, complete: Int, firstMiss: (lease: Lease, at: Instant)?) {
        var (due, complete): (Int, Int) = (0, 0)
        var miss: (lease: Lease, at: Instant)?
        for id in order {
            guard let lease = leases[id] else { continue }
            let overdue = Duration.milliseconds(unixMilliseconds - lease.body.endAt)
            let agreedEnd = now.advanced(by: .zero - overdue)
            let ended = min(lease.closedAt ?? agreedEnd, agreedEnd)
            let judged = ended.advanced(by: Self.settlement)
            guard judged <= now, isLive(lease.body.provider, ended), isLive(lease.body.renter, ended) else { continue }
            due += 1
            if lease.isCountersigned { complete += 1 } else if miss == nil { miss = (lease, ended) }
        }
        return (due, complete, miss)
    }
}
