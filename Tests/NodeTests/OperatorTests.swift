import Cryptography
import Identity
import Market
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

@Suite struct `A node and its operator` {
    private func bans(_ network: inout TestNetwork, _ node: TestNetwork.NodeIndex) -> [Ban] {
        guard case .bans(let own, _)? = network.ask(node, .bans) else { return [] }
        return own
    }

    @Test func `a ban ends the connection, is durable before it is answered, and holds after a crash`() throws {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 71)
        let ban = try #require(Ban(.peer(network.peer(nodes[1])), reason: "of spaces and ends"))
        guard case .done? = network.ask(nodes[0], .ban(ban)) else {
            Issue.record("not answered")
            return
        }
        network.run(for: .seconds(2))
        #expect(!network.isConnected(nodes[0], nodes[1]))
        network.kill(nodes[0])
        network.start(nodes[0])
        #expect(bans(&network, nodes[0]) == [ban])
        network.run(for: .seconds(600))
        #expect(!network.isConnected(nodes[0], nodes[1]), "its seed is redialled for ever, and shuts it out for ever")
        guard case .done? = network.ask(nodes[0], .unban(ban.target)) else {
            Issue.record("not lifted")
            return
        }
        let (one, other) = (nodes[0], nodes[1])
        #expect(network.run(atMost: .seconds(600)) { $0.isConnected(one, other) })
        guard case .failed(.notBanned)? = network.ask(nodes[0], .unban(ban.target)) else {
            Issue.record("lifted twice")
            return
        }
    }

    @Test func `nothing that a banned peer signs is kept or taken, whoever brings it, until the ban is lifted`() throws
    {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 75)
        let (reader, author) = (nodes[1], nodes[2])
        network.run(for: .seconds(5))
        let known = try network.publish(on: author)
        #expect(network.run(atMost: .seconds(30)) { $0.sees(reader, known) })
        let ban = try #require(Ban(.peer(network.peer(author))))
        _ = network.ask(reader, .ban(ban))
        #expect(!network.sees(reader, known), "what it had said is off the book at once")
        let later = try network.publish(on: author)
        network.run(for: .seconds(300))
        #expect(network.sees(nodes[0], later))
        #expect(
            !network.sees(reader, later) && !network.sees(reader, known),
            "a third node offered both again and again"
        )
        network.kill(reader)
        network.start(reader)
        network.run(for: .seconds(300))
        #expect(!network.sees(reader, later))
        _ = network.ask(reader, .unban(ban.target))
        let last = try network.publish(on: author)
        #expect(network.run(atMost: .seconds(30)) { $0.sees(reader, last) })
    }

    @Test func `a ban of a network shuts out no author, and nobody shuts out themselves`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 76)
        network.run(for: .seconds(5))
        let itself = try #require(Ban(.peer(network.peer(nodes[1]))))
        _ = network.ask(nodes[1], .ban(itself))
        let own = try network.publish(on: nodes[1])
        #expect(network.sees(nodes[1], own))
        let others = try #require(BanTarget("203.0.113.0/24"))
        let wide = try #require(Ban(others))
        _ = network.ask(nodes[1], .ban(wide))
        let other = try network.publish(on: nodes[2])
        #expect(network.run(atMost: .seconds(30)) { $0.sees(nodes[1], other) })
    }

    @Test func `a ban that the disk does not take is in force all the same, and says so`() throws {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 72)
        network.failStore(of: nodes[0], with: .diskFull)
        let ban = try #require(Ban(.peer(network.peer(nodes[1]))))
        guard case .failed(.inForceOnly(.diskFull))? = network.ask(nodes[0], .ban(ban)) else {
            Issue.record("a ban was called durable")
            return
        }
        network.run(for: .seconds(2))
        #expect(!network.isConnected(nodes[0], nodes[1]))
    }

    @Test func `settings ban and allow without being kept`() throws {
        var (network, nodes) = TestNetwork.star(count: 2, seed: 73)
        var tuning = NodeTuning()
        let everybody = try #require(BanTarget("10.1.0.0/16"))
        tuning.banned = [try #require(Ban(everybody))]
        _ = network.ask(nodes[0], .tune(tuning))
        network.run(for: .seconds(2))
        #expect(!network.isConnected(nodes[0], nodes[1]))
        tuning.allowed = [try #require(BanTarget("10.0.0.0/8"))]
        _ = network.ask(nodes[0], .tune(tuning))
        let (one, other) = (nodes[0], nodes[1])
        #expect(network.run(atMost: .seconds(600)) { $0.isConnected(one, other) })
        tuning.connectionsLow = tuning.connectionsHigh + 1
        guard case .failed(.senseless)? = network.ask(nodes[0], .tune(tuning)) else {
            Issue.record("a low mark above the high one was taken")
            return
        }
    }

    @Test(arguments: ["", "x", "1.2.3.4", "1.2.3.4 - ", "1.2.3.4 soon x", "\u{0}\n\n", "1.2.3.4 5 a\u{7}b", "- - -"])
    func `stored bans that nobody wrote are left out`(text: String) {
        let book = BanBook(stored: Array(text.utf8), configured: [], allowed: [])
        #expect(book.ownBans.count == (text == "1.2.3.4 - " ? 1 : 0))
    }

    @Test func `bans are read back as they were written`() throws {
        var book = BanBook(stored: [], configured: [], allowed: [])
        for (number, text) in ["203.0.113.7", "203.0.113.0/24", "2001:db8::/48"].enumerated() {
            let ban = Ban(try #require(BanTarget(text)), until: number == 0 ? nil : 5_000, reason: "é  - \(number)")
            let isAdded = book.add(try #require(ban), at: 1_000)
            #expect(isAdded)
        }
        #expect(BanBook(stored: book.stored, configured: [], allowed: []).ownBans == book.ownBans)
    }

    /// A home may be restored from anywhere: what stands in the fact is not believed.
    @Test(arguments: UInt64(1)...20)
    func `a damaged list of bans never traps`(seed: UInt64) throws {
        var random = SeededRandom(testSeed: seed)
        let whole = Array("203.0.113.0/24 - floods\n2001:db8::/48 1800000000000 \n203.0.113.7 -9 é\n".utf8)
        for _ in 0..<200 {
            var bytes = Array(whole.prefix(random.below(whole.count + 1)))
            for _ in 0..<random.below(6) where !bytes.isEmpty {
                bytes[random.below(bytes.count)] = UInt8(random.below(256))
            }
            if random.chance(30, in: 100) { bytes += random.bytes(random.below(64)) }
            let book = BanBook(stored: bytes, configured: [], allowed: [])
            #expect(BanBook(stored: book.stored, configured: [], allowed: []).ownBans == book.ownBans)
        }
    }

    // MARK: Clocks

    @Test func `the clock of a peer is known by its own word, and only of peers that we chose`() throws {
        var network = TestNetwork(seed: 74)
        let provider = network.addNode()
        let renter = network.addNode(seeds: [network.address(provider)])
        #expect(network.run(atMost: .seconds(10)) { $0.isConnected(renter, provider) })
        network.run(for: .seconds(3))
        _ = try network.publish(on: provider)
        network.run(for: .seconds(40))
        guard case .status(let seen)? = network.ask(renter, .status),
            case .status(let own)? = network.ask(provider, .status)
        else {
            Issue.record("no status")
            return
        }
        #expect(seen.clockSampleCount == 1)
        let offset = try #require(seen.clockOffset)
        #expect(offset <= .zero && offset > .seconds(-2), "whole seconds, and what it was on its way")
        #expect(own.clockSampleCount == 0)
    }

    @Test func `the median of the clocks is no single peer's word`() {
        var clocks = PeerClocks()
        let peers = (0..<5).map { number in
            PeerID(publicKey: Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32)).publicKey)
        }
        #expect(clocks.median(of: peers) == nil)
        for (peer, time) in zip(peers, [Int64.max, 1_500, 900, 1_000, 0]) {
            clocks.heard(time, from: peer, at: 1_000)
        }
        #expect(clocks.median(of: peers)?.milliseconds == 0)
        #expect(clocks.median(of: Array(peers.prefix(2)))?.count == 2)
        clocks.forget(peers[3])
        #expect(clocks.median(of: peers)?.milliseconds == 500)
        clocks.heard(.min, from: peers[0], at: .max)
        #expect(clocks.median(of: [peers[0]])?.milliseconds == Int64.max - 1_000, "what cannot be counted is not")
    }

    /// A step by a day, then one back: the node says so, signs only what the operator vouches for, and never goes back in its
    /// sequences.
    @Test func `a clock that steps is told, signs nothing alone, and sequences ascend all the same`() throws {
        var node = LoneNode()
        node.feed(.clock(unixMilliseconds: TestNetwork.epochMilliseconds))
        node.feed(.started)
        node.run(for: .seconds(10))
        var sequences: [UInt64] = []
        var wall = TestNetwork.epochMilliseconds + 10_000
        try sequences.append(node.publish())
        for step: Int64 in [86_400_000, -3_600_000] {
            wall += step
            node.feed(.clock(unixMilliseconds: wall))
            #expect(node.steps.last == step)
            #expect(throws: LoneNode.NotPublished(refusal: .clockDoubted)) { try node.publish() }
            node.resume()
            try sequences.append(node.publish())
            node.run(for: .seconds(1_000))
            wall += 1_000_000
            node.feed(.clock(unixMilliseconds: wall))
        }
        #expect(node.steps.count == 2)
        #expect(sequences == sequences.sorted() && Set(sequences).count == 3)
        #expect(node.ownOfferCount == 3, "nothing is lost")
    }
}

/// One node whose writes and signatures succeed at once, and whose clock the test sets.
private struct LoneNode {
    private var machine: NodeMachine
    private var now = Instant.zero
    private var nextCommand: UInt64 = 1
    private(set) var steps: [Int64] = []
    private var answers: [CommandID: NodeAnswer] = [:]

    init() {
        let endpoint = Endpoint(address: IPAddress(10, 1, 0, 1), port: 4180)
        machine = NodeMachine(
            config: NodeConfig(listen: [endpoint]),
            identity: Ed25519.PrivateKey(seed: [UInt8](repeating: 9, count: 32)),
            isFreshIdentity: true,
            restored: .empty,
            random: SeededRandom(testSeed: 7)
        )
    }

    mutating func feed(_ input: NodeMachine.Input) {
        var inputs = [input]
        while !inputs.isEmpty {
            var outputs: [NodeMachine.Output] = []
            machine.handle(inputs.removeFirst(), at: now, into: &outputs)
            machine.checkInvariants(at: now)
            for output in outputs {
                switch output {
                case .persist(let ticket, _): inputs.append(.persisted(ticket))
                case .verify(let batch, let checks): inputs.append(.verified(batch, checks.map { _ in true }))
                case .answer(let id, let answer): answers[id] = answer
                case .event(.clockStepped(let milliseconds)): steps.append(milliseconds)
                default: break
                }
            }
        }
    }

    mutating func run(for duration: Duration) {
        let end = now.advanced(by: duration)
        while let deadline = machine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            feed(.deadlineReached)
        }
        now = end
    }

    private mutating func ask(_ command: NodeCommand) -> NodeAnswer? {
        let id = CommandID(rawValue: nextCommand)
        nextCommand += 1
        feed(.command(id, command))
        return answers[id]
    }

    /// Publishes an offer and gives the sequence of its record.
    mutating func publish() throws -> UInt64 {
        switch ask(.publishOffer(.rtx4090())) {
        case .offer(let record): return record.record.sequence
        case .failed(.refused(let refusal)): throw NotPublished(refusal: refusal)
        default: throw NotPublished(refusal: nil)
        }
    }

    mutating func resume() { _ = ask(.resumeKey) }

    var ownOfferCount: Int {
        mutating get {
            if case .offers(let records)? = ask(.ownOffers) { records.count } else { 0 }
        }
    }

    struct NotPublished: Error, Equatable {
        let refusal: DeskRefusal?
    }
}
