import DaemonControl
import Foundation
import Synchronization

/// Bytes from one program through two daemons to another, in writes of 64 KiB.
struct StreamWorkload: Workload {
    static let protocolName = "/rialto-bench/stream/1.0.0"
    static let writeByteCount = 64 << 10

    let rows = [Row.stream]
    let byteCount: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let (writer, reader) = (try BenchDaemon(side, programs, number: 1), try BenchDaemon(side, programs, number: 2))
        defer {
            writer.stop()
            reader.stop()
        }
        let streams = try reader.handle(Self.protocolName)
        try writer.client.connect(to: reader.address)
        let stream = try writer.client.openStream(to: reader.peer, Self.protocolName)
        try stream.write([1])
        let accepted = try streams.next().stream
        _ = try accepted.read(exactly: 1)

        let written = byteCount
        let failure = Mutex<(any Error)?>(nil)
        let ended = DispatchSemaphore(value: 0)
        let thread = Thread {
            let piece = [UInt8](repeating: 0x5a, count: Self.writeByteCount)
            do {
                var left = written
                while left > 0 {
                    try stream.write(piece, before: .within(.seconds(30)))
                    left -= piece.count
                }
            } catch {
                failure.withLock { $0 = error }
            }
            ended.signal()
        }
        let duration = try seconds {
            thread.start()
            try accepted.skip(byteCount, before: .within(.seconds(60)))
        }
        ended.wait()
        if let failure = failure.withLock({ $0 }) { throw failure }
        return Figures(
            values: [.stream: Double(byteCount) / duration / 1e6],
            limits: [.stream: CryptoSpeed.measured.sealedMegabytesPerSecond]
        )
    }
}
