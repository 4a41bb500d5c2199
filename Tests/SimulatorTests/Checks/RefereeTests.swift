import Identity
import Market
import Node
import Primitives
import Swarm
import Testing

@testable import Simulator

@Suite struct `The referee` {
    @Test func `a delivery is judged by what the books hold`() throws {
        var town = TrialTown(nodes: 4) { scenario in
            scenario.expectations = [.delivery(atLeast: Share(percent: 100), within: .seconds(5))]
        }
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        for (node, at) in [(0, 1_000), (1, 1_100), (2, 1_200)] { town.hold(offer, node, at: .milliseconds(at)) }
        let verdict = try #require(town.verdict("delivery"))
        #expect(!verdict.isPassed)
        #expect(verdict.finding == "66.6666 % of 3 deliveries within 5 s (need 100 %)")
        #expect(verdict.failure?.node == 3)
    }

    @Test func `a run without a publication proves no delivery`() {
        let town = TrialTown(nodes: 2) { scenario in
            scenario.expectations = [
                .delivery(atLeast: .zero, within: .seconds(5)), .latency(percentile: 5_000, within: .seconds(5)),
            ]
        }
        #expect(town.verdict("delivery")?.isPassed == false)
        #expect(town.verdict("latency")?.isPassed == false)
    }

    @Test func `the sets of two halves differ until the last record has crossed`() throws {
        var town = TrialTown(nodes: 4) { scenario in
            scenario.expectations = [.equalSets(within: .seconds(20))]
            scenario.faults = [
                PlannedFault(at: .seconds(10), fault: .partition(split: Share(percent: 50), for: .seconds(20)))
            ]
        }
        let (left, right) = (
            try TrialTown.offer(of: 0, sequence: 5, at: .second(12)),
            try TrialTown.offer(of: 2, sequence: 5, at: .second(12))
        )
        town.seconds(0..<12)
        for node in 0...1 { town.hold(left, node, at: .second(12)) }
        for node in 2...3 { town.hold(right, node, at: .second(12)) }
        #expect(town.second(13).distinctSets == 1, "news of the last five seconds is not compared")
        town.seconds(14..<30)
        #expect(town.second(30).distinctSets == 2)
        for node in 0...1 { town.hold(right, node, at: .second(33)) }
        town.hold(left, 2, at: .second(34))
        #expect(town.second(35).distinctSets == 2)
        town.hold(left, 3, at: .second(36))
        #expect(town.second(37).distinctSets == 1)
        #expect(town.verdict("equal-sets")?.finding == "equal 7 s after the last fault (need 20 s)")
        #expect(town.verdict("equal-sets")?.isPassed == true)
    }

    @Test func `an old price in one book is no agreement`() throws {
        var town = TrialTown(nodes: 3) { $0.expectations = [.equalSets(within: .seconds(20))] }
        let old = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        let new = try TrialTown.offer(of: 0, sequence: 6, at: .second(10))
        for node in 0..<3 { town.hold(old, node, at: .second(1)) }
        #expect(town.second(9).distinctSets == 1)
        for node in 0..<2 {
            town.drop(old, node, at: .second(10))
            town.hold(new, node, at: .second(10))
        }
        #expect(town.second(11).distinctSets == 1)
        #expect(town.second(16).distinctSets == 2)
        town.referee.stopped(2, at: .second(17))
        #expect(town.second(18).distinctSets == 1, "who is down has no say")
    }

    @Test func `a restarted node holds what its store gave back`() throws {
        var town = TrialTown(nodes: 3) {
            $0.expectations = [.equalSets(within: .seconds(20)), .sometimes(.redelivery)]
        }
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        for node in 0..<3 { town.hold(offer, node, at: .second(1)) }
        town.start(1, restored: [offer], at: .second(8))
        town.start(2, restored: [], losesUnsynced: true, at: .second(8))
        #expect(town.second(20).distinctSets == 2)
        #expect(town.verdict("sometimes: redelivery")?.isPassed == false)
        town.hold(offer, 2, at: .second(21))
        #expect(town.second(22).distinctSets == 1)
        #expect(town.verdict("sometimes: redelivery")?.isPassed == true)
        #expect(town.verdict("honest-counts")?.isPassed == true)
    }

    @Test func `two bodies of one sequence are known when every node holds both, a conflict, or a later word`() throws {
        var town = TrialTown(nodes: 4, hostile: [0]) { scenario in
            scenario.expectations = [.conflictsKnown(within: .seconds(10)), .sometimes(.conflict)]
        }
        let one = try TrialTown.offer(of: 0, sequence: 5, price: 100, at: .second(1))
        let other = try TrialTown.offer(of: 0, sequence: 5, price: 101, at: .second(1))
        let body = try #require(ConflictBody(one, other))
        let warning = Record(
            network: "main",
            sequence: 8,
            issuedAt: TrialTown.unix(.second(4)),
            expiresAt: TrialTown.unix(.second(4)) + 60_000,
            body: .conflict(body)
        )
        let conflict = try SignedRecord(signing: warning, by: TrialTown.key(1))
        town.hold(one, 1, at: .second(2))
        town.hold(one, 3, at: .second(2))
        town.hold(other, 2, at: .second(3))
        town.second(3)
        #expect(town.referee.conflicts.conflicts.map(\.since) == [.second(3)])
        town.hold(other, 1, at: .second(4))
        town.hold(one, 2, at: .second(4))
        town.second(5)
        #expect(town.referee.conflicts.conflicts.first?.ignorant == 3)
        town.hold(conflict, 3, at: .second(6))
        town.second(7)
        #expect(town.verdict("conflicts-known")?.finding == "1 of 1 conflicts known in time, slowest 4 s")
        #expect(town.verdict("sometimes: conflict")?.isPassed == true)
        // Conflict records of several finders are no publications that everybody must hold.
        #expect(town.referee.publications.isEmpty)
    }

    @Test func `a conflict that somebody never hears of is late`() throws {
        var town = TrialTown(nodes: 3, hostile: [0]) { $0.expectations = [.conflictsKnown(within: .seconds(10))] }
        town.hold(try TrialTown.offer(of: 0, sequence: 5, price: 100), 1, at: .second(2))
        town.hold(try TrialTown.offer(of: 0, sequence: 5, price: 101), 2, at: .second(2))
        town.seconds(3..<15)
        #expect(town.verdict("conflicts-known", at: .second(11))?.kind == "unjudged", "its time is not over")
        let verdict = try #require(town.verdict("conflicts-known", at: .second(15)))
        #expect(!verdict.isPassed)
        #expect(verdict.kind == "missed")
        #expect(verdict.failure?.node == 1)
    }

    @Test func `a conflict is not known to all when nobody is left who should know it`() throws {
        var town = TrialTown(nodes: 3, hostile: [0]) { $0.expectations = [.conflictsKnown(within: .seconds(10))] }
        town.hold(try TrialTown.offer(of: 0, sequence: 5, price: 100), 1, at: .second(2))
        town.hold(try TrialTown.offer(of: 0, sequence: 5, price: 101), 2, at: .second(2))
        for node in 1...2 { town.referee.stopped(node, at: .second(2)) }
        town.seconds(3..<15)
        #expect(town.verdict("conflicts-known", at: .second(15))?.isPassed == false)
    }

    @Test func `whoever had nothing to judge has proved nothing`() {
        let town = TrialTown(nodes: 3, hostile: [0]) { scenario in
            scenario.expectations = [
                .equalSets(within: .seconds(10)), .conflictsKnown(within: .seconds(10)),
                .proofsKnown(to: .zero, within: .seconds(10)), .completeListings, .leasesComplete(atLeast: .zero),
                .searchesComplete(atLeast: .zero), .lookupsSucceed(atLeast: .zero), .overhead(atMostHundredths: 100),
                .delivery(atLeast: .zero, within: .seconds(1)), .latency(percentile: 1, within: .seconds(1)),
            ]
        }
        var seconds = town
        seconds.seconds(1..<20)
        let judged = seconds.verdicts(at: .second(20)).filter { Invariant(rawValue: $0.name) == nil }
        #expect(judged.count == 10)
        for verdict in judged { #expect(!verdict.isPassed && verdict.kind == "unjudged", "\(verdict)") }
        #expect(Share(0, of: 0) == .zero)
    }

    /// Dials of one node to one host within a minute; others' and those to the victim's true place do not count with them.
    @Test(arguments: [([0, 60, 120], 1), ([0, 59], 2), ([0, 30, 59, 61], 3)])
    func `dials where reflectors send a node are counted over every minute`(seconds: [Int], most: Int) {
        for limit in [most - 1, most] {
            var town = TrialTown(nodes: 4, hostile: [3]) {
                $0.expectations = [.reflectedDials(atMostPerMinute: limit)]
            }
            let door = Endpoint(address: IPAddress(20, 0, 0, 1), port: 4180)
            town.referee.reflections.hosts = [door.address, IPAddress(99, 0, 0, 1)]
            town.referee.reflections.honestDoor = door
            func dial(_ node: Int, _ host: IPAddress, _ port: UInt16, at second: Int) {
                let endpoint = Endpoint(address: host, port: port)
                let output = NodeMachine.Output.transport(.dial(ConnectionID(rawValue: 2), endpoint))
                town.feed(node, .deadlineReached, [output], at: .second(second))
            }
            for _ in 0..<5 {
                dial(1, door.address, door.port, at: 0)
                dial(1, IPAddress(20, 0, 0, 2), 4180, at: 0)
                dial(3, door.address, 5_000, at: 0)
            }
            #expect(town.verdict("reflected-dials")?.kind == "unjudged")
            for (place, second) in seconds.enumerated() {
                dial(1, door.address, 5_000 + UInt16(place), at: second)
                if place == 0 {
                    dial(1, IPAddress(99, 0, 0, 1), 4180, at: second)
                    dial(2, door.address, 5_000, at: second)
                }
            }
            let verdict = town.verdict("reflected-dials")
            #expect(verdict?.isPassed == (limit == most))
            #expect(verdict?.finding.contains("at most \(most) of one node") == true)
        }
    }

    @Test func `a latency is counted to the microsecond, as deliveries are`() throws {
        for (late, isPassed) in [(0, true), (1, false)] {
            var town = TrialTown(nodes: 2) { scenario in
                scenario.expectations = [.latency(percentile: 10_000, within: .seconds(5))]
            }
            let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
            town.hold(offer, 0, at: .second(1))
            town.hold(offer, 1, at: Instant.second(6).advanced(by: .microseconds(late)))
            let verdict = try #require(town.verdict("latency"))
            #expect(verdict.isPassed == isPassed, "\(verdict.finding)")
        }
    }

    @Test func `listings are complete when every live book has every live provider's newest word`() throws {
        var town = TrialTown(nodes: 3) { $0.expectations = [.completeListings] }
        let old = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        let new = try TrialTown.offer(of: 0, sequence: 6, at: .second(2))
        for node in 0..<3 { town.hold(old, node, at: .second(1)) }
        for node in 0..<2 { town.hold(new, node, at: .second(2)) }
        #expect(town.verdict("complete-listings")?.finding == "1 offers in 3 books, 1 missing")
        town.hold(new, 2, at: .second(3))
        #expect(town.verdict("complete-listings")?.isPassed == true)
        town.referee.stopped(0, at: .second(4))
        #expect(town.verdict("complete-listings")?.finding == "0 offers in 2 books, 0 missing")
    }

    @Test func `an adversary is contained when all honest neighbours graylist it`() {
        var town = TrialTown(nodes: 4, hostile: [2, 3]) { $0.expectations = [.contained(atLeast: .all)] }
        town.scores[TrialTown.peer(2)] = -2_000
        #expect(town.verdict("contained")?.finding == "1 of 2 adversaries contained (need 100 %)")
        town.scores[TrialTown.peer(3)] = -2_000
        #expect(town.verdict("contained")?.isPassed == true)
    }

    @Test func `overhead compares what came with one copy of everything`() throws {
        var town = TrialTown(nodes: 3) { $0.expectations = [.overhead(atMostHundredths: 250)] }
        let offer = try TrialTown.offer(of: 0, sequence: 5, at: .second(1))
        for node in 0..<3 { town.hold(offer, node, at: .second(1)) }
        var (referee, witness) = (town.referee, town)
        let received = offer.envelope.count * 5
        let verdict = referee.finish(witness: &witness, honestReceivedByteCount: received, at: .second(9)).last
        #expect(verdict?.finding == "2.5 times one copy of everything (need 2.5)")
        #expect(verdict?.isPassed == true)
    }

    @Test func `a first failure takes the last events along, once`() throws {
        var town = TrialTown(nodes: 2)
        town.hold(try TrialTown.offer(of: 0, sequence: 5), 1, isHeld: false, at: .second(1))
        #expect(town.referee.wantsEvents)
        #expect(town.referee.hasFailed)
        town.referee.attach(lastEvents: (0..<300).map(String.init))
        #expect(!town.referee.wantsEvents)
        town.hold(try TrialTown.offer(of: 0, sequence: 6), 1, isHeld: false, at: .second(2))
        #expect(!town.referee.wantsEvents)
        let verdict = try #require(town.verdict("honest-counts"))
        #expect(verdict.failure?.lastEvents == (100..<300).map(String.init))
        #expect(verdict.failure?.at == .second(1))
    }

    @Test func `only the invariants that a scenario names are judged`() throws {
        var town = TrialTown(nodes: 2) { $0.always = [.bounded] }
        town.hold(try TrialTown.offer(of: 0, sequence: 5), 1, isHeld: false, at: .second(1))
        #expect(town.verdicts(at: .second(2)).map(\.name) == ["bounded"])
    }

    @Test(arguments: [1, 2])
    func `node sets behave as sets`(seed: UInt64) {
        var random = SimulationRandom(seed: seed)
        var (nodes, model) = (NodeSet(), Set<Int>())
        for _ in 0..<2_000 {
            let node = random.below(300)
            if random.below(2) == 0 {
                #expect(nodes.insert(node) == model.insert(node).inserted)
            } else {
                #expect(nodes.remove(node) == (model.remove(node) != nil))
            }
        }
        var listed: [Int] = []
        nodes.forEach { listed.append($0) }
        #expect(listed == model.sorted())
        #expect(nodes.count == model.count)
    }
}
