import Cryptography
import Identity
import Market
import Node
import Primitives
import Simulator

/// A referee with a few nodes that the test speaks for: it says what they wrote, and a book of its own says what they hold.
struct TrialTown: Witness {
    static let epoch: Int64 = 1_767_225_600_000

    var referee: Referee
    var books: [Set<RecordID>] = []
    var scores: [PeerID: Double] = [:]
    var gauge = Gauge("queue", 0, limit: 10)
    private var nextTicket: UInt64 = 1

    /// So many honest nodes that start at zero; the build-up takes no time unless the scenario is changed.
    init(nodes: Int, hostile: Set<Int> = [], change: (inout Scenario) -> Void = { _ in }) {
        var scenario = Scenario(
            name: "town",
            purpose: "A town of a few nodes.",
            nodeCount: nodes,
            buildUp: .zero,
            measured: .seconds(600)
        )
        change(&scenario)
        referee = Referee(scenario: scenario, collectsSamples: true)
        for node in 0..<nodes { start(node, isHonest: !hostile.contains(node)) }
    }

    static func key(_ node: Int) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: SHA256.hash(Array("town \(node)".utf8)))
    }

    static func peer(_ node: Int) -> PeerID { PeerID(publicKey: key(node).publicKey) }

    mutating func start(
        _ node: Int,
        isHonest: Bool = true,
        restored: [SignedRecord] = [],
        losesUnsynced: Bool = false,
        at now: Instant = .zero
    ) {
        while books.count <= node { books.append([]) }
        books[node] = Set(restored.map(\.id))
        let state = RestoredState(
            facts: [],
            ownRecords: [],
            records: restored.map(StoredRecord.init),
            floors: [],
            peers: []
        )
        referee.started(
            node,
            key: Self.key(node).publicKey,
            isHonest: isHonest,
            restored: state,
            losesUnsynced: losesUnsynced,
            at: now
        )
    }

    /// The node takes a record into its book and says so; `isHeld` false makes that a lie.
    @discardableResult
    mutating func hold(_ record: SignedRecord, _ node: Int, isHeld: Bool = true, at now: Instant) -> Ticket {
        if isHeld { books[node].insert(record.id) }
        return step(node, [.putRecord(StoredRecord(record))], at: now)
    }

    mutating func drop(_ record: SignedRecord, _ node: Int, at now: Instant) {
        books[node].remove(record.id)
        step(node, [.deleteRecord(record.id)], at: now)
    }

    @discardableResult
    mutating func step(_ node: Int, _ changes: [StoreChange], at now: Instant) -> Ticket {
        let ticket = Ticket(rawValue: nextTicket)
        nextTicket += 1
        feed(node, .deadlineReached, [.persist(ticket, changes)], at: now)
        return ticket
    }

    mutating func feed(_ node: Int, _ input: NodeMachine.Input, _ outputs: [NodeMachine.Output], at now: Instant) {
        var referee = referee
        referee.stepped(
            node,
            input: input,
            outputs: outputs,
            unixMilliseconds: Self.unix(now),
            witness: &self,
            at: now
        )
        self.referee = referee
    }

    @discardableResult
    mutating func second(_ index: Int) -> RefereeSecond {
        var referee = referee
        defer { self.referee = referee }
        return referee.second(index, witness: &self, at: .second(index))
    }

    mutating func seconds(_ range: Range<Int>) { for index in range { second(index) } }

    func verdicts(at now: Instant) -> [Verdict] {
        var (referee, witness) = (referee, self)
        return referee.finish(witness: &witness, honestReceivedByteCount: 0, at: now)
    }

    func verdict(_ name: String, at now: Instant = .second(600)) -> Verdict? {
        verdicts(at: now).first { $0.name.hasPrefix(name) }
    }

    static func unix(_ now: Instant) -> Int64 { epoch + now.nanoseconds / 1_000_000 }

    // MARK: Records

    /// The provider's word on one of its offers.
    static func offer(
        of node: Int,
        number: UInt8 = 1,
        sequence: UInt64,
        price: Int64 = 100,
        at now: Instant = .zero,
        life: Int64 = 3_600_000
    ) throws -> SignedRecord {
        guard let offer = OfferID([UInt8](repeating: number, count: 16)),
            let machine = MachineID([UInt8](repeating: 9, count: 16))
        else { preconditionFailure("sixteen bytes are an id") }
        let body = OfferBody(
            offer: offer,
            marketClass: .amdConsumer,
            machine: machine,
            slots: [0],
            freeSlots: [0],
            largestBlock: 1,
            price: PriceTerms(unit: "USD", gpuHourMicros: price),
            modes: [.onDemand],
            durationMinSeconds: 3_600,
            durationMaxSeconds: 86_400,
            settlements: ["credit"],
            sealingKey: [UInt8](repeating: 7, count: 32)
        )
        let record = Record(
            network: "main",
            sequence: sequence,
            issuedAt: unix(now),
            expiresAt: unix(now) + life,
            body: .offer(body)
        )
        return try SignedRecord(signing: record, by: key(node))
    }

    // MARK: What the checks may ask

    func holds(_ id: RecordID, node: Int) -> Bool { books[node].contains(id) }

    func connectedPeers(of node: Int) -> [PeerID] {
        books.indices.filter { $0 != node }.map(Self.peer)
    }

    func score(of peer: PeerID, at node: Int) -> Double { scores[peer] ?? 0 }

    func gauges(of node: Int, into gauges: inout [Gauge]) { gauges.append(gauge) }
}

extension StoredRecord {
    init(_ record: SignedRecord) {
        self.init(
            id: record.id,
            subject: record.subject,
            sequence: record.record.sequence,
            expiresAt: record.record.expiresAt,
            receivedAt: record.record.issuedAt,
            envelope: record.envelope
        )
    }
}

extension Instant {
    static func second(_ count: Int) -> Instant { .zero.advanced(by: .seconds(count)) }
    static func milliseconds(_ count: Int) -> Instant { .zero.advanced(by: .milliseconds(count)) }
}
