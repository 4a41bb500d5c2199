/// What a mistyped word most likely meant.
public enum Spelling {
    /// Longer words are not compared: the table of distances stays at 64 by 64.
    public static let wordByteCountMax = 64

    /// The candidate with the fewest edits, if it has at most a third of the word's letters wrong (at least two are
    /// forgiven); of equally near ones the one that begins like the word for longer, then the first.
    public static func nearest(to word: String, in candidates: some Sequence<String>) -> String? {
        let typed = Array(word.lowercased().utf8)
        guard !typed.isEmpty, typed.count <= wordByteCountMax else { return nil }
        var best: (distance: Int, sharedCount: Int, word: String)?
        for candidate in candidates {
            let letters = Array(candidate.lowercased().utf8)
            guard letters.count <= wordByteCountMax else { continue }
            let distance = distance(typed, letters)
            let sharedCount = zip(typed, letters).prefix { $0 == $1 }.count
            let isNearer = best.map { (distance, -sharedCount) < ($0.distance, -$0.sharedCount) } ?? true
            if isNearer { best = (distance, sharedCount, candidate) }
        }
        guard let best, best.distance <= max(2, typed.count / 3), best.distance < typed.count else { return nil }
        return best.word
    }

    /// Insertions, deletions, substitutions and swaps of neighbours between two words (optimal string alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for (row, letter) in left.enumerated() {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for (column, other) in right.enumerated() {
                let substituted = previous[column] + (letter == other ? 0 : 1)
                var cost = min(substituted, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, letter == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforePrevious[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforePrevious, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
