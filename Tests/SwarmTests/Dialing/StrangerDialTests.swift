import Identity
import Primitives
import Testing

@testable import Swarm

/// Attack 37: addresses that strangers told of must not make us a weapon against whoever lives there.
@Suite struct `Dials to strangers` {
    private var machine = DialMachine(ownPeer: TestPeer.id(99), config: DialConfig(), exemptsLocalAddresses: true)
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
            #expect(said == [.answered(request, .failure(.backoff))])
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

    @Test mutating func `where somebody was reached there is no limit any more`() {
        let isDialled = [
            dials(1, at: victim, succeeds: true, at(0)), dials(9, at: victim, at(1)), dials(17, at: victim, at(2)),
            // Another port of the host is another place.
            dials(2, at: victim, at(3)),
        ]
        #expect(isDialled == [true, true, true, false])
    }
}
