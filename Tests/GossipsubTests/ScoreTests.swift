import Identity
import Primitives
import Testing

@testable import Gossipsub

/// A book of scores whose clock moves by whole seconds.
private struct Ledger {
    var book: PeerScoreBook
    var now = Instant.zero

    init(_ params: PeerScoreParams = PeerScoreParams(), topic: TopicScoreParams = TopicScoreParams()) {
        book = PeerScoreBook(params: params)
        book.setParams(topic, of: "t")
        book.refresh(at: now)
        for number in 1...3 { book.connect(peer(number), address: address(number)) }
    }

    mutating func pass(_ seconds: Int) {
        for _ in 0..<seconds {
            now = now.advanced(by: .seconds(1))
            book.refresh(at: now)
            book.checkInvariants()
        }
    }

    func score(_ number: Int) -> Double { book.score(of: peer(number)) }
}

private func isClose(_ left: Double, _ right: Double) -> Bool { abs(left - right) < 1e-9 }

@Suite struct `Peer score` {
    private var ledger = Ledger()

    @Test mutating func `P1 grows by the second in the mesh, to three, and ends with it`() {
        ledger.book.enterMesh(peer(1), "t", at: ledger.now)
        ledger.pass(100)
        #expect(isClose(ledger.score(1), 1))
        ledger.pass(500)
        #expect(isClose(ledger.score(1), 3))
        ledger.book.leaveMesh(peer(1), "t")
        #expect(ledger.score(1) == 0)
    }

    @Test mutating func `P2 counts first deliveries, to ten, and decays`() {
        for _ in 0..<50 { ledger.book.creditFirstDelivery(peer(1), "t") }
        #expect(isClose(ledger.score(1), 5))
        ledger.pass(1)
        #expect(isClose(ledger.score(1), 5 * 0.9624))
        for _ in 0..<200 { ledger.book.creditFirstDelivery(peer(1), "t") }
        #expect(isClose(ledger.score(1), 10))
        // 100 · 0.9624^n falls below 0.01 at the 241st second.
        ledger.pass(240)
        #expect(ledger.score(1) > 0)
        ledger.pass(1)
        #expect(ledger.score(1) == 0)
    }

    @Test mutating func `P1 and P2 together are capped at ten, losses are not`() {
        ledger.book.enterMesh(peer(1), "t", at: ledger.now)
        ledger.pass(400)
        for _ in 0..<200 { ledger.book.creditFirstDelivery(peer(1), "t") }
        #expect(isClose(ledger.score(1), 10))
        for _ in 0..<2 { ledger.book.chargeInvalid(peer(1), "t") }
        #expect(isClose(ledger.score(1), 10 - 160))
    }

    @Test mutating func `P3 costs a silent mesh peer 75 once the topic moves`() {
        for number in 1...3 { ledger.book.enterMesh(peer(number), "t", at: ledger.now) }
        for second in 0..<240 {
            for _ in 0..<3 {
                ledger.book.noteAccepted(in: "t")
                ledger.book.creditFirstDelivery(peer(1), "t")
                ledger.book.creditCopy(peer(2), "t", sinceVerdict: second % 2 == 0 ? nil : .seconds(2))
            }
            ledger.pass(1)
            if second == 110 { #expect(ledger.score(3) > 0) }
        }
        #expect(ledger.book.threshold(of: "t") == 5)
        #expect(isClose(ledger.score(3), 2.4 - 75))
        #expect(ledger.score(1) > 0 && ledger.score(2) > 0)
        // P3b: the deficit sticks when the peer is pruned.
        ledger.book.leaveMesh(peer(3), "t")
        #expect(isClose(ledger.score(3), -75))
        ledger.pass(1)
        #expect(isClose(ledger.score(3), -75 * 0.99872))
    }

    @Test mutating func `P3 is off in a quiet topic`() {
        for number in 1...3 { ledger.book.enterMesh(peer(number), "t", at: ledger.now) }
        for _ in 0..<300 {
            ledger.book.noteAccepted(in: "t")
            ledger.book.creditFirstDelivery(peer(1), "t")
            ledger.pass(1)
        }
        #expect(ledger.book.threshold(of: "t") == 0 && ledger.score(3) > 0)
    }

    @Test mutating func `P3 counts no copy that comes later than two seconds after the verdict`() {
        ledger.book.enterMesh(peer(1), "t", at: ledger.now)
        ledger.book.creditCopy(peer(1), "t", sinceVerdict: .milliseconds(2001))
        #expect(ledger.book.stats(of: peer(1), in: "t")?.meshDeliveries == 0)
        ledger.book.creditCopy(peer(1), "t", sinceVerdict: .milliseconds(2000))
        #expect(ledger.book.stats(of: peer(1), in: "t")?.meshDeliveries == 1)
    }

    @Test mutating func `P4 is the square of rejected messages: six of them graylist`() {
        for _ in 0..<5 { ledger.book.chargeInvalid(peer(1), "t") }
        #expect(ledger.score(1) == -1000)
        ledger.book.chargeInvalid(peer(1), "t")
        #expect(ledger.score(1) == -1440)
        ledger.pass(1)
        #expect(isClose(ledger.score(1), -40 * (6 * 0.99872) * (6 * 0.99872)))
    }

    @Test mutating func `P5 is bounded above by ten and not below`() {
        ledger.book.setApplicationScore(peer(1), 1e9)
        #expect(ledger.score(1) == 10)
        ledger.book.setApplicationScore(peer(1), -1e9)
        #expect(ledger.score(1) == -1e9)
    }

    @Test func `P6 costs the eight peers of one address forty each`() {
        for shared in [
            IPAddress(9, 9, 9, 9), IPAddress([0x20, 1, 0, 0, 0, 0, 0, 5] + [UInt8](repeating: 1, count: 8)),
        ] {
            guard let shared else { continue }
            var book = PeerScoreBook(params: PeerScoreParams())
            for number in 1...6 { book.connect(peer(number), address: shared) }
            #expect(book.score(of: peer(1)) == 0)
            for number in 7...8 { book.connect(peer(number), address: shared) }
            #expect(book.score(of: peer(1)) == -40)
            book.disconnect(peer(8), at: .zero)
            #expect(book.score(of: peer(1)) == -10)
            book.checkInvariants()
        }
    }

    @Test func `P6 exempts loopback, private and link-local addresses`() {
        for local in [IPAddress(127, 0, 0, 1), IPAddress(192, 168, 0, 1), IPAddress(169, 254, 0, 1)] {
            var book = PeerScoreBook(params: PeerScoreParams())
            for number in 1...20 { book.connect(peer(number), address: local) }
            #expect(book.score(of: peer(1)) == 0)
        }
    }

    @Test func `P6 counts an IPv6 customer by the first 56 bits`() throws {
        var book = PeerScoreBook(params: PeerScoreParams())
        for number in 1...8 {
            let bytes: [UInt8] = [0x20, 1, 0, 0, 0, 0, 0, UInt8(number)] + [UInt8](repeating: 1, count: 8)
            book.connect(peer(number), address: try #require(IPAddress(bytes)))
        }
        #expect(book.score(of: peer(1)) == -40)
    }

    @Test mutating func `P7 is the square of the surplus over six and decays over ten minutes`() {
        ledger.book.chargeMisbehaviour(peer(1), by: 6)
        #expect(ledger.score(1) == 0)
        ledger.book.chargeMisbehaviour(peer(1), by: 3)
        #expect(ledger.score(1) == -90)
        ledger.pass(1)
        let surplus = 9 * 0.99235 - 6
        #expect(isClose(ledger.score(1), -10 * surplus * surplus))
    }

    @Test mutating func `a bad score outlives its connection for an hour, a good one does not`() {
        for _ in 0..<6 { ledger.book.chargeInvalid(peer(1), "t") }
        for _ in 0..<20 { ledger.book.creditFirstDelivery(peer(2), "t") }
        for number in 1...2 { ledger.book.disconnect(peer(number), at: ledger.now) }
        #expect(ledger.score(1) == 0 && ledger.book.retainedCount == 1)
        ledger.pass(60)
        for number in 1...2 { ledger.book.connect(peer(number), address: address(number)) }
        #expect(ledger.score(1) < -1000 && ledger.score(2) == 0)
        ledger.book.disconnect(peer(1), at: ledger.now)
        ledger.pass(3601)
        #expect(ledger.book.retainedCount == 0)
    }

    @Test func `retained scores are bounded`() {
        var params = PeerScoreParams()
        params.retainedCountMax = 2
        var ledger = Ledger(params)
        for number in 1...3 {
            ledger.book.chargeMisbehaviour(peer(number), by: 10)
            ledger.book.disconnect(peer(number), at: ledger.now)
            ledger.book.checkInvariants()
        }
        #expect(ledger.book.retainedCount == 2)
    }

    @Test mutating func `a topic without parameters changes no score`() {
        ledger.book.enterMesh(peer(1), "foreign", at: ledger.now)
        ledger.book.chargeInvalid(peer(1), "foreign")
        #expect(ledger.score(1) == 0)
    }
}

@Suite struct `Score parameters` {
    @Test func `the start values hold the inequality`() throws {
        try PeerScoreParams().validate(topics: [TopicScoreParams()])
        #expect(PeerScoreParams().positiveMax == 20)
        #expect(TopicScoreParams().silencePenalty == 75)
    }

    @Test func `parameters under which silence pays are refused`() {
        var topic = TopicScoreParams()
        topic.meshDeliveriesWeight = -0.8
        #expect(throws: ScoreParamsError.silencePays) { try PeerScoreParams().validate(topics: [topic]) }
    }

    @Test func `numbers out of range are refused by name`() {
        var topic = TopicScoreParams()
        topic.invalidDecay = 1
        #expect(throws: ScoreParamsError.outOfRange("decay")) { try topic.validate() }
        var params = PeerScoreParams()
        params.graylistThreshold = -1
        #expect(throws: ScoreParamsError.outOfRange("graylistThreshold")) { try params.validate(topics: []) }
    }

    /// CVE-2022-47547: whatever the parameters and whatever else the peer does well, silence in one busy mesh costs more than
    /// all merits together, so that the peer is pruned.
    @Test(arguments: 1...30) func `merits never pay for silence in one mesh`(seed: Int) throws {
        var random = random(seed)
        var params = PeerScoreParams()
        params.topicScoreCap = random.unit() * 50
        params.applicationWeight = random.unit()
        params.applicationScoreMax = random.unit() * 40
        let topics = (0..<1 + random.below(6)).map { _ in TopicScoreParams.drawn(&random) }
        let isValid = (try? params.validate(topics: topics)) != nil
        #expect(isValid == topics.allSatisfy { params.positiveMax < $0.silencePenalty })
        guard isValid else { return }
        var book = PeerScoreBook(params: params)
        book.refresh(at: .zero)
        for number in 1...4 { book.connect(peer(number), address: address(number)) }
        book.setApplicationScore(peer(1), 1000)
        for (index, topic) in topics.enumerated() {
            let name = Topic(stringLiteral: "t\(index)")
            book.setParams(topic, of: name)
            for number in 1...4 { book.enterMesh(peer(number), name, at: .zero) }
        }
        // Peer 1 is silent in the first topic alone; everyone else, and it elsewhere, delivers all that there is.
        for second in 1...200 {
            for (index, _) in topics.enumerated() {
                let name = Topic(stringLiteral: "t\(index)")
                for message in 0..<4 + random.below(3) {
                    book.noteAccepted(in: name)
                    for number in (index == 0 ? 2 : 1)...4 {
                        let isFirst = number % 4 == message % 4
                        if isFirst { book.creditFirstDelivery(peer(number), name) }
                        if !isFirst { book.creditCopy(peer(number), name, sinceVerdict: nil) }
                    }
                }
            }
            book.refresh(at: Instant.zero.advanced(by: .seconds(second)))
        }
        #expect(book.score(of: peer(1)) < 0)
        for number in 2...4 { #expect(book.score(of: peer(number)) >= 0) }
    }
}

extension TopicScoreParams {
    /// Parameters whose threshold the busy mesh of the test can reach.
    fileprivate static func drawn(_ random: inout SeededRandom) -> TopicScoreParams {
        var params = TopicScoreParams()
        params.weight = 0.2 + random.unit()
        params.timeInMeshWeight = random.unit()
        params.firstDeliveriesWeight = random.unit() * 5
        params.firstDeliveriesCap = random.unit() * 500
        params.meshDeliveriesWeight = -random.unit() * 20
        params.meshDeliveriesThreshold = 1 + random.unit() * 10
        params.meshDeliveriesActivation = .seconds(10 + random.below(100))
        params.invalidWeight = -random.unit() * 100
        return params
    }
}

@Suite struct `Peer gater` {
    @Test func `sleeps until validations are dropped, then lets good peers through and bad ones seldom`() {
        var gater = PeerGater()
        var draw = random(1)
        for number in 1...2 { gater.connect(peer(number)) }
        for _ in 0..<100 {
            gater.noteValidated()
            gater.noteDelivered(peer(1))
            gater.noteRejected(peer(2))
        }
        #expect((0..<100).allSatisfy { _ in gater.lets(peer(2), at: .zero, random: &draw) })
        for _ in 0..<50 { gater.noteDropped(at: .zero) }
        let passed = (1...2).map { number in (0..<300).count { _ in gater.lets(peer(number), at: .zero, random: &draw) }
        }
        #expect(passed[0] == 300 && passed[1] < 10)
        // A quiet minute later it sleeps again.
        let later = Instant.zero.advanced(by: .seconds(60))
        #expect((0..<100).allSatisfy { _ in gater.lets(peer(2), at: later, random: &draw) })
    }
}
