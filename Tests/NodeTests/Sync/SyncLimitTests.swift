import Cryptography
import Identity
import Market
import OrderedCollections
import Primitives
import TestSupport
import Testing

@testable import Node

/// However much a peer refuses, announces or asks, what is kept of it has an end.
@Suite struct `Limits of reconciliation` {
    private var pair = SyncPair()

    private static func id(_ number: Int) throws -> RecordID {
        try #require(RecordID([UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 4, count: 30)))
    }

    @Test func `of what was refused the oldest is forgotten first, and everything after an hour`() throws {
        var refused = RefusedRecords()
        for number in 0...SyncLimits.refusedCountMax { refused.insert(try Self.id(number), at: .zero) }
        #expect(refused.count == SyncLimits.refusedCountMax)
        #expect(try !refused.contains(Self.id(0)) && refused.contains(Self.id(1)))
        #expect(try refused.contains(Self.id(SyncLimits.refusedCountMax)))
        // The same again takes no room.
        refused.insert(try Self.id(1), at: .zero)
        #expect(refused.count == SyncLimits.refusedCountMax)
        refused.insert(try Self.id(0), at: Instant.zero.advanced(by: SyncLimits.refusedFor))
        #expect(refused.count == 1)
    }

    @Test mutating func `what a peer wants nothing of is remembered up to a limit, and given again beyond it`() throws {
        pair.banned = [SyncPair.key(100).publicKey]
        let offers = try (0..<600).map { try SyncPair.offer($0, by: 100) }
        pair.give(offers, to: 0)
        try #require(pair.books[0].recordCount == 64)
        pair.meet()
        #expect(pair.machines[0].partners[SyncPair.peers[1]]?.unwanted.count == 64)
        let ids = try (0..<SyncLimits.unwantedCountMax - 64).map(Self.id)
        pair.machines[0].partners[SyncPair.peers[1]]?.unwanted.formUnion(ids)
        pair.feed(0, .meshed(SyncPair.peers[1], true))
        #expect(pair.outcomes.last?.givenCount == 0, "all of them are remembered")
        pair.give([try SyncPair.offer(1_000, by: 100, sequence: 1, minutes: 601)], to: 0)
        pair.banned.insert(SyncPair.key(7).publicKey)
        pair.give([try SyncPair.offer(1_001, by: 7)], to: 0)
        pair.machines[0].enqueue(.compare(.whole), to: SyncPair.peers[1])
        pair.feed(0, .deadlineReached)
        #expect((1...2).contains(pair.machines[0].partners[SyncPair.peers[1]]?.unwanted.count ?? 0))
    }

    /// It says that it has nothing, takes what it is given, and says again that it has nothing.
    @Test mutating func `a peer that will be given everything again and again has to wait as if it had asked`() throws {
        let offers = try (0..<60).map { try SyncPair.offer($0, by: 100 + $0) }
        pair.give(offers, to: 0)
        pair.meet()
        #expect(pair.outcomes.map(\.givenCount) == [60])
        pair.books[1] = RecordBook()
        while pair.machines[0].spend(1, by: SyncPair.peers[1], at: pair.now) {}
        pair.feed(0, .meshed(SyncPair.peers[1], true))
        #expect(pair.outcomes.last?.ending == .busy && pair.outcomes.last?.givenCount == 0)
        #expect(pair.books[1].recordCount == 0 && pair.misbehaviours.isEmpty)
        pair.advance(by: .seconds(20))
        pair.machines[0].enqueue(.compare(.whole), to: SyncPair.peers[1])
        pair.feed(0, .deadlineReached)
        #expect(pair.outcomes.last?.ending == .complete && pair.outcomes.last?.givenCount == 60)
    }

    @Test mutating func `allowances are bounded: the first of all who are busy starts anew`() {
        let peers = (0...SyncLimits.allowanceCountMax).map { PeerID(publicKey: SyncPair.key(1_000 + $0).publicKey) }
        var machine = pair.machines[0]
        for peer in peers {
            let isAllowed = machine.spend(SyncLimits.allowanceBurst, by: peer, at: .zero)
            #expect(isAllowed)
            machine.checkInvariants()
        }
        #expect(machine.allowances.count == SyncLimits.allowanceCountMax && machine.allowances[peers[0]] == nil)
        let isRenewed = machine.spend(1, by: peers[1], at: .zero)
        #expect(!isRenewed)
        // After twenty seconds they are full, and forgotten for the next who comes.
        let isServed = machine.spend(1, by: peers[0], at: Instant.zero.advanced(by: .seconds(21)))
        #expect(isServed && machine.allowances.keys == [peers[0]])
    }

    @Test func `providers whose offers are missed are bounded, and the first ones are asked for`() {
        var lacks = MissedOffers()
        let due = Instant.zero.advanced(by: SyncLimits.lackPatience)
        for number in 0...SyncLimits.lackCountMax {
            lacks.note(SyncPair.key(number).publicKey, .amdConsumer, dueAt: due)
        }
        let asked = lacks.takeDue(at: due).map(\.provider)
        #expect(asked == (0..<SyncLimits.lackCountMax).map { SyncPair.key($0).publicKey })
        #expect(lacks.nextDeadline == nil)
    }

    @Test mutating func `errands are bounded for each peer and over all, and a search that finds no place is told so`()
    {
        let peers = (0...SyncLimits.waitingCountMax + SyncLimits.runCountMax).map {
            PeerID(publicKey: SyncPair.key(1_000 + $0).publicKey)
        }
        func hear(_ number: Int) -> SyncErrand {
            .hear(SyncPair.key(number).publicKey, for: SyncQueryID(rawValue: UInt64(number)))
        }
        // Nobody's stream opens: the first four hold the runs, the others wait.
        var machine = pair.machines[0]
        func feed(_ input: SyncMachine.Input) -> [SyncMachine.Output] {
            var outputs: [SyncMachine.Output] = []
            machine.handle(
                input,
                book: RecordBook(),
                unixMilliseconds: SyncPair.epoch,
                at: .zero,
                into: &outputs
            )
            machine.checkInvariants()
            return outputs
        }
        for (number, peer) in peers.enumerated() {
            _ = feed(.partner(peer, isOutbound: false))
            let outputs = feed(.search(hear(number), peer))
            let isTold = outputs == [.searched(peer, SyncQueryID(rawValue: UInt64(number)), nil)]
            #expect(isTold == (number == peers.count - 1), "\(number): \(outputs)")
        }
        #expect(machine.waiting.count == SyncLimits.waitingCountMax)
        let waiting = peers[SyncLimits.runCountMax]
        let told = (0..<SyncLimits.errandsPerPeerMax).map { feed(.search(hear(2_000 + $0), waiting)) }
        #expect(told.map(\.count) == [0, 0, 0, 1])
        #expect(machine.waiting[waiting]?.count == SyncLimits.errandsPerPeerMax)
    }
}
