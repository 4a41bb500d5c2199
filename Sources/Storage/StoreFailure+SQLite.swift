internal import GRDB
internal import Node

extension StoreFailure {
    /// What an error of SQLite means to the node, for the file at `path`.
    init(_ error: any Error, path: String) {
        guard let error = error as? DatabaseError else {
            self = (error as? StoreFailure) ?? .inputOutput("\(path): \(error)")
            return
        }
        let message = "\(path): \(error.message ?? "no message") (\(error.extendedResultCode.rawValue))"
        // SQLite says the same of a full disk and of a broken one when it cannot lengthen the index of its log.
        if error.extendedResultCode == .SQLITE_IOERR_SHMSIZE {
            self = .inputOutput("\(path)-shm cannot grow: is the disk full? (\(error.extendedResultCode.rawValue))")
            return
        }
        switch error.resultCode {
        case .SQLITE_FULL: self = .diskFull
        case .SQLITE_CORRUPT, .SQLITE_NOTADB: self = .corrupt(message)
        case .SQLITE_READONLY: self = .readOnly
        case .SQLITE_BUSY, .SQLITE_LOCKED: self = .locked
        default: self = .inputOutput(message)
        }
    }
}
