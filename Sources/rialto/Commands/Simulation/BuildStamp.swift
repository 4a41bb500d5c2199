internal import Cryptography
internal import Foundation
internal import Laboratory

/// Which build of this program computed a result: the version alone stays the same while the code changes.
enum BuildStamp {
    /// Such as `rialto 0.1.0+3f9a6c01b2d4e87f`: the version, and a hash of the program's bytes, so that a copy on another machine has
    /// the same.
    static let programVersion: String = {
        guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: "/proc/self/exe"), options: .alwaysMapped) else {
            // A program that cannot read itself takes nobody's results for its own, not even those of its last run.
            return "\(Rialto.version)+\(UUID().uuidString)"
        }
        // Chunk by chunk: no copy of the whole, and each digest stands for its bytes.
        var digests: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: chunkByteCount) {
            digests += SHA256.hash([UInt8](bytes[start..<min(start + chunkByteCount, bytes.count)]))
        }
        let stamp = SHA256.hash(digests).prefix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return "\(Rialto.version)+\(hexadecimal(stamp))"
    }()

    private static let chunkByteCount = 4 << 20
}
