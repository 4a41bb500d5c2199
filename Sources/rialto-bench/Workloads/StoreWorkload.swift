import Foundation
import Market
import Node
import Storage

/// Records written in transactions of a thousand, as the node's loop gathers them under load.
struct StoreWorkload: Workload {
    private static let batchCount = 1_000

    let rows = [Row.store]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let changes = try MarketSample(count: count).records.map { record in
            StoreChange.putRecord(
                StoredRecord(
                    id: record.id,
                    subject: record.subject,
                    sequence: record.record.sequence,
                    expiresAt: record.record.expiresAt,
                    receivedAt: MarketSample.now,
                    envelope: record.envelope
                )
            )
        }
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rialto-bench-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let (store, _, _) = try NodeStore.open(directory: folder.path)
        let duration = try seconds {
            for start in stride(from: 0, to: changes.count, by: Self.batchCount) {
                let batch = changes[start..<min(start + Self.batchCount, changes.count)]
                try store.commit(Array(batch)).get()
            }
        }
        return Figures(values: [.store: Double(count) / duration])
    }
}
