/// The part of a GPU's name that tells models apart, whoever wrote the name.
///
/// Drivers write `NVIDIA A100-SXM4-80GB`, the catalogue `A100 SXM4 80GB`: letters are lowered, the name is cut at everything
/// that is neither letter nor digit, words that every card bears are dropped, and so are sizes of memory (`80GB`): the
/// size that the driver reports decides between variants, because a name may speak of another memory (`GH200 480GB`).
struct DriverName: Hashable {
    /// A longer name is no GPU's.
    static let byteCountMax = 128

    private static let ignoredWords: Set<String> = [
        "nvidia", "amd", "intel", "r", "tm", "geforce", "tesla", "radeon", "instinct", "graphics", "generation",
        "edition",
    ]

    /// The remaining words, joined by a blank.
    let key: String

    init?(_ name: String) {
        guard name.utf8.count <= Self.byteCountMax else { return nil }
        let words = name.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        let kept = words.filter { !Self.ignoredWords.contains(String($0)) && !Self.isMemorySize($0) }
        guard !kept.isEmpty else { return nil }
        key = kept.joined(separator: " ")
    }

    private static func isMemorySize(_ word: Substring) -> Bool {
        let digits = word.hasSuffix("gb") ? word.dropLast(2) : ""
        return !digits.isEmpty && digits.allSatisfy(\.isNumber)
    }
}
