import Glibc
import Node
import Storage

/// Commits until a file may grow no more, says why it failed, is given room, and goes on.
///
/// The kernel cuts the write that would pass the limit short and refuses the next one (setrlimit(2)), wherever in a page, a frame of
/// SQLite's log or a checkpoint that happens to be.
struct LimitedLife {
    private static let commitCount: UInt64 = 25

    let directory: String
    let fileByteCountMax: UInt64

    func run() throws {
        _ = signal(SIGXFSZ, SIG_IGN)
        limit(to: fileByteCountMax)
        let (store, state) = try open()
        let first = NumberedChanges.last(state) + 1
        for number in first..<(first + Self.commitCount) {
            if case .failure(let failure) = store.commit(NumberedChanges.changes(number)) {
                say("commit failed: \(failure)")
                limit(to: .max)
                try store.commit(NumberedChanges.changes(number)).get()
            }
            say("\(number)")
        }
    }

    /// A store that cannot be opened is opened again once there is room.
    private func open() throws -> (NodeStore, RestoredState) {
        do throws(StoreFailure) {
            let (store, state, _) = try NodeStore.open(directory: directory)
            return (store, state)
        } catch {
            say("open failed: \(error)")
            limit(to: .max)
            let (store, state, warnings) = try NodeStore.open(directory: directory)
            guard warnings.isEmpty else { exit(69) }
            return (store, state)
        }
    }

    private func limit(to byteCount: UInt64) {
        var limit = rlimit(rlim_cur: rlim_t(byteCount), rlim_max: rlim_t.max)
        guard unsafe setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit) == 0 else { exit(70) }
    }
}
