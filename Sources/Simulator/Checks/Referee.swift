public import Cryptography
internal import Identity
internal import Market
public import Node
public import Primitives
internal import Swarm

/// Watches a run and says at its end what held.
///
/// The world shows it every step: what a machine was fed and what it answered. Publications and deliveries are read off the writes
/// that the nodes ask for, so the world counts nothing itself, and what it says is compared with the books (`Witness`).
public struct Referee: Sendable {
    struct Node: Sendable {
        var key: Ed25519.PublicKey
        var isHonest: Bool
        var upSince: Instant?
        var lives = 1
        /// Records that a crash took and nobody has brought back yet.
        var forgotten: Set<Int> = []
    }

    let scenario: Scenario
    let measuredFrom: Instant
    var nodes: [Node] = []
    /// Whether each key that ever was a node's belongs to an honest one.
    var honesty: [Ed25519.PublicKey: Bool] = [:]
    var registry: RecordRegistry
    var ledger: DeliveryLedger
    var agreement: Agreement
    var conflicts = ConflictWatch()
    var proofs: ProofWatch
    /// Conflict records by the number of the subject that they dispute.
    var conflictRecords: [Int: [Int]] = [:]
    var leases = LeaseLedger()
    var searches = SearchLedger()
    var lookups: LookupLedger
    var company: CompanyLedger
    var reflections = ReflectionLedger()
    var checks: InvariantChecks
    var occurrences: Occurrences
    /// Envelopes that honest nodes took from others: one copy of everything.
    var usefulByteCount = 0

    public init(scenario: Scenario, collectsSamples: Bool) {
        self.scenario = scenario
        measuredFrom = .zero.advanced(by: scenario.buildUp)
        let limits = scenario.expectations.compactMap { expectation in
            switch expectation {
            case .delivery(_, let within), .latency(_, let within): within
            case .equalSets, .completeListings, .overhead, .contained, .conflictsKnown, .proofsKnown, .leasesComplete,
                .searchesComplete, .lookupsSucceed, .honestCompany, .reflectedDials, .sometimes:
                nil
            }
        }
        let needed = scenario.expectations.compactMap { expectation in
            if case .proofsKnown(let share, _) = expectation { share } else { nil }
        }
        proofs = ProofWatch(share: needed.max() ?? .all)
        registry = RecordRegistry(measuredFrom: measuredFrom)
        ledger = DeliveryLedger(limits: limits, measuredFrom: measuredFrom, keepsSamples: collectsSamples)
        agreement = Agreement(from: .zero.advanced(by: scenario.buildUp + scenario.lastFaultEnd))
        lookups = LookupLedger(measuredFrom: measuredFrom, keepsSamples: collectsSamples)
        company = CompanyLedger(scenario)
        checks = InvariantChecks(scenario.always)
        occurrences = Occurrences(expectations: scenario.expectations)
    }

    // MARK: Lives

    /// A life begins, before its first input: `restored` is what the machine is made of, `losesUnsynced` how the former life ended.
    public mutating func started(
        _ node: Int,
        key: Ed25519.PublicKey,
        isHonest: Bool,
        restored: RestoredState,
        losesUnsynced: Bool,
        at now: Instant
    ) {
        if node < nodes.count {
            if nodes[node].upSince != nil { stopped(node, at: now) }
            nodes[node].lives += 1
            occurrences.note(.restart)
        }
        while nodes.count <= node { nodes.append(Node(key: key, isHonest: isHonest)) }
        (nodes[node].key, nodes[node].isHonest, nodes[node].upSince) = (key, isHonest, now)
        honesty[key] = isHonest
        leases.forget(node)
        ledger.nodeUp(node, isHonest: isHonest, at: now)
        agreement.nodeUp(node, isHonest: isHonest, at: now)
        let floors = restoreBook(node, restored, at: now)
        if isHonest { checks.started(node, author: key, losesUnsynced: losesUnsynced, restored: floors) }
    }

    /// A life ends: by a crash, a departure or an orderly stop.
    public mutating func stopped(_ node: Int, at now: Instant) {
        guard nodes[node].upSince != nil else { return }
        nodes[node].upSince = nil
        ledger.nodeDown(node, at: now)
        agreement.nodeDown(node)
    }

    /// A node that stands still hears nothing and cannot be blamed for it.
    public mutating func setPaused(_ node: Int, _ isPaused: Bool, at now: Instant) {
        guard nodes[node].upSince != nil else { return }
        if isPaused {
            ledger.nodeDown(node, at: now)
        } else {
            ledger.nodeUp(node, isHonest: nodes[node].isHonest, at: now)
        }
        agreement.setPaused(node, isPaused, at: now)
    }

    /// The book of a new life holds what the store gave back, no more; says which floors that makes.
    private mutating func restoreBook(
        _ node: Int,
        _ restored: RestoredState,
        at now: Instant
    ) -> [(subject: Int, lowest: UInt64)] {
        var before: Set<Int> = []
        for number in registry.entries.indices where registry.release(number, by: node) {
            before.insert(number)
            if registry[number].isCompared { agreement.lost(node, term: registry[number].term) }
        }
        var floors: [(subject: Int, lowest: UInt64)] = []
        for stored in restored.records + restored.ownRecords {
            let number = register(stored, at: now)
            if gain(number, node) { before.remove(number) }
            if registry[number].hasFloor {
                floors.append((registry[number].subject, registry[number].sequence))
            }
        }
        for floor in restored.floors where floor.subject.kind != .conflict && floor.sequence < .max {
            floors.append((registry.subjectNumber(for: floor.subject), floor.sequence + 1))
        }
        nodes[node].forgotten.formUnion(before)
        return floors
    }

    // MARK: Steps

    /// A machine has handled an input: all outputs, before an adversary changed them, and the wall clock as the node was last told.
    public mutating func stepped(
        _ node: Int,
        input: NodeMachine.Input,
        outputs: [NodeMachine.Output],
        unixMilliseconds: Int64,
        witness: inout some Witness,
        at now: Instant
    ) {
        switch input {
        case .persisted(let ticket):
            checks.acknowledged(ticket, node: node)
            for row in leases.acknowledged(ticket, of: node) {
                wrote(row, node, unixMilliseconds: unixMilliseconds, at: now)
            }
        case .persistFailed(let ticket, _):
            checks.failed(ticket, node: node)
            _ = leases.acknowledged(ticket, of: node)
        default: break
        }
        for output in outputs {
            switch output {
            case .persist(let ticket, let changes):
                follow(changes, ticket, of: node, unixMilliseconds: unixMilliseconds, witness: &witness, at: now)
            case .event(let event): if nodes[node].isHonest { occurrences.note(event, of: node) }
            case .transport(.dial(_, let endpoint)):
                if nodes[node].isHonest { reflections.dialled(endpoint, by: node, at: now) }
            default: break
            }
        }
    }

    private mutating func follow(
        _ changes: [StoreChange],
        _ ticket: Ticket,
        of node: Int,
        unixMilliseconds: Int64,
        witness: inout some Witness,
        at now: Instant
    ) {
        var gained: [Int] = []
        var floors: [(subject: Int, lowest: UInt64)] = []
        for change in changes {
            switch change {
            case .putRecord(let stored):
                let number = register(stored, at: now)
                if gain(number, node) { gained.append(number) }
                guard nodes[node].isHonest else { continue }
                floors += admitted(number, stored, node, unixMilliseconds: unixMilliseconds, at: now)
            case .deleteRecord(let id):
                if let number = registry.number(of: id) { lose(number, node) }
            case .putFloor(let floor):
                guard nodes[node].isHonest, floor.subject.kind != .conflict else { continue }
                let subject = registry.subjectNumber(for: floor.subject)
                floors += checks.noted(floor: floor.sequence, of: subject, node: node)
            case .putRow(let row): if nodes[node].isHonest { leases.asked(for: row, ticket, of: node) }
            case .setFact, .putOwnRecord, .deleteOwnRecord, .deleteFloor, .putPeer, .deletePeer, .deleteRow: break
            }
        }
        guard nodes[node].isHonest else { return }
        checks.wrote(ticket, floors, node: node)
        // What a step stored and dropped again was never delivered.
        for number in gained where registry[number].holders.contains(node) {
            let id = registry[number].id
            checks.claimed(id, node: node, isHeld: witness.holds(id, node: node), at: now)
        }
    }

    private mutating func wrote(_ row: StoredRow, _ node: Int, unixMilliseconds: Int64, at now: Instant) {
        let (looked, fault) = leases.wrote(
            row,
            node: node,
            key: nodes[node].key,
            unixMilliseconds: unixMilliseconds,
            at: now
        )
        for invariant in looked {
            checks.verdicts.check(invariant, fault == nil, kind: fault?.kind, node: node, at: now) {
                fault?.detail ?? ""
            }
        }
    }

    private mutating func admitted(
        _ number: Int,
        _ stored: StoredRecord,
        _ node: Int,
        unixMilliseconds: Int64,
        at now: Instant
    ) -> [(subject: Int, lowest: UInt64)] {
        let record = registry[number]
        ledger.reached(subject: record.subject, sequence: record.sequence, node: node, at: now)
        if record.author != nodes[node].key, now >= measuredFrom { usefulByteCount += stored.envelope.count }
        if !nodes[node].forgotten.isEmpty, nodes[node].forgotten.remove(number) != nil { occurrences.note(.redelivery) }
        let isSound = registry.isSound(stored, number: number)
        return checks.admitted(
            record,
            isSound: isSound,
            isFromHonestOwner: registry[number].hasHonestOwner,
            node: node,
            unixMilliseconds: unixMilliseconds,
            at: now
        )
    }

    /// The record's number; one that nobody has seen before is noted as a publication of its author.
    private mutating func register(_ stored: StoredRecord, at now: Instant) -> Int {
        let (number, isNew) = registry.register(stored, isHonest: { honesty[$0] == true }, at: now)
        guard isNew else { return number }
        let record = registry[number]
        if let disputed = record.disputed { conflictRecords[disputed.subject, default: []].append(number) }
        if record.kind == .lease || record.kind == .proof { proofs.appeared(stored.envelope, number: number, at: now) }
        let known = conflicts.conflicts.count
        conflicts.appeared(number, in: registry, at: now)
        if conflicts.conflicts.count > known || record.kind == .conflict { occurrences.note(.conflict) }
        if record.isCompared { agreement.touched(record.subject, isRenewal: record.isRenewal, at: now) }
        if record.kind == .proof {
            checks.verdicts.check(.noHonestProof, !record.hasHonestOwner, node: 0, at: now) {
                "an honest provider is proved to have leased a slot twice"
            }
        }
        published(record, number, at: now)
        return number
    }

    private mutating func published(_ record: RecordRegistry.Entry, _ number: Int, at now: Instant) {
        guard honesty[record.author] == true,
            let author = nodes.firstIndex(where: { $0.key == record.author && $0.upSince != nil })
        else { return }
        checks.signed(record, number: number, node: author, at: now)
        // Of the conflicts and proofs that several find at once, one is kept: they are watched by other rules. And nobody waits for a
        // renewal.
        guard record.kind != .conflict, record.kind != .proof, !record.isRenewal else { return }
        ledger.published(subject: record.subject, sequence: record.sequence, by: author, at: now)
    }

    private mutating func gain(_ number: Int, _ node: Int) -> Bool {
        guard registry.hold(number, by: node) else { return false }
        if registry[number].isCompared { agreement.gained(node, term: registry[number].term) }
        return true
    }

    private mutating func lose(_ number: Int, _ node: Int) {
        guard registry.release(number, by: node), registry[number].isCompared else { return }
        agreement.lost(node, term: registry[number].term)
    }
}
