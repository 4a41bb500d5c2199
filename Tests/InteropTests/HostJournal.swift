import DaemonControl
import Foundation
import Gossipsub
import Identity
import Primitives
import Swarm

/// What a host under test has seen, for tests to wait on.
final class HostJournal: @unchecked Sendable {
    // `@unchecked`: `content` is only touched under the condition's lock.
    private let condition = NSCondition()
    private var content = Content()

    struct Content {
        /// All of the swarm's outputs but bytes.
        var swarm: [SwarmMachine.Output] = []
        /// All of the router's outputs but bytes and messages.
        var gossip: [GossipsubMachine.Output] = []
        var messages: [GossipMessage] = []
        /// The bytes of every stream that the tests read.
        var received: [StreamHandle: [UInt8]] = [:]
        var congested: Set<StreamHandle> = []
        /// The last `mark` that the driver came to.
        var mark: UInt64 = 0
        /// What the first bytes of each connection were.
        var tapes: [ConnectionID: Tape] = [:]
    }

    /// The beginning of a connection, raw.
    struct Tape {
        static let byteCountMax = 2 << 10
        var sent: [UInt8] = []
        var received: [UInt8] = []

        /// The lengths of the first Noise frames of a direction, behind the two multistream messages.
        static func frameLengths(_ bytes: [UInt8]) -> [Int] {
            var (lengths, start): ([Int], Int) = ([], 0)
            for _ in 0..<2 {
                guard start < bytes.count else { return [] }
                start += 1 + Int(bytes[start])
            }
            while start + 1 < bytes.count {
                lengths.append(Int(bytes[start]) << 8 | Int(bytes[start + 1]))
                start += 2 + Int(bytes[start]) << 8 + Int(bytes[start + 1])
            }
            return lengths
        }
    }

    func note(_ change: (inout Content) -> Void) {
        condition.lock()
        change(&content)
        condition.broadcast()
        condition.unlock()
    }

    /// The first answer that `pick` has; looked for again with every note.
    func wait<Found>(
        for what: String,
        within duration: Duration = .seconds(10),
        _ pick: (borrowing Content) -> Found?
    ) throws -> Found {
        let limit = Date(timeIntervalSinceNow: Double(duration.milliseconds) / 1000)
        condition.lock()
        defer { condition.unlock() }
        while true {
            if let found = pick(content) { return found }
            guard condition.wait(until: limit) else { throw PeerFailure.timedOut(what) }
        }
    }

    /// Something of what is there now.
    func look<Found>(_ pick: (borrowing Content) -> Found) -> Found {
        condition.lock()
        defer { condition.unlock() }
        return pick(content)
    }
}
