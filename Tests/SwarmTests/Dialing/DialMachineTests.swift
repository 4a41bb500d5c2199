import Identity
import Primitives
import Testing

@testable import Swarm

@Suite struct `Dial machine` {
    private var machine = DialMachine(ownPeer: TestPeer.id(99), config: DialConfig())
    private var said: [DialMachine.Output] = []

    private static func endpoint(_ number: Int) -> Endpoint {
        Endpoint(address: IPAddress(203, 0, 113, UInt8(number)), port: 4001)
    }

    private static func address(_ number: Int) -> Multiaddr { Multiaddr(endpoint: endpoint(number)) }

    private static func milliseconds(_ count: Int) -> Instant { Instant.zero.advanced(by: .milliseconds(count)) }

    private func request(_ number: UInt64) -> ConnectRequestID { ConnectRequestID(rawValue: number) }

    /// Feeds one input and gives what it led to.
    @discardableResult
    private mutating func feed(_ input: DialMachine.Input, at now: Instant = .zero) -> [DialMachine.Output] {
        var outputs: [DialMachine.Output] = []
        machine.handle(input, at: now, into: &outputs)
        machine.checkInvariants()
        said += outputs
        return outputs
    }

    private mutating func connect(
        _ number: UInt64,
        _ peer: UInt8?,
        _ addresses: [Multiaddr],
        known: [Multiaddr] = [],
        at now: Instant = .zero
    ) -> [DialMachine.Output] {
        feed(.connect(request(number), peer.map(TestPeer.id), named: addresses, known: known), at: now)
    }

    private func dial(_ number: UInt64, _ endpoint: Int, _ peer: UInt8?) -> DialMachine.Output {
        .dial(ConnectionID(rawValue: number), Self.endpoint(endpoint), expecting: peer.map(TestPeer.id))
    }

    private func failed(_ number: UInt64, _ failure: ConnectFailure) -> DialMachine.Output {
        .answered(request(number), .failure(failure))
    }

    @Test mutating func `the next address follows after a quarter of a second and the loser is dropped`() {
        #expect(connect(1, 1, [Self.address(1), Self.address(2)]) == [dial(2, 1, 1)])
        #expect(machine.nextDeadline == Self.milliseconds(250))
        #expect(feed(.deadlineReached, at: Self.milliseconds(249)) == [])
        #expect(feed(.deadlineReached, at: Self.milliseconds(250)) == [dial(4, 2, 1)])
        let end = feed(.succeeded(ConnectionID(rawValue: 4), TestPeer.id(1)), at: Self.milliseconds(300))
        #expect(end == [.abort(ConnectionID(rawValue: 2)), .answered(request(1), .success(TestPeer.id(1)))])
        #expect(machine.jobCount == 0 && machine.nextDeadline == nil)
    }

    @Test mutating func `a failure brings the next address at once, and the last failure is told`() {
        _ = connect(1, 1, [Self.address(1), Self.address(2)])
        #expect(feed(.failed(ConnectionID(rawValue: 2), .transport(.refused))) == [dial(4, 2, 1)])
        let end = feed(.failed(ConnectionID(rawValue: 4), .wrongPeer(TestPeer.id(5))))
        #expect(end == [failed(1, .wrongPeer(TestPeer.id(5)))])
    }

    @Test mutating func `wishes for one peer share one dial`() {
        _ = connect(1, 1, [Self.address(1)])
        #expect(connect(2, 1, [Self.address(1)]) == [])
        let end = feed(.succeeded(ConnectionID(rawValue: 2), TestPeer.id(1)))
        #expect(end == [1, 2].map { .answered(request($0), .success(TestPeer.id(1))) })
    }

    @Test mutating func `eight dials run at once, a hundred and twenty-eight peers wait, more are refused`() {
        for number in 1...200 {
            let peer = UInt8(number)
            if peer != 99 { _ = connect(UInt64(number), peer, [Self.address(1 + number % 200)]) }
        }
        #expect(machine.attemptCount == 8)
        #expect(machine.jobCount == 136)
        #expect(said.count { if case .dial = $0 { true } else { false } } == 8)
        #expect(said.count { $0.isAnswered(.queueFull) } == 199 - 136)
        let next = feed(.failed(ConnectionID(rawValue: 2), .transport(.refused)))
        #expect(next.count == 2, "one answer, one dial")
    }

    @Test mutating func `an address that failed is left alone for five seconds, then for six, then for nine`() {
        var now = Instant.zero
        for (round, wait) in [5, 6, 9, 14].enumerated() {
            let id = UInt64(2 * round + 2)
            #expect(connect(1, 1, [Self.address(1)], at: now) == [dial(id, 1, 1)])
            feed(.failed(ConnectionID(rawValue: id), .transport(.timedOut)), at: now)
            let early = now.advanced(by: .milliseconds(wait * 1000 - 1))
            #expect(connect(1, 1, [Self.address(1)], at: early) == [failed(1, .backoff)])
            now = now.advanced(by: .seconds(wait))
        }
        #expect(connect(2, 3, [Self.address(1)], at: now).count == 1, "for another peer it is another address")
    }

    /// Somebody is there, but not whom strangers say: their names must neither make us knock nor keep us from whom we know.
    @Test mutating func `where strangers' names fail we knock once a minute, and whom we met there is dialled at once`()
    {
        #expect(connect(2, 2, [], known: [Self.address(1)]) == [dial(2, 1, 2)])
        #expect(connect(1, 1, [], known: [Self.address(1)], at: seconds(1)) == [])
        #expect(connect(3, 3, [], known: [Self.address(1)], at: seconds(1)) == [])
        let met = feed(.failed(ConnectionID(rawValue: 2), .wrongPeer(TestPeer.id(1))), at: seconds(2))
        #expect(met == [failed(2, .wrongPeer(TestPeer.id(1))), dial(4, 1, 1)])
        #expect(machine.nextDeadline == seconds(17))
        feed(.succeeded(ConnectionID(rawValue: 4), TestPeer.id(1)), at: seconds(2))
        #expect(connect(4, 1, [], known: [Self.address(1)], at: seconds(3)) == [dial(6, 1, 1)])
        feed(.succeeded(ConnectionID(rawValue: 6), TestPeer.id(1)), at: seconds(3))
        // Who is put off keeps its place until the minute is over.
        #expect(machine.nextDeadline == seconds(60))
        #expect(feed(.deadlineReached, at: seconds(60)) == [dial(8, 1, 3)])
    }

    @Test mutating func `strangers' words fill half of the queue, and whom we know is not refused for them`() {
        for number in 1...90 { _ = connect(UInt64(number), UInt8(number), [], known: [Self.address(number)]) }
        #expect(machine.attemptCount == 4 && machine.jobCount == 4 + 64)
        #expect(said.count { $0.isAnswered(.queueFull) } == 90 - 68)
        let before = said.count { $0.isAnswered(.queueFull) }
        for number in 100...170 { _ = connect(UInt64(number), UInt8(number), [Self.address(number)]) }
        #expect(machine.attemptCount == 8)
        #expect(said.count { $0.isAnswered(.queueFull) } - before == 71 - 68, "four dials and half of the queue")
        // Whoever was reached is known.
        feed(.failed(ConnectionID(rawValue: 2), .wrongPeer(TestPeer.id(200))))
        feed(.succeeded(ConnectionID(rawValue: 10), TestPeer.id(100)))
        #expect(!connect(201, 200, [], known: [Self.address(1)]).contains(failed(201, .queueFull)))
    }

    @Test mutating func `a wish that nobody waits for ends its dial, unless another has the same`() {
        _ = connect(1, 1, [Self.address(1)])
        _ = connect(2, 1, [Self.address(1)])
        #expect(feed(.cancel(request(1))) == [])
        #expect(feed(.cancel(request(1))) == [])
        #expect(feed(.cancel(request(2))) == [.abort(ConnectionID(rawValue: 2))])
        #expect(machine.jobCount == 0 && machine.attemptCount == 0 && machine.nextDeadline == nil)
        #expect(connect(3, 1, [Self.address(1)]) == [dial(4, 1, 1)], "it has not failed")
    }

    @Test mutating func `what is told while a peer is dialled is tried too`() {
        #expect(connect(1, 1, [], known: [Self.address(1)]) == [dial(2, 1, 1)])
        #expect(feed(.learned(TestPeer.id(1), [Self.address(2)])) == [])
        #expect(feed(.learned(TestPeer.id(2), [Self.address(3)])) == [])
        #expect(feed(.deadlineReached, at: Self.milliseconds(250)) == [dial(4, 2, 1)])
    }

    @Test mutating func `a name that strangers told is looked up in half of the places, two for a job`() throws {
        let name = { (number: Int) in try Multiaddr(text: "/dns4/\(number).example.org/tcp/4001") }
        for number in 1...10 {
            let known = try (0..<4).map { try name(10 * number + $0) }
            _ = connect(UInt64(number), UInt8(number), [], known: known)
        }
        #expect(said.count == 8)
        #expect(
            connect(11, 11, [try name(1)]) == [.resolve(ResolutionID(rawValue: 8), .ipv4Addresses("1.example.org"))]
        )
        let next = feed(.resolved(ResolutionID(rawValue: 0), .failed("none")))
        #expect(next == [.resolve(ResolutionID(rawValue: 9), .ipv4Addresses("50.example.org"))])
    }

    @Test mutating func `TCP has five seconds to a near address and fifteen to a far one`() {
        let near = Multiaddr(endpoint: Endpoint(address: IPAddress(127, 0, 0, 1), port: 1))
        _ = connect(1, 1, [near])
        #expect(feed(.deadlineReached, at: seconds(5)) == [.abort(ConnectionID(rawValue: 2)), failed(1, .timedOut)])
        _ = connect(2, 2, [Self.address(1)], at: seconds(10))
        #expect(feed(.deadlineReached, at: seconds(24)) == [])
        #expect(feed(.deadlineReached, at: seconds(25)) == [.abort(ConnectionID(rawValue: 4)), failed(2, .timedOut)])
    }

    @Test mutating func `near addresses come first, then both families in turn`() throws {
        let six = try Multiaddr(text: "/ip6/2001:db8::1/tcp/1")
        let sixToo = try Multiaddr(text: "/ip6/2001:db8::2/tcp/1")
        let near = try Multiaddr(text: "/ip4/192.168.1.1/tcp/1")
        let endpoints = [six, sixToo, Self.address(1), near, six].compactMap(\.tcpEndpoint)
        let order = HappyOrder.ordered(endpoints) { $0.isExemptFromNetworkLimits }
        #expect(order == [near, six, Self.address(1), sixToo].compactMap(\.tcpEndpoint))
    }

    @Test mutating func `what cannot be dialled is refused with its reason`() throws {
        let relayed = try Multiaddr(text: "/ip4/203.0.113.1/tcp/1/p2p/\(TestPeer.id(3))/p2p-circuit")
        #expect(connect(1, 1, []) == [failed(1, .noAddresses)])
        #expect(connect(2, 1, [relayed]) == [failed(2, .relayUnsupported)])
        #expect(connect(3, 1, [try Multiaddr(text: "/ip4/1.2.3.4/udp/1/quic-v1")]) == [failed(3, .noDialableAddress)])
        #expect(connect(4, 99, [Self.address(1)]) == [failed(4, .selfDial)])
        #expect(connect(5, 1, [Self.address(1).with(peer: TestPeer.id(2))]) == [failed(5, .wrongPeer(TestPeer.id(2)))])
        let multicast = Multiaddr(endpoint: Endpoint(address: IPAddress(224, 0, 0, 1), port: 1))
        #expect(connect(6, 1, [multicast]) == [failed(6, .noAddresses)])
    }

    @Test mutating func `a name is looked up, and what a stranger named must not lead inside`() throws {
        let name = try Multiaddr(text: "/dns4/example.org/tcp/4001")
        let first = ResolutionID(rawValue: 0)
        #expect(connect(1, 1, [name]) == [.resolve(first, .ipv4Addresses("example.org"))])
        let inside = IPAddress(10, 0, 0, 1)
        let dials = feed(.resolved(first, .addresses([inside])))
        #expect(
            dials == [
                .dial(ConnectionID(rawValue: 2), Endpoint(address: inside, port: 4001), expecting: TestPeer.id(1))
            ]
        )
        _ = connect(2, 2, [], known: [name])
        let refused = feed(.resolved(ResolutionID(rawValue: 1), .addresses([inside])))
        #expect(refused == [failed(2, .resolution("no usable address"))])
        _ = connect(3, 3, [name])
        #expect(feed(.resolved(ResolutionID(rawValue: 2), .failed("none"))) == [failed(3, .resolution("none"))])
    }

    @Test mutating func `strangers' words get two places of a job and half of all, and whom we know waits for none`() {
        #expect(connect(1, 1, [], known: (1...3).map(Self.address)) == [dial(2, 1, 1)])
        #expect(feed(.deadlineReached, at: Self.milliseconds(250)) == [dial(4, 2, 1)])
        #expect(feed(.deadlineReached, at: Self.milliseconds(500)) == [])
        #expect(machine.nextDeadline == seconds(5))
        #expect(connect(2, 2, [], known: [Self.address(11)]) == [dial(6, 11, 2)])
        #expect(connect(3, 3, [], known: [Self.address(12)]) == [dial(8, 12, 3)])
        #expect(connect(4, 4, [], known: [Self.address(13)]) == [])
        #expect(connect(5, 5, [Self.address(14)], known: [Self.address(15)]) == [dial(10, 14, 5)])
        let next = feed(.failed(ConnectionID(rawValue: 6), .transport(.refused)))
        #expect(next == [failed(2, .transport(.refused)), dial(12, 13, 4)])
        // Where somebody was reached is no stranger's word any more.
        feed(.succeeded(ConnectionID(rawValue: 8), TestPeer.id(3)))
        #expect(connect(6, 6, [], known: [Self.address(16)]) == [dial(14, 16, 6)])
        #expect(connect(7, 3, [], known: [Self.address(12)]) == [dial(16, 12, 3)])
    }

    @Test mutating func `whoever was never dialled, for all places were taken, is not said to have failed`() {
        for number in 1...9 { _ = connect(UInt64(number), UInt8(number), [Self.address(number)]) }
        for number in 1...8 { feed(.dialed(ConnectionID(rawValue: UInt64(2 * number)))) }
        let ends = feed(.deadlineReached, at: seconds(60)).filter { if case .answered = $0 { true } else { false } }
        #expect(ends == (1...8).map { failed($0, .timedOut) } + [failed(9, .queueFull)])
    }

    @Test mutating func `a name that is never answered is given up`() throws {
        _ = connect(1, 1, [try Multiaddr(text: "/dns/example.org/tcp/4001")])
        #expect(feed(.deadlineReached, at: seconds(10)) == [failed(1, .resolution("timed out"))])
        #expect(feed(.resolved(ResolutionID(rawValue: 0), .addresses([IPAddress(1, 2, 3, 4)])), at: seconds(11)) == [])
    }

    @Test mutating func `a list of addresses is followed four times, for the wanted peer alone`() throws {
        let list = try Multiaddr(text: "/dnsaddr/example.org")
        _ = connect(1, 1, [list])
        var line = "dnsaddr=/dnsaddr/example.org/p2p/\(TestPeer.id(1))"
        for round in UInt64(0)..<3 {
            let next = feed(.resolved(ResolutionID(rawValue: round), .text([line, "noise", "dnsaddr=broken"])))
            #expect(next == [.resolve(ResolutionID(rawValue: round + 1), .text("example.org"))])
        }
        #expect(
            feed(.resolved(ResolutionID(rawValue: 3), .text([line]))) == [failed(1, .resolution("no usable address"))]
        )
        _ = connect(2, 2, [list])
        line = "dnsaddr=\(Self.address(1).with(peer: TestPeer.id(9)))"
        let right = "dnsaddr=\(Self.address(2).with(peer: TestPeer.id(2)))"
        #expect(feed(.resolved(ResolutionID(rawValue: 4), .text([line, right]))) == [dial(2, 2, 2)])
    }

    @Test mutating func `an answer is cut to sixteen addresses`() throws {
        _ = connect(1, 1, [try Multiaddr(text: "/dns4/example.org/tcp/1")])
        feed(.resolved(ResolutionID(rawValue: 0), .addresses((1...60).map { Self.endpoint($0).address })))
        var dials = 1
        while let last = said.compactMap(\.dialed).last {
            guard case .dial = feed(.failed(last, .transport(.refused))).first else { break }
            dials += 1
        }
        #expect(dials == 16)
    }

    @Test mutating func `stopping answers everybody`() {
        _ = connect(1, 1, [Self.address(1)])
        #expect(feed(.stop) == [.abort(ConnectionID(rawValue: 2)), failed(1, .shuttingDown)])
        #expect(connect(2, 1, [Self.address(1)]) == [failed(2, .shuttingDown)])
    }

    @Test(arguments: 1...6) mutating func `random histories leave nothing behind`(seed: UInt8) {
        var random = random(seed)
        var now = Instant.zero
        for step in 0..<400 {
            switch random.below(5) {
            case 0, 1:
                let addresses = (0..<random.below(4)).map { _ in Self.address(1 + random.below(200)) }
                _ = connect(UInt64(step), UInt8(1 + random.below(60)), addresses, at: now)
            case 2:
                if let id = said.compactMap(\.dialed).suffix(8).first { feed(.failed(id, .transport(.reset)), at: now) }
            case 3:
                if let id = random.sample(said.compactMap(\.dialed), 1).first {
                    feed(.succeeded(id, TestPeer.id(1)), at: now)
                }
            default:
                now = now.advanced(by: .milliseconds(random.below(4000)))
                feed(.deadlineReached, at: now)
            }
        }
        while let deadline = machine.nextDeadline {
            now = max(now, deadline)
            feed(.deadlineReached, at: now)
        }
        #expect(machine.jobCount == 0 && machine.attemptCount == 0)
        let wishes = said.count { if case .answered = $0 { true } else { false } }
        #expect(wishes > 50)
    }
}

extension DialMachine.Output {
    fileprivate func isAnswered(_ failure: ConnectFailure) -> Bool {
        if case .answered(_, .failure(failure)) = self { true } else { false }
    }

    fileprivate var dialed: ConnectionID? {
        if case .dial(let id, _, _) = self { id } else { nil }
    }
}
