import DaemonControl
import Foundation

/// Connects two daemons again and again: dial, Noise, Yamux and identify; the end of each connection is not counted.
struct ConnectWorkload: Workload {
    let rows = [Row.connect]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let (dialer, listener) = (
            try BenchDaemon(side, programs, number: 1), try BenchDaemon(side, programs, number: 2)
        )
        defer {
            dialer.stop()
            listener.stop()
        }
        var (duration, failureCount, done) = (0.0, 0, 0)
        while done < count {
            do {
                let time = try seconds { try dialer.client.connect(to: listener.address) }
                duration += time
                done += 1
            } catch let failure as PeerFailure {
                // Now and then a dial meets the end of the connection before it; go's dialler then rests for five seconds.
                failureCount += 1
                guard failureCount <= 3 else { throw failure }
                usleep(6_000_000)
            }
            try dialer.client.disconnect(from: listener.peer)
            try wait(for: dialer, listener)
        }
        return Figures(
            values: [.connect: Double(count) / duration],
            limits: [.connect: CryptoSpeed.measured.handshakesPerSecond]
        )
    }

    /// Until neither side knows of a connection.
    private func wait(for daemons: BenchDaemon...) throws {
        for daemon in daemons {
            var attempts = 0
            while try !daemon.client.peers().isEmpty {
                attempts += 1
                guard attempts < 5_000 else { throw BenchFailure("a connection does not end") }
                usleep(200)
            }
        }
    }
}
