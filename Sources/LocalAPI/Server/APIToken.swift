internal import Cryptography
internal import Foundation
internal import Glibc

/// The secret that opens the TCP door: 32 random bytes in hexadecimal digits, in a file that only its owner reads.
public enum APIToken {
    public static let fileName = "api.token"
    static let byteCount = 32

    /// Reads the token of a home directory, or makes one at the first start.
    public static func loadOrCreate(directory: String) throws -> String {
        let path = directory + "/" + fileName
        if let text = try? String(contentsOfFile: path, encoding: .utf8) {
            let token = text.trimmingCharacters(in: .whitespacesAndNewlines)
            var status = stat()
            let isPrivate = unsafe lstat(path, &status) == 0 && status.st_mode & 0o077 == 0
            if isPrivate, token.utf8.count == byteCount * 2 { return token }
            // Others may have read it: it is worth nothing any more.
            _ = unsafe unlink(path)
        }
        let token = SystemEntropy.bytes(byteCount).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw LocalServerError.system("\(path) cannot be written") }
        let file = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
        try file.write(contentsOf: Data((token + "\n").utf8))
        return token
    }
}
