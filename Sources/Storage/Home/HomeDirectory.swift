internal import Glibc

/// Why the home directory, or a file in it, cannot be trusted; each says what to do about it.
public enum HomeError: Error, Hashable, Sendable, CustomStringConvertible {
    case notADirectory(path: String)
    /// Another user owns it.
    case wrongOwner(path: String)
    /// Others may read or write it.
    case tooOpen(path: String, command: String)
    case symbolicLink(path: String)
    case notARegularFile(path: String)
    case missingKey(path: String)
    case keyExists(path: String)
    case malformedKey(path: String)
    /// An error of the system, in its words.
    case system(path: String, message: String)

    public var description: String {
        switch self {
        case .notADirectory(let path): "\(path) is not a directory"
        case .wrongOwner(let path): "\(path) belongs to another user; run as its owner, or choose another home"
        case .tooOpen(let path, let command): "\(path) is open to other users; run: \(command)"
        case .symbolicLink(let path): "\(path) is a symbolic link; put the file itself there"
        case .notARegularFile(let path): "\(path) is not a regular file"
        case .missingKey(let path): "\(path) does not exist; this home has no identity yet"
        case .keyExists(let path): "\(path) exists; a key is never overwritten"
        case .malformedKey(let path): "\(path) holds no Ed25519 private key in libp2p's form; restore it from a backup"
        case .system(let path, let message): "\(path): \(message)"
        }
    }

    static func system(_ path: String, errno number: Int32) -> HomeError {
        .system(path: path, message: systemMessage(errno: number))
    }
}

/// The directory that holds a node's key and databases; nobody but its owner may look inside.
public enum HomeDirectory {
    /// Makes the directory if it is missing, with mode 0700, and checks its owner and mode.
    public static func prepare(_ path: String) throws(HomeError) {
        var missing: [String] = []
        var parent = path
        while !parent.isEmpty, unsafe access(parent, F_OK) != 0, missing.count < 64 {
            missing.append(parent)
            guard let slash = parent.lastIndex(of: "/") else { break }
            parent = String(parent[..<slash])
        }
        for directory in missing.reversed() {
            guard unsafe mkdir(directory, 0o700) == 0 || errno == EEXIST else { throw .system(directory, errno: errno) }
        }
        try check(path)
    }

    /// Makes a rename or a new name in the directory durable.
    static func synchronize(_ path: String) throws(HomeError) {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .system(path, errno: errno) }
        defer { _ = close(descriptor) }
        guard fsync(descriptor) == 0 else { throw .system(path, errno: errno) }
    }
}

/// The one process that may use a home directory, as long as this value lives.
///
/// `flock` on a file that stays: the kernel lets go when the process dies, however it dies.
public final class HomeLock: Sendable {
    public static let fileName = "lock"
    private let descriptor: Int32

    private init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    deinit {
        _ = close(descriptor)
    }

    /// `nil` if another process has it.
    public static func acquire(in directory: String) throws(HomeError) -> HomeLock? {
        let path = directory + "/" + fileName
        let descriptor = unsafe open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw .system(path, errno: errno) }
        let lock = HomeLock(descriptor: descriptor)
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else { throw .system(path, errno: errno) }
            return nil
        }
        return lock
    }
}
