public import Node

/// Copies the own state of a home in which no node runs.
public enum OfflineBackup {
    /// Locks the home meanwhile; `locked` if a node has it.
    public static func copy(directory: String, to path: String) throws(StoreFailure) {
        let lock: HomeLock?
        do throws(HomeError) {
            try HomeDirectory.check(directory)
            lock = try HomeLock.acquire(in: directory)
        } catch {
            throw .inputOutput(error.description)
        }
        guard let lock else { throw .locked }
        defer { withExtendedLifetime(lock) {} }
        let source = directory + "/" + OwnDatabase.fileName
        guard HomeDirectory.exists(source) else {
            throw .inputOutput("\(source) does not exist; no node has run in this home")
        }
        try OwnDatabase(directory: directory).backUp(to: path)
    }
}
