import Foundation

/// What a target is reading: a trap leaves no word behind, so all that repeats it is said and written before.
struct CurrentInput {
    let path: String
    /// Told on standard error before the first input.
    let words: String

    init(of name: String, seed: UInt64) throws {
        let process = ProcessInfo.processInfo.processIdentifier
        path = FileManager.default.temporaryDirectory.appending(path: "rialto-fuzz-\(name)-\(process)").path
        words = "fuzzing \(name) with RIALTO_FUZZ_SEED=\(seed); should it trap, the input is in \(path)\n"
        try FileHandle.standardError.write(contentsOf: Data(words.utf8))
    }

    /// Reads one input; its bytes are on the disk before.
    func keeping(_ input: [UInt8], _ read: () -> Void) throws {
        try Data(input).write(to: URL(filePath: path))
        read()
    }

    /// All were read, and none trapped.
    func forget() throws {
        try FileManager.default.removeItem(atPath: path)
    }
}
