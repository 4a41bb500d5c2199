internal import Market
internal import Simulator
internal import Yams

/// What was found wrong so far; one file's.
final class ProblemList {
    let path: String
    private(set) var list: [ScenarioProblem] = []

    init(path: String) {
        self.path = path
    }

    func add(_ problem: ScenarioProblem) { list.append(problem) }

    /// What a reading gives, or `nil` and one problem more.
    @discardableResult func noting<Value>(_ read: () throws -> Value) -> Value? {
        do {
            return try read()
        } catch let problem as ScenarioProblem {
            add(problem)
        } catch {
            preconditionFailure("a reading throws problems only: \(error)")
        }
        return nil
    }

    func check() throws(ScenarioProblems) {
        if !list.isEmpty { throw ScenarioProblems(list) }
    }
}

/// One value of a YAML file and where it stands.
struct YAMLPlace {
    let node: Yams.Node
    /// The way to it, for people: `network.loss`.
    let name: String
    let problems: ProblemList

    func problem(_ message: String) -> ScenarioProblem {
        ScenarioProblem(
            path: problems.path,
            line: node.mark?.line ?? 0,
            column: node.mark?.column ?? 0,
            message: message
        )
    }

    /// The value as it was written.
    func word() throws -> String {
        guard let scalar = node.scalar else {
            throw problem("'\(name)' takes one value, not a list or a mapping")
        }
        return scalar.string
    }

    func value<Value>(_ form: String, _ read: (String) -> Value?) throws -> Value {
        let text = try word()
        guard let value = read(text) else { throw problem("'\(name)' takes \(form), not '\(text)'") }
        return value
    }

    func integer(_ range: ClosedRange<Int>) throws -> Int {
        try value("a whole number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A factor or a shape: more than zero.
    func positive() throws -> Double {
        try value("a number above 0, like 0.52") { text in
            Double(text).flatMap { $0 > 0 && $0.isFinite && $0 <= 1e9 ? $0 : nil }
        }
    }

    func isTrue() throws -> Bool {
        try value("true or false") { ["true": true, "false": false][$0] }
    }

    func length() throws -> Duration {
        try value(Quantities.lengthForm) { Quantities.length($0) }
    }

    func positiveLength() throws -> Duration {
        let length = try length()
        guard length > .zero else { throw problem("'\(name)' takes a length above 0s") }
        return length
    }

    func signedLength() throws -> Duration {
        try value(Quantities.lengthForm + ", also -90s") { Quantities.length($0, isSigned: true) }
    }

    func share() throws -> Share {
        try value(Quantities.shareForm) { Quantities.share($0) }
    }

    func quota() throws -> Quota {
        try value("a number of nodes or a share of them, like 3 or 20%") { text in
            if let share = Quantities.share(text) { return Quota.share(share) }
            return Int(text).flatMap {
                (0...ScenarioLimits.nodeCountMax).contains($0) ? Quota.count($0) : nil
            }
        }
    }

    func bitRate() throws -> Int {
        try value(Quantities.bitRateForm) { text in
            Quantities.bitRate(text).flatMap { $0 > 0 ? $0 : nil }
        }
    }

    /// One of the raw values of a closed set.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ type: Choice.Type
    ) throws
        -> Choice
    where Choice.RawValue == String {
        let text = try word()
        if let choice = Choice(rawValue: text) { return choice }
        let names = Choice.allCases.map(\.rawValue)
        throw problem("'\(name)' cannot be '\(text)'" + Self.hint(text, names))
    }

    /// The values of a list.
    func list() throws -> [YAMLPlace] {
        guard let sequence = node.sequence else { throw problem("'\(name)' takes a list, like [1, 2]") }
        return sequence.map { YAMLPlace(node: $0, name: name, problems: problems) }
    }

    /// The values of a list, or the only one.
    var oneOrMany: [YAMLPlace] {
        guard let sequence = node.sequence else { return [self] }
        return sequence.map { YAMLPlace(node: $0, name: name, problems: problems) }
    }

    /// The pairs of a mapping.
    func pairs(_ example: String) throws -> [(key: YAMLPlace, value: YAMLPlace)] {
        guard let mapping = node.mapping else {
            throw problem("'\(name)' takes a mapping, like \(example)")
        }
        return try mapping.map { key, value in
            let keyPlace = YAMLPlace(node: key, name: name, problems: problems)
            let word = try keyPlace.word()
            let inner = name.isEmpty ? word : "\(name).\(word)"
            return (
                YAMLPlace(node: key, name: word, problems: problems),
                YAMLPlace(node: value, name: inner, problems: problems)
            )
        }
    }

    /// A mapping whose keys are known.
    func fields(_ known: [String], example: String) throws -> YAMLFields {
        YAMLFields(try pairs(example), of: self, known: known)
    }

    /// A mapping of one pair: which of these, and its value.
    func single(
        _ known: [String],
        example: String
    ) throws -> (
        key: String, value: YAMLPlace
    ) {
        let pairs = try pairs(example)
        guard pairs.count == 1, let pair = pairs.first else {
            throw problem("'\(name)' takes one of \(known.joined(separator: ", ")), like \(example)")
        }
        guard known.contains(pair.key.name) else { throw pair.key.unknown(of: known) }
        return (pair.key.name, pair.value)
    }

    /// What to say of a key that nobody knows.
    func unknown(of known: [String]) -> ScenarioProblem {
        problem("unknown key '\(name)'" + Self.hint(name, known))
    }

    static func hint(_ word: String, _ known: [String]) -> String {
        guard let nearest = Spelling.nearest(to: word, in: known) else {
            return "; known: \(known.joined(separator: ", "))"
        }
        return "; did you mean '\(nearest)'?"
    }
}

/// A mapping while it is read: every mistake is noted, and reading goes on.
struct YAMLFields {
    private let pairs: [(key: YAMLPlace, value: YAMLPlace)]
    private let place: YAMLPlace

    init(_ pairs: [(key: YAMLPlace, value: YAMLPlace)], of place: YAMLPlace, known: [String]) {
        (self.pairs, self.place) = (pairs, place)
        for pair in pairs where !known.contains(pair.key.name) {
            place.problems.add(pair.key.unknown(of: known))
        }
    }

    func place(_ key: String) -> YAMLPlace? { pairs.first { $0.key.name == key }?.value }

    /// The value of a key that may be left out; `nil` also if it makes no sense, which is noted.
    func optional<Value>(
        _ key: String,
        _ read: (YAMLPlace) throws -> Value
    )
        -> Value?
    {
        guard let place = place(key) else { return nil }
        return place.problems.noting { try read(place) }
    }

    /// The value of a key that must be there.
    func required<Value>(
        _ key: String,
        _ read: (YAMLPlace) throws -> Value
    )
        -> Value?
    {
        if place(key) == nil {
            let whose = place.name.isEmpty ? "" : " of '\(place.name)'"
            place.problems.add(place.problem("'\(key)'\(whose) is missing"))
        }
        return optional(key, read)
    }

    /// Puts the value of a key that may be left out in place of the usual one.
    func read<Value>(_ key: String, into target: inout Value, _ read: (YAMLPlace) throws -> Value) {
        if let value = optional(key, read) { target = value }
    }
}
