/// Command lines that a shell takes as they are.
public enum CommandText {
    /// What repeats one run.
    public static func run(
        path: String,
        seed: UInt64,
        changes: [ScenarioChange] = [],
        output: String? = nil,
        more: [String] = []
    ) -> String {
        line(["rialto"] + runArguments(path: path, seed: seed, changes: changes, output: output) + more)
    }

    /// The arguments behind the program's name.
    public static func runArguments(
        path: String,
        seed: UInt64,
        changes: [ScenarioChange],
        output: String?
    ) -> [String] {
        var words = ["sim", "run", path, "--seed", "\(seed)"]
        for change in changes { words += ["--set", change.description] }
        if let output { words += ["--out", output] }
        return words
    }

    /// Words, quoted where a shell would read more into them.
    public static func line(_ words: [String]) -> String {
        words.map { word in
            let isPlain = !word.isEmpty && word.utf8.allSatisfy { plain.contains($0) }
            return isPlain
                ? word
                : "'" + word.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }
        .joined(separator: " ")
    }

    private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./=:%,+@".utf8)
}
