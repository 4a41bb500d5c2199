import DaemonControl
import Foundation

/// Resident memory of one daemon, alone and with 96 peers that do nothing; the peers are ours on both sides.
struct MemoryWorkload: Workload {
    static let connectionCount = 96

    let rows = [Row.memoryIdle, .memoryLoaded, .memoryConnection]

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let daemon = try BenchDaemon(side, programs, number: 1)
        defer { daemon.stop() }
        usleep(1_000_000)
        let idle = try daemon.residentMebibytes()
        let peers = try (0..<Self.connectionCount).map { try BenchDaemon(.rialto, programs, number: 100 + $0) }
        defer { for peer in peers { peer.stop() } }
        for peer in peers { try peer.client.connect(to: daemon.address) }
        usleep(2_000_000)
        let connected = try daemon.client.peers().count
        guard connected == peers.count else { throw BenchFailure("\(connected) connections instead of \(peers.count)") }
        let loaded = try daemon.residentMebibytes()
        return Figures(values: [
            .memoryIdle: idle, .memoryLoaded: loaded,
            .memoryConnection: (loaded - idle) / Double(peers.count) * 1024,
        ])
    }
}
