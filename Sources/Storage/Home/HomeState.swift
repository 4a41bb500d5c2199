internal import Glibc

// Looking at a home without touching it.
extension HomeDirectory {
    /// Whether anything is at the path.
    public static func exists(_ path: String) -> Bool { unsafe access(path, F_OK) == 0 }

    /// Refuses what is no directory, belongs to somebody else, or lets others in.
    public static func check(_ path: String) throws(HomeError) {
        var status = stat()
        guard unsafe stat(path, &status) == 0 else { throw .system(path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFDIR else { throw .notADirectory(path: path) }
        guard status.st_uid == geteuid() else { throw .wrongOwner(path: path) }
        guard status.st_mode & 0o077 == 0 else { throw .tooOpen(path: path, command: "chmod 700 '\(path)'") }
    }

    /// Writes a file as the node would, waits for the disk, and removes it.
    public static func probe(_ path: String) throws(HomeError) {
        let file = "\(path)/probe-\(getpid())"
        let descriptor = unsafe open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(file, errno: errno) }
        defer {
            _ = close(descriptor)
            _ = unsafe unlink(file)
        }
        // A whole page: the last free blocks of a disk may take less.
        let page = [UInt8](repeating: 0x2E, count: 4_096)
        let written = unsafe write(descriptor, page, page.count)
        guard written == page.count else { throw .system(file, errno: written < 0 ? errno : ENOSPC) }
        guard fsync(descriptor) == 0 else { throw .system(file, errno: errno) }
    }

    /// What the disk of the directory has left for this user: bytes and names of files.
    public static func room(_ path: String) -> (byteCount: UInt64, fileCount: UInt64)? {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        return (UInt64(status.f_bavail) * UInt64(status.f_frsize), UInt64(status.f_favail))
    }
}

extension HomeLock {
    /// Whether a process holds the home now; looks without taking it, and makes no file.
    public static func isHeld(in directory: String) -> Bool {
        let descriptor = unsafe open(directory + "/" + fileName, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { return false }
        defer { _ = close(descriptor) }
        // A shared lock is refused while another process has the whole one, and is gone with the descriptor.
        return flock(descriptor, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK
    }
}
