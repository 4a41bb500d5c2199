import Glibc
import Node
import Storage

/// Lives of a store, each in a home of its own, of which the first has the fault at the first call to the disk, the second at the
/// second, and so on until one has none: every write of a store's life fails once.
struct FaultyLives {
    private static let commitCount: UInt64 = 2

    let directory: String
    let fault: FaultyDisk.Fault

    /// Says `life <number>` before each, then what it says of itself; a life without the fault is not told.
    func run() throws {
        FaultyDisk.insert()
        var number = 0
        var hasStruck = true
        while hasStruck {
            number += 1
            let home = "\(directory)/\(number)"
            guard unsafe mkdir(home, 0o700) == 0 else { exit(71) }
            say("life \(number)")
            FaultyDisk.arm(fault, at: number)
            try live(in: home)
            hasStruck = FaultyDisk.mend()
        }
    }

    /// From the making of the files to the last checkpoint, when the store is closed.
    private func live(in home: String) throws {
        let store = try open(home)
        for number in 1...Self.commitCount {
            if case .failure(let failure) = store.commit(NumberedChanges.changes(number)) {
                say("commit failed: \(failure)")
                try store.commit(NumberedChanges.changes(number)).get()
            }
            say("\(number)")
        }
    }

    private func open(_ home: String) throws -> NodeStore {
        do throws(StoreFailure) {
            return try NodeStore.open(directory: home).0
        } catch {
            say("open failed: \(error)")
            let (store, _, warnings) = try NodeStore.open(directory: home)
            guard warnings.isEmpty else { exit(69) }
            return store
        }
    }
}
