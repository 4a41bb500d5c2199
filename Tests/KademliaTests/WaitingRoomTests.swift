import Identity
import Primitives
import Testing

@testable import Kademlia

@Suite struct `The waiting room` {
    private var room = WaitingRoom()
    private let key: [UInt8] = [1, 2, 3]

    private func at(_ seconds: Int) -> Instant { .zero.advanced(by: .seconds(seconds)) }

    /// The formula by hand: 900 s · (1 − c/1000)⁻¹⁰ · (c/1000 + kindred/(c + 10) + 10⁻⁷).
    @Test(
        arguments: [
            (0, 0, 0), (1, 0, 909), (1, 1, 83_550), (100, 0, 258_117), (500, 0, 460_800_092), (999, 0, 604_800_000),
            (1_000, 1_000, 604_800_000),
        ]
    )
    func `the wait grows with the crowd and with the share of one's own network`(
        count: Int,
        kindred: Int,
        milliseconds: Int64
    ) {
        #expect(WaitingRoom.wait(count: count, kindred: kindred).milliseconds == milliseconds)
    }

    @Test mutating func `whoever comes back after the wait is in, and whoever comes back sooner waits on`() {
        let wait = Duration.seconds(100)
        for (seconds, isIn) in [(0, false), (50, false), (99, false), (100, true), (101, false)] {
            expect(room.admits(peerID(1), of: IPGroup(host(1)), to: key, after: wait, at: at(seconds)), isIn)
            room.checkInvariants()
        }
        expect(room.admits(peerID(2), of: IPGroup(host(2)), to: key, after: .zero, at: at(0)), true)
    }

    @Test mutating func `a ticket is for one peer and one key, and is worth nothing after three hours`() {
        let (wait, group) = (Duration.seconds(100), IPGroup(host(1)))
        expect(room.admits(peerID(1), of: group, to: key, after: wait, at: at(0)), false)
        expect(room.admits(peerID(1), of: group, to: [9], after: wait, at: at(200)), false)
        expect(room.admits(peerID(2), of: group, to: key, after: wait, at: at(200)), false)
        expect(room.admits(peerID(1), of: group, to: key, after: wait, at: at(3 * 3_600)), false)
    }

    @Test mutating func `whoever keeps coming back keeps its turn, and whoever stays away for three hours loses it`() {
        let (wait, group) = (Duration.seconds(5 * 3_600), IPGroup(host(1)))
        for (hours, isIn) in [(0, false), (2, false), (4, false), (5, true)] {
            expect(room.admits(peerID(1), of: group, to: key, after: wait, at: at(hours * 3_600)), isIn)
            room.checkInvariants()
        }
        for hours in [6, 9, 11] {
            expect(room.admits(peerID(2), of: group, to: key, after: wait, at: at(hours * 3_600)), false)
        }
    }

    @Test mutating func `one network gets so many tickets and no more`() {
        for number in 0..<200 {
            _ = room.admits(peerID(number), of: IPGroup(host(1)), to: key, after: .seconds(10), at: at(0))
        }
        room.checkInvariants()
        let inCount = (0..<200).count { number in
            room.admits(peerID(number), of: IPGroup(host(1)), to: key, after: .seconds(10), at: at(10))
        }
        #expect(inCount == WaitingRoom.ticketsPerNetworkMax)
        expect(room.admits(peerID(300), of: IPGroup(host(2)), to: key, after: .seconds(10), at: at(11)), false)
        expect(room.admits(peerID(300), of: IPGroup(host(2)), to: key, after: .seconds(10), at: at(21)), true)
    }
}
