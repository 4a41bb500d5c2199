internal import Cryptography

/// Verdicts over signatures, shared by all nodes: the same bytes give the same verdict everywhere.
///
/// Found by the signature's first bytes, believed only if key, message and signature are equal. Two generations: when the young
/// one is full, the old one is forgotten, so that a long run does not remember every record of its past.
struct SignatureMemo: Sendable {
    /// Each entry holds a record's bytes: about 64 MiB in all.
    static let generationCountMax = 65_536

    private struct Key: Hashable {
        let check: SignatureCheck

        func hash(into hasher: inout Hasher) {
            var word: UInt64 = 0
            for byte in check.signature.prefix(8) { word = word << 8 | UInt64(byte) }
            hasher.combine(word)
        }
    }

    private var young: [Key: Bool] = [:]
    private var old: [Key: Bool] = [:]
    private let computesAll: Bool
    private let countMax: Int
    /// How many signatures were computed.
    private(set) var computedCount = 0

    init(computesAll: Bool, countMax: Int = generationCountMax) {
        (self.computesAll, self.countMax) = (computesAll, countMax)
    }

    var count: Int { young.count + old.count }

    mutating func holds(_ check: SignatureCheck) -> Bool {
        guard !computesAll else {
            computedCount += 1
            return check.holds
        }
        let key = Key(check: check)
        if let known = young[key] { return known }
        let verdict: Bool
        if let known = old[key] {
            verdict = known
        } else {
            verdict = check.holds
            computedCount += 1
        }
        if young.count >= countMax {
            old = young
            young.removeAll(keepingCapacity: true)
        }
        young[key] = verdict
        return verdict
    }
}
