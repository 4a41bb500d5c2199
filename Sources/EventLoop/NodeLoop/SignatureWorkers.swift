internal import Cryptography
internal import Node
internal import Synchronization

/// Checks signatures on threads of its own: 60 µs each would be most of the loop's time.
final class SignatureWorkers: Sendable {
    /// Fewer checks than this are not worth another thread's wake.
    static let pieceCheckCountMin = 8

    /// Parts of batches that wait, about a second of one core.
    ///
    /// Above that the loop checks by itself: it then reads less from its
    /// peers, which is what should happen.
    static let pieceCountMax = 1024

    private struct Piece: Sendable {
        let batch: Batch
        let range: Range<Int>
    }

    /// One batch, until its last part is done.
    private final class Batch: Sendable {
        let id: BatchID
        let checks: [SignatureCheck]
        private let progress: Mutex<(verdicts: [Bool], restCount: Int)>

        init(_ id: BatchID, _ checks: [SignatureCheck]) {
            (self.id, self.checks) = (id, checks)
            progress = Mutex(([Bool](repeating: false, count: checks.count), checks.count))
        }

        /// All verdicts, for whoever finished the last part.
        func finish(_ range: Range<Int>) -> [Bool]? {
            let verdicts = checks[range].map(\.holds)
            return progress.withLock { progress in
                progress.verdicts.replaceSubrange(range, with: verdicts)
                progress.restCount -= range.count
                return progress.restCount == 0 ? progress.verdicts : nil
            }
        }
    }

    private let workerCount: Int
    private let queue: WorkQueue<Piece>
    private let deliver: @Sendable (BatchID, [Bool]) -> Void

    /// Begins with the threads waiting.
    ///
    /// `deliver` is called on any of them, once for each batch.
    init(
        workerCount: Int,
        pieceCountMax: Int = SignatureWorkers.pieceCountMax,
        deliver: @escaping @Sendable (BatchID, [Bool]) -> Void
    ) {
        precondition(workerCount > 0)
        (self.workerCount, self.deliver) = (workerCount, deliver)
        let queue = WorkQueue<Piece>(countMax: pieceCountMax)
        self.queue = queue
        for number in 0..<workerCount {
            startThread(named: "signatures-\(number)") {
                while let pieces = queue.next() {
                    for piece in pieces { Self.work(piece, deliver) }
                }
            }
        }
    }

    private static func work(_ piece: Piece, _ deliver: (BatchID, [Bool]) -> Void) {
        if let verdicts = piece.batch.finish(piece.range) { deliver(piece.batch.id, verdicts) }
    }

    /// Spreads a batch over the threads.
    func verify(_ id: BatchID, _ checks: [SignatureCheck]) {
        guard !checks.isEmpty else { return deliver(id, []) }
        let batch = Batch(id, checks)
        let pieceCount = max(1, min(workerCount, checks.count / Self.pieceCheckCountMin))
        for index in 0..<pieceCount {
            let range = checks.count * index / pieceCount..<checks.count * (index + 1) / pieceCount
            let piece = Piece(batch: batch, range: range)
            if !queue.push(piece) { Self.work(piece, deliver) }
        }
    }

    /// Lets the threads end when nothing waits any more.
    func close() {
        queue.close()
    }
}
