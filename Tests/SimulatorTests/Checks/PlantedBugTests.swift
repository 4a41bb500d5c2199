import Cryptography
import Identity
import Market
import Node
import Primitives
import Testing

@testable import Simulator

/// One bug of each class, planted by hand: a check that never failed has not been tried.
@Suite struct `A planted bug is caught` {
    @Test func `a message that was dropped but counted as delivered`() throws {
        var town = TrialTown(nodes: 3)
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        town.hold(offer, 0, at: .second(1))
        town.hold(offer, 1, at: .milliseconds(1_200))
        #expect(town.verdict("honest-counts")?.isPassed == true)
        town.hold(offer, 2, isHeld: false, at: .milliseconds(1_300))
        let verdict = try #require(town.verdict("honest-counts"))
        #expect(!verdict.isPassed)
        #expect(verdict.failure?.node == 2)
        #expect(verdict.failure?.at == .milliseconds(1_300))
    }

    @Test func `a record that a book lost without a word is found by looking`() throws {
        var town = TrialTown(nodes: 2)
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        town.hold(offer, 0, at: .second(1))
        town.hold(offer, 1, at: .second(1))
        town.books[1] = []
        town.seconds(2..<6)
        #expect(town.verdict("honest-counts")?.isPassed == false)
    }

    @Test func `a record that a book holds without having said so is found by looking`() throws {
        var town = TrialTown(nodes: 2)
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        town.hold(offer, 0, at: .second(1))
        town.books[1].insert(offer.id)
        town.seconds(2..<6)
        #expect(town.verdict("honest-counts")?.isPassed == false)
    }

    @Test func `an expired record that is accepted`() throws {
        var town = TrialTown(nodes: 2)
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1), life: 10_000)
        town.hold(offer, 0, at: .second(1))
        town.hold(offer, 1, at: .milliseconds(10_999))
        #expect(town.verdict("valid-records")?.isPassed == true)
        town.start(1, at: .second(11))
        town.hold(offer, 1, at: .second(11))
        let verdict = try #require(town.verdict("valid-records"))
        #expect(!verdict.isPassed)
        #expect(verdict.finding.contains("expired 0 ms ago"))
    }

    @Test func `a record from the future that is accepted`() throws {
        var town = TrialTown(nodes: 2)
        let tolerated = try TrialTown.offer(of: 0, number: 1, sequence: 5, at: .second(121))
        town.hold(tolerated, 1, at: .second(1))
        #expect(town.verdict("valid-records")?.isPassed == true)
        let early = try TrialTown.offer(of: 0, number: 2, sequence: 6, at: .milliseconds(121_001))
        town.hold(early, 1, at: .second(1))
        #expect(town.verdict("valid-records")?.isPassed == false)
    }

    @Test func `a forged signature that is accepted, even under the id of a sound record`() throws {
        var town = TrialTown(nodes: 2)
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        town.hold(offer, 0, at: .second(1))
        var envelope = offer.envelope
        envelope[envelope.count - 1] ^= 1
        let forged = StoredRecord(
            id: offer.id,
            subject: offer.subject,
            sequence: 5,
            expiresAt: offer.record.expiresAt,
            receivedAt: 0,
            envelope: envelope
        )
        town.books[1].insert(offer.id)
        town.step(1, [.putRecord(forged)], at: .second(2))
        let verdict = try #require(town.verdict("valid-records"))
        #expect(verdict.finding.contains("signature does not hold"))
        #expect(verdict.failure?.node == 1)
    }

    @Test func `a floor that was acknowledged and lost with a crash`() throws {
        var town = TrialTown(nodes: 2)
        let old = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        let new = try TrialTown.offer(of: 0, sequence: 6, at: .second(2))
        town.hold(old, 0, at: .second(1))
        town.hold(new, 0, at: .second(2))
        let ticket = town.hold(new, 1, at: .second(3))
        town.feed(1, .persisted(ticket), [], at: .second(4))
        // The store forgets what it had acknowledged.
        town.start(1, restored: [], losesUnsynced: false, at: .second(10))
        town.hold(old, 1, at: .second(11))
        let verdict = try #require(town.verdict("valid-records"))
        #expect(!verdict.isPassed)
        #expect(verdict.finding.contains("below its floor 6"))
    }

    @Test func `a floor that was never acknowledged, or lost with unsynced writes, is no bug`() throws {
        for losesUnsynced in [false, true] {
            var town = TrialTown(nodes: 2)
            let old = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
            let new = try TrialTown.offer(of: 0, sequence: 6, at: .second(2))
            town.hold(old, 0, at: .second(1))
            let ticket = town.hold(new, 1, at: .second(3))
            if losesUnsynced { town.feed(1, .persisted(ticket), [], at: .second(4)) }
            town.start(1, restored: [], losesUnsynced: losesUnsynced, at: .second(10))
            town.hold(old, 1, at: .second(11))
            #expect(town.verdict("valid-records")?.isPassed == true)
        }
    }

    @Test func `a stored floor that a later record falls below`() throws {
        var town = TrialTown(nodes: 2)
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        town.step(1, [.putFloor(SubjectFloor(subject: offer.subject, sequence: 5, until: .max))], at: .second(2))
        town.hold(offer, 1, at: .second(3))
        #expect(town.verdict("valid-records")?.finding.contains("below its floor 6") == true)
    }

    @Test func `a sequence that is signed twice after a crash`() throws {
        var town = TrialTown(nodes: 2)
        town.hold(try TrialTown.offer(of: 0, sequence: 5, price: 100, at: .second(1)), 0, at: .second(1))
        town.start(0, at: .second(10))
        town.hold(try TrialTown.offer(of: 0, sequence: 5, price: 101, at: .second(11)), 0, at: .second(11))
        let verdict = try #require(town.verdict("rising-sequences"))
        #expect(!verdict.isPassed)
        #expect(verdict.finding.contains("signed sequence 5 twice"))
    }

    @Test func `a sequence below what a former life signed`() throws {
        var town = TrialTown(nodes: 2)
        town.hold(try TrialTown.offer(of: 0, number: 1, sequence: 5, at: .second(1)), 0, at: .second(1))
        // Within one life an earlier number may leave later: its write took longer.
        town.hold(try TrialTown.offer(of: 0, number: 2, sequence: 4, at: .second(1)), 0, at: .second(2))
        #expect(town.verdict("rising-sequences")?.isPassed == true)
        town.start(0, at: .second(10))
        town.hold(try TrialTown.offer(of: 0, number: 3, sequence: 3, at: .second(11)), 0, at: .second(11))
        #expect(town.verdict("rising-sequences")?.finding.contains("although 5 was signed in a former life") == true)
    }

    @Test func `a queue without a bound`() throws {
        var town = TrialTown(nodes: 2)
        for second in 1...12 {
            town.gauge = Gauge("queue", second, limit: 10)
            town.second(second)
        }
        let verdict = try #require(town.verdict("bounded"))
        #expect(!verdict.isPassed)
        #expect(verdict.failure?.at == .second(11))
        #expect(verdict.finding.hasPrefix("queue of node 0 is 11, above its limit 10"))
    }

    @Test func `an honest node that graylists an honest node`() throws {
        var town = TrialTown(nodes: 3, hostile: [2])
        town.scores[TrialTown.peer(2)] = -5_000
        town.second(1)
        #expect(town.verdict("no-honest-graylist")?.isPassed == true)
        town.scores[TrialTown.peer(1)] = -1_000.5
        town.second(2)
        let verdict = try #require(town.verdict("no-honest-graylist"))
        #expect(!verdict.isPassed)
        #expect(verdict.failure?.node == 0)
    }

    /// A set's order changes with its seed, as it does between two processes; here the capacity stands for the process.
    @Test func `an order that was taken from a hash table`() {
        func trace(capacity: Int, isSorted: Bool) -> UInt64 {
            var peers = Set<PeerID>(minimumCapacity: capacity)
            for node in 0..<64 { peers.insert(TrialTown.peer(node)) }
            var queue = EventQueue<PeerID>()
            for peer in isSorted ? peers.sorted() : Array(peers) { queue.insert(peer, at: .second(1)) }
            var trace = TraceHash(seed: 1)
            while let (at, peer) = queue.popMin() {
                trace.mix(at)
                trace.mix(peer.bytes)
            }
            return trace.value
        }
        #expect(trace(capacity: 64, isSorted: false) != trace(capacity: 4_096, isSorted: false))
        #expect(trace(capacity: 64, isSorted: true) == trace(capacity: 4_096, isSorted: true))
    }
}
