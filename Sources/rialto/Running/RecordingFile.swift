internal import Foundation
internal import Glibc
internal import Node
internal import Primitives
internal import Synchronization

/// Writes a recording while a node runs; only its owner may read it.
final class RecordingFile: Sendable {
    /// So many bytes are gathered before they are written.
    private static let pieceByteCount = 64 << 10
    /// A recording ends here: a disk filled by a diagnosis would be the next problem.
    static let byteCountMax = 8 << 30

    private struct State {
        var handle: FileHandle?
        var waiting: [UInt8] = []
        var byteCount = 0
        var digest = OutputDigest()
        var flushedAt = Instant.zero
    }

    private let path: String
    private let state: Mutex<State>

    /// Makes a new file with mode 0600; one that is there already is left alone.
    init(creating path: String, origin: NodeOrigin) throws {
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw CommandFailure(
                .failed,
                "\(path) cannot be made for a recording",
                hint: "name a file that does not exist yet"
            )
        }
        self.path = path
        state = Mutex(State(handle: FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)))
        append(NodeRecording.encode(origin))
        flush()
    }

    /// Adds one step; called on the loop's thread, so that the order is the machine's.
    var step: @Sendable (Instant, NodeMachine.Input, [NodeMachine.Output]) -> Void {
        { [self] in add($0, $1, $2) }
    }

    private func add(_ now: Instant, _ input: NodeMachine.Input, _ outputs: [NodeMachine.Output]) {
        let (digest, isDue) = state.withLock { state in
            state.digest.add(outputs)
            return (state.digest.value, state.flushedAt.duration(to: now) > .seconds(1))
        }
        append(NodeRecording.encode(RecordedStep(at: now, input: input, digest: digest)))
        if isDue {
            flush()
            state.withLock { $0.flushedAt = now }
        }
    }

    func close() {
        flush()
        state.withLock { state in
            try? state.handle?.close()
            state.handle = nil
        }
    }

    private func append(_ entry: [UInt8]) {
        let isFull = state.withLock { state in
            let count = UInt32(clamping: entry.count)
            for shift in [24, 16, 8, 0] { state.waiting.append(UInt8(truncatingIfNeeded: count >> UInt32(shift))) }
            state.waiting += entry
            return state.waiting.count >= Self.pieceByteCount
        }
        if isFull { flush() }
    }

    private func flush() {
        let problem: String? = state.withLock { state in
            guard let handle = state.handle, !state.waiting.isEmpty else { return nil }
            state.byteCount += state.waiting.count
            defer { state.waiting.removeAll(keepingCapacity: true) }
            if state.byteCount <= Self.byteCountMax, (try? handle.write(contentsOf: Data(state.waiting))) != nil {
                return nil
            }
            state.handle = nil
            return state.byteCount > Self.byteCountMax
                ? "it has \(Self.byteCountMax >> 30) GiB" : "the disk did not take it"
        }
        if let problem { Terminal.complain("warning: the recording \(path) ends here: \(problem)") }
    }
}

/// Reads the entries of a recording one after the other.
struct RecordingReading {
    private let handle: FileHandle

    /// `nil` if the file is no recording.
    init?(path: String) {
        guard let handle = FileHandle(forReadingAtPath: path) else { return nil }
        self.handle = handle
        guard let head = try? handle.read(upToCount: 24), NodeRecording.isRecording(Array(head)),
            (try? handle.seek(toOffset: 0)) != nil
        else { return nil }
    }

    /// The next entry; `nil` at the end, also at one that was cut off with the node.
    func next() throws -> [UInt8]? {
        guard let head = try handle.read(upToCount: 4), head.count == 4 else { return nil }
        let count = head.reduce(0) { $0 << 8 | Int($1) }
        guard count <= NodeRecording.entryByteCountMax else { throw RecordingError.tooLong }
        let entry = try handle.read(upToCount: count) ?? Data()
        return entry.count == count ? Array(entry) : nil
    }
}
