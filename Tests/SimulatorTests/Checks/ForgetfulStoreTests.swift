import Identity
import Market
import Node
import Primitives
import Testing

@testable import Simulator

/// A real node whose disk is played by the test.
private struct LoneNode {
    var machine: NodeMachine
    var now: Instant
    var facts: [(name: String, value: [UInt8])] = []
    var ownRecords: [StoredRecord] = []
    var records: [StoredRecord] = []
    private var nextCommand: UInt64 = 1

    /// Starts with what the store gives back, the wall clock off by `skew`.
    init(restored: RestoredState, at now: Instant, skew: Duration, town: inout TrialTown) {
        self.now = now
        var config = NodeConfig(listen: [Endpoint(address: IPAddress(20, 0, 0, 1), port: 4180)])
        config.swarmSeat = .driver(typedGossip: true)
        machine = NodeMachine(
            config: config,
            identity: TrialTown.key(0),
            isFreshIdentity: true,
            restored: restored,
            random: RandomStreams(seed: 1).stream(.machine, node: 0)
        )
        feed(.clock(unixMilliseconds: TrialTown.unix(now.advanced(by: skew))), &town)
        feed(.started, &town)
    }

    /// Feeds the machine, stores what it asks for, and shows the referee all of it.
    mutating func feed(_ input: NodeMachine.Input, _ town: inout TrialTown) {
        var outputs: [NodeMachine.Output] = []
        machine.handle(input, at: now, into: &outputs)
        for case .persist(_, let changes) in outputs {
            for case .putRecord(let record) in changes { town.books[0].insert(record.id) }
        }
        town.feed(0, input, outputs, at: now)
        for case .persist(let ticket, let changes) in outputs {
            changes.forEach { store($0) }
            feed(.persisted(ticket), &town)
        }
    }

    mutating func publish(_ town: inout TrialTown) {
        let device = DeviceDraft(catalogueID: "", marketClass: .amdConsumer, rawName: "a card", memoryMebibytes: 8_192)
        let terms = OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000))
        let draft = OfferDraft(devices: [device], terms: terms)
        feed(.command(CommandID(rawValue: nextCommand), .publishOffer(draft)), &town)
        nextCommand += 1
    }

    private mutating func store(_ change: StoreChange) {
        switch change {
        case .setFact(let name, let value):
            facts.removeAll { $0.name == name }
            facts.append((name, value))
        case .putOwnRecord(let record):
            ownRecords.removeAll { $0.subject == record.subject }
            ownRecords.append(record)
        case .putRecord(let record): records.append(record)
        default: break
        }
    }

    var stored: RestoredState {
        RestoredState(
            facts: facts.sorted { $0.name < $1.name },
            ownRecords: ownRecords,
            records: records,
            floors: [],
            peers: []
        )
    }
}

@Suite struct `A store that forgets` {
    /// The node publishes, crashes, and comes back with its clock an hour slow; `keeps` says what its store still knows.
    private static func verdict(keeps: Bool) throws -> Verdict {
        var town = TrialTown(nodes: 1)
        var node = LoneNode(restored: .empty, at: .second(1), skew: .zero, town: &town)
        node.publish(&town)
        #expect(!node.records.isEmpty)
        let restored = keeps ? node.stored : .empty
        town.start(0, at: .second(10))
        var second = LoneNode(restored: restored, at: .second(10), skew: .seconds(-3_600), town: &town)
        second.publish(&town)
        #expect(!second.records.isEmpty)
        return try #require(town.verdict("rising-sequences"))
    }

    @Test func `a real node that lost its sequence block signs below its former life, and is caught`() throws {
        let verdict = try Self.verdict(keeps: false)
        #expect(!verdict.isPassed)
        #expect(verdict.finding.contains("was signed in a former life"))
    }

    @Test func `one whose store kept the block goes on above it, whatever its clock says`() throws {
        #expect(try Self.verdict(keeps: true).isPassed)
    }
}
