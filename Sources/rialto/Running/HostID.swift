internal import Cryptography
internal import Foundation

/// What stands for this machine and this home directory, so that a copy of the home is noticed.
enum HostID {
    /// Hashed as machine-id(5) asks, so that the machine's own id never leaves it.
    ///
    /// `nil` where the machine has none.
    static func bytes(home: String) -> [UInt8]? {
        guard let id = try? String(contentsOfFile: "/etc/machine-id", encoding: .utf8) else { return nil }
        let trimmed = id.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !trimmed.isEmpty else { return nil }
        let path = URL(fileURLWithPath: home).resolvingSymlinksInPath().path
        return SHA256.hash(Array("rialto host \(trimmed) \(path)".utf8))
    }
}
