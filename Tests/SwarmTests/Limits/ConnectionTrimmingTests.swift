import Identity
import Primitives
import Testing

@testable import Swarm

@Suite struct `Connection trimming` {
    private static func trimming() -> ConnectionTrimming {
        var config = ConnectionTrimmingConfig()
        (config.lowWater, config.highWater) = (2, 4)
        return ConnectionTrimming(config: config)
    }

    private static func candidate(
        _ number: UInt64,
        opened: Int,
        value: Int = 0,
        isProtected: Bool = false
    ) -> ConnectionTrimming.Candidate {
        ConnectionTrimming.Candidate(
            id: ConnectionID(rawValue: number),
            peer: TestPeer.id(UInt8(number)),
            openedAt: seconds(opened),
            value: value,
            isProtected: isProtected
        )
    }

    @Test func `up to the high mark nothing happens`() {
        var trimming = Self.trimming()
        trimming.counted(4, at: seconds(100))
        #expect(trimming.nextDeadline == nil)
        #expect(trimming.trim((1...4).map { Self.candidate($0, opened: 0) }, at: seconds(100)) == [])
    }

    @Test func `above it the least valued and then the youngest go, down to the low mark`() {
        var trimming = Self.trimming()
        trimming.counted(5, at: seconds(100))
        #expect(trimming.nextDeadline == seconds(100))
        let connections = [
            Self.candidate(1, opened: 0), Self.candidate(2, opened: 10), Self.candidate(3, opened: 5, value: 7),
            Self.candidate(4, opened: 20, value: -1), Self.candidate(5, opened: 30, value: 9),
        ]
        let gone100 = trimming.trim(connections, at: seconds(100)).map(\.rawValue)
        #expect(gone100 == [4, 2, 1])
    }

    @Test func `protected and young connections stay, and the next try waits for their grace to end`() {
        var trimming = Self.trimming()
        let connections =
            (1...4).map { Self.candidate($0, opened: 0, isProtected: true) } + [Self.candidate(5, opened: 90)]
        trimming.counted(5, at: seconds(100))
        #expect(trimming.trim(connections, at: seconds(100)) == [])
        #expect(trimming.nextDeadline == seconds(150))
        let gone150 = trimming.trim(connections, at: seconds(150)).map(\.rawValue)
        #expect(gone150 == [5])
    }

    @Test func `two trims keep the silence`() {
        var trimming = Self.trimming()
        trimming.counted(5, at: seconds(100))
        _ = trimming.trim((1...5).map { Self.candidate($0, opened: 0) }, at: seconds(100))
        trimming.counted(6, at: seconds(101))
        #expect(trimming.nextDeadline == seconds(110))
    }
}
