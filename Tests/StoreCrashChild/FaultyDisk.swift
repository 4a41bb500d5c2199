import GRDBSQLite
import Glibc
import Synchronization

/// A disk of which one call, chosen by its number, fails; it needs neither rights nor a file system of its own.
enum FaultyDisk {
    enum Fault: String, CaseIterable {
        /// The write fails with EIO, and nothing of it is there.
        case writeFails = "write-fails"
        /// The write fails with ENOSPC.
        case diskFull = "disk-full"
        /// Half is written, and the program must ask for the rest, as write(2) allows at any time.
        case shortWrite = "short-write"
        /// Half is written, and the rest fails with EIO.
        case tornWrite = "torn-write"
        /// What was written may be lost: fdatasync fails with EIO.
        case syncFails = "sync-fails"
    }

    struct State {
        var fault: Fault?
        /// The call that fails, counted from 1.
        var number = 0
        var writeCount = 0
        var syncCount = 0
        var hasStruck = false
        /// The next write continues one that was cut short.
        var failsNext = false
    }

    static let state = Mutex(State())

    static func arm(_ fault: Fault, at number: Int) {
        state.withLock { $0 = State(fault: fault, number: number) }
    }

    /// Mends the disk, and says whether the fault came up.
    static func mend() -> Bool {
        state.withLock { state in
            defer { state = State() }
            return state.hasStruck
        }
    }

    /// What becomes of the next write of so many bytes: how many of them are written, or the error number.
    fileprivate static func write(_ byteCount: Int) -> (byteCount: Int, error: Int32?) {
        state.withLock { state in
            if state.failsNext {
                state.failsNext = false
                return (0, EIO)
            }
            state.writeCount += 1
            guard let fault = state.fault, state.writeCount == state.number else { return (byteCount, nil) }
            // One byte has no half.
            let half = max(1, byteCount / 2)
            state.hasStruck = fault != .syncFails
            switch fault {
            case .writeFails: return (0, EIO)
            case .diskFull: return (0, ENOSPC)
            case .shortWrite: return (half, nil)
            case .tornWrite:
                state.failsNext = byteCount > 1
                return (half, nil)
            case .syncFails: return (byteCount, nil)
            }
        }
    }

    /// Whether what was written is safe now.
    private static func synchronize() -> Bool {
        state.withLock { state in
            state.syncCount += 1
            guard state.fault == .syncFails, state.syncCount == state.number else { return true }
            state.hasStruck = true
            return false
        }
    }
}

// MARK: Between SQLite and the system

extension FaultyDisk {
    /// Puts itself between SQLite and the system, for every database that is opened from now on.
    ///
    /// Writes go through the table of system calls that SQLite's file layer keeps for tests (`xSetSystemCall`, sqlite3.h); `fdatasync` is
    /// not in it, so the methods of each opened file are replaced by a copy that synchronizes here.
    static func insert() {
        guard let system = unsafe sqlite3_vfs_find(nil), let replace = unsafe system.pointee.xSetSystemCall else {
            exit(72)
        }
        let write: @convention(c) (Int32, UnsafeRawPointer?, Int, off_t) -> Int = { unsafe faultyWrite($0, $1, $2, $3) }
        let status = unsafe replace(system, "pwrite64", unsafeBitCast(write, to: sqlite3_syscall_ptr.self))
        guard status == SQLITE_OK else { exit(73) }
        let own = UnsafeMutablePointer<sqlite3_vfs>.allocate(capacity: 1)
        unsafe own.initialize(to: system.pointee)
        unsafe own.pointee.zName = UnsafePointer(strdup("faulty"))
        unsafe own.pointee.xOpen = { own, name, file, flags, actualFlags in
            guard let system = unsafe sqlite3_vfs_find("unix"), let open = unsafe system.pointee.xOpen else {
                return SQLITE_CANTOPEN
            }
            let status = unsafe open(system, name, file, flags, actualFlags)
            if status == SQLITE_OK { unsafe FaultyDisk.replaceMethods(of: file) }
            return status
        }
        guard unsafe sqlite3_vfs_register(own, 1) == SQLITE_OK else { exit(74) }
    }

    /// Nobody cuts the power here, so what does not fail is not put on the disk either: hundreds of lives pass in seconds.
    private static func replaceMethods(of file: UnsafeMutablePointer<sqlite3_file>?) {
        guard let file = unsafe file, let methods = unsafe file.pointee.pMethods else { return }
        let own = UnsafeMutablePointer<sqlite3_io_methods>.allocate(capacity: 1)
        unsafe own.initialize(to: methods.pointee)
        unsafe own.pointee.xSync = { _, _ in FaultyDisk.synchronize() ? SQLITE_OK : FaultyDisk.synchronizationFailed }
        unsafe file.pointee.pMethods = unsafe UnsafePointer(own)
    }

    /// `SQLITE_IOERR_FSYNC` (sqlite3.h).
    private static let synchronizationFailed = SQLITE_IOERR | (4 << 8)
}

private func faultyWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ byteCount: Int, _ offset: off_t) -> Int {
    let (allowed, error) = FaultyDisk.write(byteCount)
    if let error {
        errno = error
        return -1
    }
    return unsafe bytes.map { unsafe pwrite(descriptor, $0, allowed, offset) } ?? 0
}
