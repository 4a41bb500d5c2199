import DaemonControl
import Foundation
import Identity

/// Eight daemons with one hash table: each in turn provides something, another finds who does, and a third asks who is nearest.
struct DHTWorkload: Workload {
    static let nodeCount = 8
    /// A table is full when a search names all others; it fills within a second of the connections.
    private static let patience = Duration.seconds(20)

    let rows = [Row.dhtProvide, .dhtFind, .dhtClosest]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let daemons = try (0..<Self.nodeCount).map { try BenchDaemon(side, programs, number: $0 + 1, hasDHT: true) }
        defer { for daemon in daemons { daemon.stop() } }
        for (index, daemon) in daemons.enumerated() {
            for other in daemons[(index + 1)...] { try daemon.client.connect(to: other.address) }
        }
        for daemon in daemons { try waitForTable(of: daemon) }
        var times: [Row: [Double]] = [:]
        for number in 0..<count {
            let key = Multihash(sha256: Array("bench \(number)".utf8)).bytes
            let (provider, finder) = (daemons[number % daemons.count], daemons[(number + 3) % daemons.count])
            times[.dhtProvide, default: []].append(try seconds { try provider.client.provide(key) })
            var found: [PeerID] = []
            times[.dhtFind, default: []].append(
                try seconds { found = try finder.client.findProviders(of: key).map(\.peer) }
            )
            guard found == [provider.peer] else { throw BenchFailure("a provider was not found") }
            times[.dhtClosest, default: []].append(try seconds { _ = try finder.client.closestPeers(to: key) })
        }
        return Figures(values: times.mapValues { $0.sorted()[$0.count / 2] * 1_000 })
    }

    private func waitForTable(of daemon: BenchDaemon) throws {
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            let nearest = try? daemon.client.closestPeers(to: Array("everybody".utf8))
            if nearest?.count == Self.nodeCount - 1 { return }
            usleep(10_000)
        }
        throw BenchFailure("a table did not fill")
    }
}
