import Identity
import Primitives
import Testing

@testable import Swarm

/// Attack 37: addresses that strangers told of must not make us a weapon against whoever lives there.
@Suite struct `Dials to strangers` {
    private var machine = DialMachine(ownPeer: TestPeer.id(99), config: DialConfig())
    private let victim = IPAddress(203, 0, 113, 7)

    private func at(_ seconds: Int) -> Instant { .zero.advanced(by: .seconds(seconds)) }

    /// A peer that is said to live at the host, and whether it is dialled there; the dial then fails.
    private mutating func dials(
        _ number: UInt8,
        at address: IPAddress,
        isNamed: Bool = false,
        succeeds: Bool = false,
        _ now: Instant
    ) -> Bool {
        let told = [Multiaddr(endpoint: Endpoint(address: address, port: 4000 + UInt16(number % 8)))]
        let request = ConnectRequestID(rawValue: UInt64(number))
        var said: [DialMachine.Output] = []
        machine.handle(
            .connect(request, TestPeer.id(number), named: isNamed ? told : [], known: isNamed ? [] : told),
            at: now,
            into: &said
        )
        machine.checkInvariants()
        guard case .dial(let id, _, _) = said.first else {
            #expect(said == [])
            machine.handle(.cancel(request), at: now, into: &said)
            return false
        }
        machine.handle(succeeds ? .succeeded(id, TestPeer.id(number)) : .failed(id, .timedOut), at: now, into: &said)
        return true
    }

    @Test mutating func `a host is dialled once a minute, however many peers are said to be there`() {
        var dialled: [Int] = []
        for second in 0..<180 where second != 99 && dials(UInt8(second), at: victim, at(second)) {
            dialled.append(second)
        }
        #expect(dialled == [0, 60, 120])
    }

    @Test mutating func `other hosts, what the operator names and one's own network are not limited`() {
        let isDialled = [
            dials(1, at: victim, at(0)), dials(2, at: IPAddress(203, 0, 113, 8), at(0)),
            dials(3, at: victim, isNamed: true, at(1)), dials(4, at: IPAddress(192, 168, 1, 1), at(1)),
            dials(5, at: IPAddress(192, 168, 1, 1), at(1)),
        ]
        #expect(isDialled == [true, true, true, true, true])
    }

    /// The operator's seed, of which strangers have told us before.
    @Test(arguments: [false, true])
    mutating func `a place that the operator names is no stranger's any more, were it being dialled as one or put off`(
        isPutOff: Bool
    ) {
        let told = [Multiaddr(endpoint: Endpoint(address: victim, port: 4_001))]
        if isPutOff { #expect(dials(1, at: victim, at(0))) }
        // Two black holes take the places that a job has for strangers' words.
        let holes = (1...2).map { Multiaddr(endpoint: Endpoint(address: IPAddress(203, 0, 113, 100 + $0), port: 1)) }
        var said: [DialMachine.Output] = []
        func dialled() -> [Endpoint] {
            said.compactMap { if case .dial(_, let endpoint, _) = $0 { endpoint } else { nil } }
        }
        machine.handle(
            .connect(ConnectRequestID(rawValue: 50), TestPeer.id(50), named: [], known: holes + told),
            at: at(1),
            into: &said
        )
        while let due = machine.nextDeadline, due < at(3) { machine.handle(.deadlineReached, at: due, into: &said) }
        #expect(dialled() == holes.compactMap(\.tcpEndpoint))
        machine.handle(
            .connect(ConnectRequestID(rawValue: 51), TestPeer.id(50), named: told, known: []),
            at: at(3),
            into: &said
        )
        machine.checkInvariants()
        while let due = machine.nextDeadline, due < at(4) { machine.handle(.deadlineReached, at: due, into: &said) }
        #expect(dialled() == (holes + told).compactMap(\.tcpEndpoint))
    }

    @Test
    mutating func
        `where somebody was reached there is no limit for it any more, but for whoever else is said to be there`()
    {
        let isDialled = [
            dials(1, at: victim, succeeds: true, at(0)), dials(1, at: victim, succeeds: true, at(1)),
            dials(1, at: victim, at(2)), dials(9, at: victim, at(3)),
            // Another port of the host is another place.
            dials(2, at: victim, at(4)),
        ]
        #expect(isDialled == [true, true, true, false, false])
    }
}
