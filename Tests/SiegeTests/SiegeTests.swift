import Cryptography
import Gossipsub
import Identity
import Market
import Node
import Primitives
import Swarm
import TestSupport
import Testing

/// Floods at full strength against a whole node: honest records still arrive within a second, and the intruder is out within two.
@Suite struct `A node under siege` {
    /// Offers that went out while the attack lasted must have arrived, 99 of 100 within a second.
    private func expectHonestTrade(_ field: SiegeField, atLeast count: Int) {
        let sorted = field.latencies.sorted()
        #expect(sorted.count >= count, "\(sorted.count) offers arrived of \(count)")
        guard !sorted.isEmpty else { return }
        let p99 = sorted[min(sorted.count - 1, sorted.count * 99 / 100)]
        #expect(p99 <= .seconds(1), "p99 \(p99)")
    }

    @Test func `without an attack an offer takes three hops of forty milliseconds`() {
        var field = SiegeField(seed: 1)
        field.run(for: .seconds(4), publishEvery: .milliseconds(250))
        field.run(for: .seconds(1))
        expectHonestTrade(field, atLeast: 15)
    }

    /// Attack 18: sockets that say nothing, or one byte a second.
    @Test func `a thousand half-open handshakes a second hold sixty-four places at most`() {
        var field = SiegeField(seed: 2)
        var idle: [ConnectionID] = []
        for second in 0..<3 {
            for number in 0..<1_000 {
                let connection = field.intrude()
                if number % 10 == 0 { field.send(Array("\u{13}/multi".utf8), on: connection) }
                idle.append(connection)
            }
            for connection in idle.suffix(100) { field.send([0x6d], on: connection) }
            #expect(idle.count { field.ended[$0] == nil } <= 64, "second \(second)")
            field.run(for: .seconds(1), publishEvery: .milliseconds(200))
        }
        field.run(for: .seconds(16))
        #expect(idle.allSatisfy { field.ended[$0] != nil }, "the upgrade's deadline has passed for all")
        expectHonestTrade(field, atLeast: 12)
        field.victim.checkInvariants(at: field.now)
    }

    /// Attack 21, HTTP/2's rapid reset in Yamux: 10,000 streams a second, each opened and reset.
    @Test func `ten thousand stream resets a second end the connection within two seconds`() throws {
        var field = SiegeField(seed: 3)
        var intruder = try #require(Intruder(into: &field, number: 3))
        let start = field.now
        var stream: UInt32 = 1
        while field.ended[intruder.connection] == nil, start.duration(to: field.now) < .seconds(2) {
            var burst: [UInt8] = []
            for _ in 0..<100 {
                burst += Intruder.frame(1, flags: 1, stream: stream, length: 0)
                burst += Intruder.frame(1, flags: 8, stream: stream, length: 0)
                stream += 2
            }
            intruder.send(burst, into: &field)
            field.run(for: .milliseconds(10), publishEvery: .milliseconds(9))
        }
        #expect(field.ended[intruder.connection] != nil)
        field.run(for: .seconds(1))
        expectHonestTrade(field, atLeast: 1)
        field.victim.checkInvariants(at: field.now)
    }

    /// Yamux pings by the ten thousand, with a reader that takes no answer.
    @Test func `a ping flood is answered up to a rate and holds no memory`() throws {
        var field = SiegeField(seed: 4)
        var intruder = try #require(Intruder(into: &field, number: 4))
        field.congest(intruder.connection)
        for round in 0..<200 {
            var burst: [UInt8] = []
            for number in 0..<50 {
                burst += Intruder.frame(2, flags: 1, stream: 0, length: UInt32(round * 50 + number))
            }
            intruder.send(burst, into: &field)
            field.run(for: .milliseconds(10), publishEvery: .milliseconds(9))
        }
        let unread = field.read(from: intruder.connection).count
        #expect(unread <= 64 << 10, "\(unread) bytes of answers")
        field.run(for: .seconds(1))
        expectHonestTrade(field, atLeast: 150)
        field.victim.checkInvariants(at: field.now)
    }

    /// A peer that joins the mesh and never reads: what waits for it is bounded, and nobody else waits for it.
    @Test func `a slow reader holds a bounded queue and delays nobody`() {
        var field = SiegeField(seed: 5)
        var intruder = GossipIntruder(into: &field, number: 5)
        intruder.say(.subscribingToEverything, into: &field)
        field.run(for: .seconds(2))
        intruder.settle(&field)
        intruder.reads = false
        field.congest(intruder.connection)
        field.run(for: .seconds(10), publishEvery: .milliseconds(200))
        let unread = field.outbox[intruder.connection]?.count ?? 0
        #expect(unread <= 512 << 10, "\(unread) bytes wait for it")
        field.run(for: .seconds(1))
        expectHonestTrade(field, atLeast: 45)
        field.victim.checkInvariants(at: field.now)
    }

    /// Attack 8: twice what a core can verify, every signature wrong.
    @Test func `thirty-five thousand bad signatures a second silence their sender within two seconds`() throws {
        var field = SiegeField(seed: 6)
        var intruder = GossipIntruder(into: &field, number: 6)
        let forged = try Forgeries(count: 700, at: field.unixMilliseconds)
        intruder.say(forged.hello, into: &field)
        field.run(for: .seconds(2))
        let (start, before) = (field.now, field.verificationCount)
        var next = 0
        for _ in 0..<100 {
            intruder.say(forged.rpc(from: next, count: 700), into: &field)
            next += 700
            field.run(for: .milliseconds(20), publishEvery: .milliseconds(19))
        }
        let charged = field.misbehaviours.first { $0.peer == intruder.peer }
        #expect(charged != nil)
        let spent = field.verificationCount - before
        // The burst, two seconds at the budget's rate, and the honest records themselves.
        #expect(spent <= 512 + 200 + 600, "\(spent) signatures were computed")
        let score = field.victim.score(of: intruder.peer)
        #expect(score <= -1_000, "score \(score) after \(start.duration(to: field.now))")
        field.run(for: .seconds(1))
        expectHonestTrade(field, atLeast: 80)
        field.victim.checkInvariants(at: field.now)
    }
}
