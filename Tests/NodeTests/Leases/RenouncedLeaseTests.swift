import Cryptography
import Market
import OrderedCollections
import Primitives
import Testing

@testable import Node

/// A provider may deny a lease for which it has the acceptance, and show it when the renter has forgotten.
@Suite struct `A lease that its provider denied` {
    private typealias T = LeaseOfTwo

    /// The renter's machine after a start two hours behind its bid.
    private static func machine(_ rows: [StoredRow]) -> (LeaseMachine, [LeaseMachine.Output]) {
        var machine = LeaseMachine(
            key: T.renter,
            network: T.network,
            sealingSecret: [UInt8](repeating: 3, count: 32),
            policy: LeasePolicy(),
            restored: rows,
            requestIDs: 1...1_000,
            random: SeededRandom(seed: [UInt8](repeating: 5, count: SeededRandom.seedByteCount))
        )
        var outputs: [LeaseMachine.Output] = []
        machine.handle(.clock(unixMilliseconds: T.wall + 7_200_000), at: .zero, into: &outputs)
        return (machine, outputs)
    }

    /// What the renter signs when the lease is shown to it, and what it would pay for two hours' use.
    private static func answer(_ rows: [StoredRow]) throws -> (signed: [LeaseStateBody], promisedMicros: Int64) {
        var (machine, outputs) = machine(rows)
        let (record, active) = try T.lease(of: try T.bid(1))
        for ticket in outputs.tickets { machine.handle(.persisted(ticket), at: .zero, into: &outputs) }
        outputs = []
        machine.handle(.found(record, words: [active]), at: .zero, into: &outputs)
        for ticket in outputs.tickets { machine.handle(.persisted(ticket), at: .zero, into: &outputs) }
        let id = try #require(machine.leases.keys.first)
        let tick = MeterTick(lease: id, number: 1, activeMilliseconds: 7_200_000, owedMicros: 720_000)
        machine.stepMeter(of: id, .tick(tick.signed(network: T.network, by: T.provider)), at: .zero, into: &outputs)
        machine.checkInvariants()
        guard case .renter(let meter)? = machine.leases[id]?.meter else { return ([], -1) }
        let states = outputs.compactMap { output -> LeaseStateBody? in
            guard case .sign(_, .leaseState(let state), _) = output else { return nil }
            return state
        }
        return (states, meter.state.promisedMicros)
    }

    @Test func `is closed unpaid when it is shown in another life of the renter`() throws {
        var denied = try T.bid(1)
        denied.isForsaken = true
        let row = StoredRow(.awards, key: denied.lease.bytes, value: denied.stored)
        let answer = try Self.answer([row])
        #expect(answer.signed.map(\.code) == [.unreachable])
        #expect(answer.promisedMicros <= 500, "five seconds, by which clocks may differ")
        // A home that was restored has no such row, and believes what both have signed.
        let restored = try Self.answer([])
        #expect(restored.signed.isEmpty && restored.promisedMicros == 720_000)
    }

    @Test func `is not paid in the life after the one to which it was shown either`() throws {
        var denied = try T.bid(1)
        denied.isForsaken = true
        var rows = [StoredRow(.awards, key: denied.lease.bytes, value: denied.stored)]
        var (machine, outputs) = Self.machine(rows)
        let (record, active) = try T.lease(of: try T.bid(1))
        for ticket in outputs.tickets { machine.handle(.persisted(ticket), at: .zero, into: &outputs) }
        outputs = []
        machine.handle(.found(record, words: [active]), at: .zero, into: &outputs)
        for case .persist(_, let changes) in outputs {
            for change in changes {
                switch change {
                case .putRow(let row): rows.put(row)
                case .deleteRow(let table, let key): rows.remove(key, of: table)
                default: break
                }
            }
        }
        // The power goes before the renter's own close is written.
        #expect(rows.contains { $0.table == .leases })
        (machine, outputs) = Self.machine(rows)
        #expect(
            outputs.contains { output in
                guard case .sign(_, .leaseState(let said), _) = output else { return false }
                return said.code == .unreachable
            }
        )
        let id = try #require(machine.leases.keys.first)
        let tick = MeterTick(lease: id, number: 1, activeMilliseconds: 7_200_000, owedMicros: 720_000)
        let signed = tick.signed(network: T.network, by: T.provider)
        machine.stepMeter(of: id, .tick(signed), at: .zero, into: &outputs)
        guard case .renter(let meter)? = machine.leases[id]?.meter else { return #expect(machine.leases.isEmpty) }
        #expect(meter.state.promisedMicros <= 500)
    }

    @Test func `is remembered as denied until nobody can show it, of many the newest`() throws {
        var (machine, outputs) = Self.machine([])
        outputs = []
        let bids = try (1...LeaseLimits.renouncedCountMax + 1).map { try T.bid($0) }
        for bid in bids {
            machine.recoveries[bid.lease] = LeaseMachine.Recovery(bid: bid, repetition: Repetition(at: .zero))
            machine.recoveryAnswered(bid.lease, .done, at: .zero, into: &outputs)
            machine.checkInvariants()
        }
        var denied = bids[0]
        denied.isForsaken = true
        let row = StoredRow(.awards, key: denied.lease.bytes, value: denied.stored)
        #expect(outputs.changes.first == .putRow(row))
        #expect(outputs.changes.last == .deleteRow(.awards, key: bids[0].lease.bytes))
        #expect(machine.recoveries.isEmpty && machine.renounced.keys.elementsEqual(bids.dropFirst().map(\.lease)))
        let end = bids[1].shownUntil
        #expect(end == T.wall + 55_000 + 4 * 3_600_000 + 7 * 86_400_000)
        outputs = []
        machine.handle(.clock(unixMilliseconds: end), at: .zero.advanced(by: .seconds(4_000)), into: &outputs)
        #expect(machine.renounced.isEmpty)
        #expect(outputs.changes == bids.dropFirst().map { .deleteRow(.awards, key: $0.lease.bytes) })
    }
}

extension [LeaseMachine.Output] {
    fileprivate var tickets: [LeaseTicket] {
        compactMap { if case .persist(let ticket, _) = $0 { ticket } else { nil } }
    }

    fileprivate var changes: [StoreChange] {
        flatMap { output -> [StoreChange] in if case .persist(_, let changes) = output { changes } else { [] } }
    }
}
