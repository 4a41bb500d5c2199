public import Cryptography
internal import Glibc
internal import Identity

/// The key that a node is: `identity.key`, a libp2p private key message of 68 bytes, mode 0600.
public enum IdentityFile {
    public static let fileName = "identity.key"

    public static func path(in directory: String) -> String {
        directory + "/" + fileName
    }

    /// Reads the key and refuses one that others may read, own or have put elsewhere.
    public static func load(directory: String) throws(HomeError) -> Ed25519.PrivateKey {
        let path = path(in: directory)
        // Without O_NONBLOCK a pipe of that name would block for ever.
        let descriptor = unsafe open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            switch errno {
            case ENOENT: throw .missingKey(path: path)
            case ELOOP: throw .symbolicLink(path: path)
            default: throw .system(path, errno: errno)
            }
        }
        defer { _ = close(descriptor) }
        var status = stat()
        guard unsafe fstat(descriptor, &status) == 0 else { throw .system(path, errno: errno) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw .notARegularFile(path: path) }
        guard status.st_uid == geteuid() else { throw .wrongOwner(path: path) }
        guard status.st_mode & 0o077 == 0 else { throw .tooOpen(path: path, command: "chmod 600 '\(path)'") }

        var bytes = [UInt8](repeating: 0, count: KeyCodec.privateByteCount + 1)
        defer { erase(&bytes) }
        let count = unsafe read(descriptor, &bytes, bytes.count)
        guard count >= 0 else { throw .system(path, errno: errno) }
        guard count == KeyCodec.privateByteCount else { throw .malformedKey(path: path) }
        var message = Array(bytes.prefix(count))
        defer { erase(&message) }
        do throws(KeyError) {
            return try KeyCodec.decodePrivateKey(message)
        } catch {
            throw .malformedKey(path: path)
        }
    }

    /// Draws a new key from the system's entropy and writes it.
    public static func create(directory: String) throws(HomeError) -> Ed25519.PrivateKey {
        var seed = SystemEntropy.bytes(Ed25519.PrivateKey.seedByteCount)
        defer { erase(&seed) }
        let key = Ed25519.PrivateKey(seed: seed)
        try write(key, directory: directory)
        return key
    }

    /// Writes a key that came from elsewhere; never over another one.
    ///
    /// First under a name of its own, durable, then by a link under the right one: a crash leaves the whole key or none.
    public static func write(_ key: Ed25519.PrivateKey, directory: String) throws(HomeError) {
        try HomeDirectory.prepare(directory)
        let path = path(in: directory)
        let draft = path + ".new-\(getpid())"
        _ = unsafe unlink(draft)
        let descriptor = unsafe open(draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw .system(draft, errno: errno) }
        defer { _ = unsafe unlink(draft) }
        var bytes = KeyCodec.encode(key)
        defer { erase(&bytes) }
        let written = unsafe Glibc.write(descriptor, bytes, bytes.count)
        let failure = written == bytes.count && fsync(descriptor) == 0 ? nil : written < 0 ? errno : ENOSPC
        _ = close(descriptor)
        if let failure { throw .system(draft, errno: failure) }
        guard unsafe link(draft, path) == 0 else {
            throw errno == EEXIST ? .keyExists(path: path) : .system(path, errno: errno)
        }
        try HomeDirectory.synchronize(directory)
    }

    private static func erase(_ bytes: inout [UInt8]) {
        unsafe bytes.withUnsafeMutableBytes { buffer in
            guard let base = buffer.baseAddress else { return }
            unsafe explicit_bzero(base, buffer.count)
        }
    }
}
