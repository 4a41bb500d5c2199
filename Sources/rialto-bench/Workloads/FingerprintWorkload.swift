import Cryptography
import Primitives
import Reconciliation

/// What an answerer pays for one comparison of everything: the fingerprint of a range of 40,000 records, as a large segment holds.
struct FingerprintWorkload: Workload {
    let rows = [Row.fingerprint]
    let recordCount: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        var random = SeededRandom(seed: [UInt8](repeating: 4, count: SeededRandom.seedByteCount))
        let index = ReconciliationIndex(
            (0..<recordCount).compactMap { number in
                ItemID(random.bytes(ItemID.byteCount)).map { ReconciliationItem(timestamp: UInt64(number), id: $0) }
            }
        )
        // From the second element on, so that the range cuts through a block at its beginning.
        let parts = [RangeReconciliation.Part(upTo: .max, isCompared: true)]
        var byteCount = 0
        let durations = (0..<7).map { _ in
            seconds { for _ in 0..<100 { byteCount += RangeReconciliation.summary(index, of: parts, from: 1).count } }
        }
        guard byteCount == 700 * 20 else { throw BenchFailure("a fingerprint has another length") }
        // Below it lies one hash of 42 bytes.
        let hashed = [UInt8](repeating: 1, count: 42)
        let floor = seconds { for _ in 0..<100 { byteCount += SHA256.hash(hashed).count } }
        return Figures(values: [.fingerprint: median(durations) * 1e4], limits: [.fingerprint: floor * 1e4])
    }
}
