import Identity
import Primitives
import Testing

@testable import Kademlia

@Suite struct `Kademlia queries` {
    let bench = Bench()

    static func nothing(_ peer: KademliaPeer, _ message: KademliaMessage) -> KademliaMessage? {
        KademliaMessage(kind: message.kind, key: message.key, record: message.record)
    }

    @Test func `nobody can be asked when the table is empty`() {
        for command: KademliaCommand in [
            .findPeer(peerID(5)), .closestPeers([1]), .provide([1]), .findProviders([1]), .getValue([1], quorum: 1),
        ] {
            #expect(bench.run(command, answer: Self.nothing).result == .failed(.noPeers))
        }
    }

    @Test(arguments: [[], [UInt8](repeating: 1, count: 129)])
    func `a key has one to 128 bytes`(key: [UInt8]) {
        bench.admit(1...3)
        #expect(bench.run(.closestPeers(key), answer: Self.nothing).result == .failed(.malformedKey))
        #expect(bench.run(.provide(key), answer: Self.nothing).result == .failed(.malformedKey))
    }

    @Test func `a peer is found through others, and its own answer ends the search`() {
        bench.admit(1...3)
        let (result, asked) = bench.run(.findPeer(peerID(50))) { _, message in
            KademliaMessage(kind: .findNode, closerPeers: [peer(50)])
        }
        #expect(result == .peer(peer(50)))
        #expect(asked.allSatisfy { $0.message == KademliaMessage(kind: .findNode, key: peerID(50).bytes) })
        #expect(asked.contains { $0.peer.id == peerID(50) })
        #expect(bench.machine.contains(peerID(50)))
    }

    @Test func `a search tells how it went, before its result`() throws {
        bench.admit(1...3)
        var outputs = bench.feed(.command(KademliaCommandID(rawValue: 4), .findPeer(peerID(50))))
        var summaries: [LookupSummary] = []
        var index = 0
        while index < outputs.count {
            defer { index += 1 }
            switch outputs[index] {
            case .request(let id, let asked, _, _):
                // The first of three is silent; the others name whom we look for.
                guard asked.id != peerID(1) else { continue }
                let answer = KademliaMessage(kind: .findNode, closerPeers: [peer(50)])
                bench.now = bench.now.advanced(by: .milliseconds(100))
                outputs += bench.feed(.response(id, answer.encoded, from: asked.source))
            case .searched(let summary):
                #expect(!outputs[..<index].contains { if case .finished = $0 { true } else { false } })
                summaries.append(summary)
            default: break
            }
        }
        let summary = try #require(summaries.first)
        #expect(summaries.count == 1)
        #expect(summary.kind == .findPeer && summary.command == KademliaCommandID(rawValue: 4))
        #expect(summary.isFound && summary.hops == 2 && summary.requestCount == 4)
        #expect(summary.failureCount == 0 && summary.lasted >= .milliseconds(200), "who is slow has not failed yet")
    }

    @Test func `what nobody takes has failed, and says so in numbers`() throws {
        bench.admit(1...2)
        var outputs = bench.feed(.command(KademliaCommandID(rawValue: 4), .provide([7])))
        var summary: LookupSummary?
        while let output = outputs.popLast() {
            switch output {
            case .request(let id, _, let bytes, let expectsResponse):
                let message = try KademliaMessage(parsing: bytes.span)
                outputs += bench.feed(
                    expectsResponse
                        ? .response(id, KademliaMessage(kind: message.kind).encoded, from: host(999))
                        : .requestFailed(id)
                )
            case .searched(let told): summary = told
            case .finished(_, let result): #expect(result == .failed(.notStored))
            default: break
            }
        }
        #expect(summary?.kind == .provide && summary?.isFound == false)
        #expect(summary?.requestCount == 4 && summary?.failureCount == 2)
    }

    @Test func `a connected peer and we ourselves need no search`() {
        _ = bench.feed(.identified(peer(9), isServer: false, from: host(9)))
        let known = KademliaPeer(id: peerID(9), addresses: peer(9).addresses, connection: .connected)
        #expect(bench.run(.findPeer(peerID(9)), answer: Self.nothing).result == .peer(known))
        let own = KademliaPeer(id: peerID(0), addresses: peer(0).addresses)
        #expect(bench.run(.findPeer(peerID(0)), answer: Self.nothing).result == .peer(own))
    }

    @Test func `the closest peers are those that answered`() throws {
        bench.admit(1...30)
        let dead = Set([2, 4, 6].map(peerID))
        let result = bench.run(.closestPeers([9])) { peer, message in
            dead.contains(peer.id) ? nil : Self.nothing(peer, message)
        }.result
        guard case .closest(let closest) = result else { return #expect(result == nil) }
        let target = KademliaKey(hashing: [9])
        let expected = (1...30).map(peerID).filter { !dead.contains($0) && bench.machine.contains($0) }.sorted {
            KademliaKey(hashing: $0.bytes).distance(to: target) < KademliaKey(hashing: $1.bytes).distance(to: target)
        }
        #expect(closest.map(\.id) == Array(expected.prefix(20)))
    }

    @Test func `who provides tells the nearest and waits for no answer`() {
        bench.admit(1...5)
        let key = Array("thing".utf8)
        let (result, asked) = bench.run(.provide(key), answer: Self.nothing)
        #expect(result == .provided(peerCount: 5))
        let told = asked.filter { $0.message.kind == .addProvider }
        #expect(told.count == 5)
        #expect(
            told.allSatisfy { $0.message == KademliaMessage(kind: .addProvider, key: key, providerPeers: [peer(0)]) }
        )
        let own = KademliaPeer(id: peerID(0), addresses: peer(0).addresses, connection: .connected)
        #expect(bench.ask(KademliaMessage(kind: .getProviders, key: key))?.providerPeers.map(\.id) == [own.id])
    }

    @Test func `one cut under several searches counts once`() throws {
        bench.admit(1...1)
        var requests: [KademliaRequestID] = []
        for number in 1...3 {
            let id = KademliaCommandID(rawValue: UInt64(number))
            let outputs = bench.feed(.command(id, .closestPeers([UInt8(number)])))
            for case .request(let id, _, _, _) in outputs { requests.append(id) }
        }
        #expect(requests.count == 3)
        for id in requests { _ = bench.feed(.requestFailed(id)) }
        #expect(bench.machine.contains(peerID(1)))
        bench.now = bench.now.advanced(by: .seconds(10))
        let outputs = bench.feed(.command(KademliaCommandID(rawValue: 4), .closestPeers([4])))
        for case .request(let id, _, _, _) in outputs { _ = bench.feed(.requestFailed(id)) }
        #expect(!bench.machine.contains(peerID(1)), "the second cut in a row costs the place")
        // It is connected still, or again: an empty table asks it.
        while !bench.machine.contains(peerID(1)) {
            var todo = bench.wait()
            let deadline = try #require(bench.machine.nextDeadline)
            try #require(deadline < Instant.zero.advanced(by: .seconds(120)), "nobody asks")
            while let output = todo.popLast() {
                guard case .request(let id, let asked, _, _) = output else { continue }
                let answer = KademliaMessage(kind: .findNode, closerPeers: [peer(1)])
                todo += bench.feed(.response(id, answer.encoded, from: asked.source))
            }
        }
    }

    @Test func `what nobody has kept is said again soon, at pauses that double`() {
        // Nobody is there: each time fails.
        _ = bench.run(.provide([1, 2]), answer: Self.nothing)
        var pauses: [Int] = []
        for _ in 0..<5 {
            let began = bench.now
            var isTried = false
            while !isTried {
                isTried = bench.wait().contains { output in
                    guard case .searched(let summary) = output else { return false }
                    return summary.kind == .provide
                }
            }
            pauses.append(Int(began.duration(to: bench.now) / .seconds(1)))
        }
        #expect(pauses == [30, 60, 120, 240, 480])
    }

    @Test func `what is provided is provided again after 22 hours until it is withdrawn`() {
        bench.admit(1...5)
        _ = bench.run(.provide([1, 2]), answer: Self.nothing)
        #expect(republished(within: .seconds(22 * 3600 + 60), from: .zero) == 1)
        _ = bench.run(.withdraw([1, 2]), answer: Self.nothing)
        #expect(republished(within: .seconds(23 * 3600), from: bench.now) == 0)
    }

    /// How often the key was announced anew in a time in which every request is answered.
    private func republished(within duration: Duration, from start: Instant) -> Int {
        var (count, told) = (0, Set<Int64>())
        let end = start.advanced(by: duration)
        while let deadline = bench.machine.nextDeadline, deadline <= end {
            var todo = bench.wait()
            while let output = todo.popLast() {
                guard case .request(let id, let peer, let bytes, let expectsResponse) = output,
                    let message = try? KademliaMessage(parsing: bytes.span)
                else { continue }
                if message.kind == .addProvider, told.insert(bench.now.nanoseconds).inserted { count += 1 }
                let answer = KademliaMessage(kind: message.kind, closerPeers: [peer])
                todo += bench.feed(expectsResponse ? .response(id, answer.encoded, from: peer.source) : .delivered(id))
            }
        }
        return count
    }

    @Test func `providers are those whom anybody named, the most named first, and nobody counts twice`() {
        bench.admit(1...4)
        let (result, _) = bench.run(.findProviders([7])) { asked, message in
            var answer = KademliaMessage(kind: .getProviders, key: message.key)
            // The first inflates its friend; three others agree on another one.
            answer.providerPeers =
                asked.id == peerID(1) ? Array(repeating: peer(60), count: 9) : [peer(61), peer(60)].shuffledOnce(asked)
            if asked.id == peerID(2) { answer.providerPeers = [peer(61)] }
            return answer
        }
        guard case .providers(let providers) = result else { return #expect(result == nil) }
        #expect(Set(providers.map(\.peer.id)) == [peerID(60), peerID(61)])
    }

    @Test func `a provider that was found comes with the network of whoever named it`() {
        bench.admit(1...2)
        let (result, _) = bench.run(.findProviders([7])) { asked, message in
            KademliaMessage(kind: .getProviders, providerPeers: [peer(asked.id == peerID(1) ? 60 : 61)])
        }
        guard case .providers(let providers) = result else { return #expect(result == nil) }
        let expected = [(60, 1), (61, 2)].map { FoundProvider(peer: peer($0), source: IPGroup(host($1))) }
        #expect(Set(providers) == Set(expected))
    }

    @Test func `names of a site hide nobody who is there, and of those who answer from it two count`() {
        func neighbour(_ number: Int) -> KademliaPeer {
            let endpoint = Endpoint(address: IPAddress(203, 0, 5, UInt8(number - 200)), port: 4001)
            return KademliaPeer(id: peerID(number), addresses: [Multiaddr(endpoint: endpoint)])
        }
        bench.admit(1...4)
        var answerCount = 0
        let (_, asked) = bench.run(.closestPeers([9])) { asked, message in
            answerCount += 1
            var answer = KademliaMessage(kind: .findNode)
            switch asked.id {
            // The first names a crowd that is not there; then somebody names those who are.
            case _ where answerCount == 1: answer.closerPeers = (210...229).map(neighbour)
            case _ where answerCount == 2: answer.closerPeers = (201...203).map(neighbour)
            case peerID(201): answer.closerPeers = [peer(301)]
            case peerID(202): answer.closerPeers = [peer(302)]
            case peerID(203): answer.closerPeers = [peer(303)]
            case peerID(301), peerID(302), peerID(303): answer.closerPeers = [neighbour(240)]
            case let id where (210...229).contains(where: { peerID($0) == id }): return nil
            default: break
            }
            return answer
        }
        let ids = Set(asked.map(\.peer.id))
        #expect([301, 302, 303].count { ids.contains(peerID($0)) } == 2)
        #expect(!ids.contains(peerID(240)))
    }

    @Test func `the first who names a peer cannot hide it behind wrong addresses`() {
        bench.admit(1...2)
        let lies = (1...8).map { Multiaddr(endpoint: Endpoint(address: host(500 + $0), port: 4001)) }
        var answerCount = 0
        let (result, _) = bench.run(.findPeer(peerID(70))) { asked, message in
            guard asked.id != peerID(70) else { return nil }
            answerCount += 1
            let named = answerCount == 1 ? KademliaPeer(id: peerID(70), addresses: lies) : peer(70)
            return KademliaMessage(kind: .findNode, closerPeers: [named])
        }
        let known = KademliaPeer(id: peerID(70), addresses: [lies[0]] + peer(70).addresses + lies[1...2])
        #expect(result == .peer(known))
    }

    /// Two of whom the first lies about peer 70, and the second does not.
    private func tellOf70(between: (KademliaRequestID) -> [KademliaMachine.Output]) -> [KademliaMachine.Output] {
        bench.admit(1...2)
        let lie = KademliaPeer(id: peerID(70), addresses: peer(500).addresses)
        let asked = bench.feed(.command(KademliaCommandID(rawValue: 1), .findPeer(peerID(70)))).compactMap(\.requested)
        #expect(asked.count == 2)
        let first = KademliaMessage(kind: .findNode, closerPeers: [lie, lie, peer(70)]).encoded
        let second = KademliaMessage(kind: .findNode, closerPeers: [peer(70)]).encoded
        let dialled = bench.feed(.response(asked[0].id, first, from: asked[0].peer.source)).compactMap(\.requested)
        #expect(dialled.map(\.peer) == [lie], "one answer names a peer once")
        #expect(between(dialled[0].id) == [])
        return bench.feed(.response(asked[1].id, second, from: asked[1].peer.source))
    }

    private static let bothOf70 = KademliaPeer(id: peerID(70), addresses: peer(500).addresses + peer(70).addresses)

    @Test func `whoever failed at a wrong address is asked again when another tells a better one`() {
        let outputs = tellOf70 { bench.feed(.requestFailed($0)) }
        #expect(outputs.compactMap(\.requested).map(\.peer) == [Self.bothOf70])
    }

    @Test func `what is told of a peer while it is dialled goes to the dial`() {
        #expect(tellOf70 { _ in [] } == [.learned(Self.bothOf70)])
    }

    @Test func `the first who names a provider cannot hide it behind wrong addresses`() {
        bench.admit(1...3)
        let lies = (1...8).map { Multiaddr(endpoint: Endpoint(address: host(500 + $0), port: 4001)) }
        var answerCount = 0
        let (result, _) = bench.run(.findProviders([7])) { _, _ in
            answerCount += 1
            let named = answerCount == 1 ? KademliaPeer(id: peerID(70), addresses: lies) : peer(70)
            return KademliaMessage(kind: .getProviders, providerPeers: [named])
        }
        guard case .providers(let found) = result else { return #expect(result == nil) }
        let known = KademliaPeer(id: peerID(70), addresses: [lies[0]] + peer(70).addresses + lies[1...2])
        #expect(found.map(\.peer) == [known])
    }

    @Test func `eight who name a peer take turns, and who comes after them is not heard`() {
        var named = NamedAddresses()
        for namer in 0..<9 {
            let isHeard = named.add((0..<5).map { peer(10 * namer + $0).addresses[0] })
            #expect(isHeard == (namer < 8))
            let isHeardAgain = named.add([peer(10 * namer).addresses[0]])
            #expect(!isHeardAgain)
        }
        #expect(named.inTurns == (0..<8).map { peer(10 * $0).addresses[0] })
    }

    @Test func `whoever does not take a value keeps its place in the table`() {
        bench.admit(1...3)
        for rank: UInt8 in 1...3 {
            let result = bench.run(.putValue(RankedValues.value("v", rank: rank))) { asked, message in
                message.kind == .putValue ? nil : Self.nothing(asked, message)
            }.result
            #expect(result == .failed(.notStored))
        }
        #expect(bench.machine.tableCount == 3)
    }

    @Test func `one who names hundreds of providers gets a share`() {
        bench.admit(1...2)
        let (result, _) = bench.run(.findProviders([7])) { asked, message in
            let first = asked.id == peerID(1) ? 1_000 : 3_000
            return KademliaMessage(kind: .getProviders, providerPeers: (first..<first + 500).map { peer($0) })
        }
        guard case .providers(let providers) = result else { return #expect(result == nil) }
        #expect(providers.count == 256)
    }

    @Test func `a value is stored with the nearest, whose echo is compared`() {
        bench.admit(1...6)
        let value = RankedValues.value("v", rank: 3)
        let (result, asked) = bench.run(.putValue(value)) { asked, message in
            guard message.kind == .putValue else { return Self.nothing(asked, message) }
            if asked.id == peerID(1) { return nil }
            let echo = asked.id == peerID(2) ? RankedValues.value("v", rank: 2) : value
            return KademliaMessage(kind: .putValue, key: message.key, record: echo)
        }
        #expect(result == .stored(peerCount: 4))
        #expect(asked.count { $0.message.kind == .putValue } == 6)
        #expect(bench.ask(KademliaMessage(kind: .getValue, key: value.key))?.record == value)
    }

    @Test func `a value that the validator refuses, or that is older than ours, is not published`() {
        bench.admit(1...3)
        let invalid = KademliaValue(key: [1], value: [1])
        #expect(bench.run(.putValue(invalid), answer: Self.nothing).result == .failed(.refusedValue))
        _ = bench.run(.putValue(RankedValues.value("v", rank: 3)), answer: Self.nothing)
        let older = RankedValues.value("v", rank: 2)
        #expect(bench.run(.putValue(older), answer: Self.nothing).result == .failed(.refusedValue))
    }

    @Test func `the best valid value wins, and at most four outdated holders are corrected`() {
        bench.admit(1...12)
        let best = RankedValues.value("v", rank: 9)
        let (result, asked) = bench.run(.getValue(best.key, quorum: 20)) { asked, message in
            guard message.kind == .getValue else { return Self.nothing(asked, message) }
            let record =
                switch asked.id {
                case peerID(1): best
                case peerID(2): RankedValues.value("v", rank: 200, minutes: 0)
                case peerID(3): RankedValues.value("other", rank: 201)
                default: RankedValues.value("v", rank: 4)
                }
            return KademliaMessage(kind: .getValue, key: message.key, record: record)
        }
        #expect(result == .value(best.value))
        let corrections = asked.filter { $0.message.kind == .putValue }
        #expect(corrections.count == 4)
        #expect(corrections.allSatisfy { $0.message.record == best && $0.peer.id != peerID(1) })
    }

    @Test func `the quorum ends a search for a value`() {
        var config = KademliaConfig()
        config.secure = LookupLimits(k: 20, alpha: 1)
        let bench = Bench(config)
        bench.admit(1...12)
        let value = RankedValues.value("v", rank: 9)
        let (result, asked) = bench.run(.getValue(value.key, quorum: 3)) { _, message in
            KademliaMessage(kind: .getValue, key: message.key, record: value)
        }
        #expect(result == .value(value.value))
        #expect(asked.count == 3)
    }

    @Test func `commands beyond the places wait, and beyond those are refused`() {
        bench.admit(1...3)
        var results: [KademliaResult] = []
        for number in 0..<100 {
            let outputs = bench.feed(
                .command(KademliaCommandID(rawValue: UInt64(number)), .closestPeers([UInt8(number)]))
            )
            for case .finished(_, let result) in outputs { results.append(result) }
        }
        #expect(results == Array(repeating: .failed(.busy), count: 20))
        // Nobody ever answers: all end, each after its time.
        var endedCount = 0
        while endedCount < 80, bench.now < .zero.advanced(by: .seconds(900)) {
            for case .finished(_, _) in bench.wait() { endedCount += 1 }
        }
        #expect(endedCount == 80)
    }

    @Test func `a search that runs out of time still stores with those who answered`() {
        var config = KademliaConfig()
        config.queryTimeout = .seconds(2)
        let bench = Bench(config)
        bench.admit(1...6)
        var (result, todo): (KademliaResult?, [KademliaMachine.Output]) = (nil, [])
        todo = bench.feed(.command(KademliaCommandID(rawValue: 1), .provide([5])))
        while result == nil, bench.now < .zero.advanced(by: .seconds(60)) {
            guard let output = todo.popLast() else {
                todo = bench.wait()
                continue
            }
            if case .finished(_, let outcome) = output { result = outcome }
            guard case .request(let id, let asked, let bytes, let expectsResponse) = output else { continue }
            // The first of them is silent, and holds up the search for as long as it may.
            if asked.id == peerID(1) { continue }
            todo += bench.feed(expectsResponse ? .response(id, bytes, from: asked.source) : .delivered(id))
        }
        #expect(result == .provided(peerCount: 5))
        #expect(bench.now <= .zero.advanced(by: .seconds(2)))
    }

    @Test func `no more than 256 keys are kept published`() {
        bench.admit(1...2)
        for number in 0..<256 {
            let result = bench.run(.provide([1, UInt8(number)]), answer: Self.nothing).result
            #expect(result == .provided(peerCount: 2))
        }
        #expect(bench.run(.provide([2]), answer: Self.nothing).result == .failed(.busy))
    }

    /// One in a /24 is a host, two a coincidence; more are likely one party.
    @Test func `of one site a search takes two peers, and asks no more than may be under way`() {
        bench.admit(1...2)
        let site = (0..<30).map { number in
            KademliaPeer(
                id: peerID(200 + number),
                addresses: [Multiaddr(endpoint: Endpoint(address: IPAddress(203, 0, 113, UInt8(number)), port: 1))]
            )
        }
        let (result, asked) = bench.run(.closestPeers([5])) { _, message in
            KademliaMessage(kind: .findNode, closerPeers: Array(site.prefix(20)))
        }
        #expect(asked.count { asked in site.contains { $0.id == asked.peer.id } } <= 10)
        guard case .closest(let peers) = result else {
            Issue.record("\(result)")
            return
        }
        #expect(peers.count { found in site.contains { $0.id == found.id } } == 2)
    }
}

extension KademliaMachine.Output {
    fileprivate var requested: (id: KademliaRequestID, peer: KademliaPeer)? {
        if case .request(let id, let peer, _, _) = self { (id, peer) } else { nil }
    }
}

extension [KademliaPeer] {
    /// Another order for every second peer, so that order cannot decide a test.
    fileprivate func shuffledOnce(_ peer: KademliaPeer) -> [KademliaPeer] {
        peer.id.bytes[5] % 2 == 0 ? reversed() : self
    }
}
