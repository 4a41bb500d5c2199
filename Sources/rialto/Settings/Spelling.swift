/// Finds the word that somebody meant.
enum Spelling {
    private static let lengthMax = 64

    /// The nearest of these words, if it is near enough to be worth a question.
    static func nearest(to word: String, among known: [String]) -> String? {
        let nearest = known.min { distance(word, $0) < distance(word, $1) }
        return nearest.flatMap { distance(word, $0) <= max(2, word.count / 3) ? $0 : nil }
    }

    /// How many letters must be added, left out or replaced (Levenshtein).
    private static func distance(_ left: String, _ right: String) -> Int {
        let letters = Array(right.prefix(lengthMax))
        var row = Array(0...letters.count)
        for (index, letter) in left.prefix(lengthMax).enumerated() {
            var next = [index + 1]
            for (column, other) in letters.enumerated() {
                next.append(min(row[column] + (letter == other ? 0 : 1), row[column + 1] + 1, next[column] + 1))
            }
            row = next
        }
        return row[letters.count]
    }
}
