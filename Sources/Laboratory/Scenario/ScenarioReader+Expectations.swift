internal import Simulator

/// What must hold.
extension ScenarioReader {
    private static let expectationKeys = [
        "always", "delivery", "latency", "equal-sets", "complete-listings", "overhead", "contained",
        "conflicts-known", "proofs-known", "leases-complete", "searches-complete", "lookups-succeed",
        "honest-company", "reflected-dials", "sometimes",
    ]

    /// Reads `expect` into a scenario whose faults and adversaries are known.
    func readExpectations(_ place: YAMLPlace, into scenario: inout Scenario) {
        problems.noting {
            let pairs = try place.pairs("{delivery: 99.9% within 5s}")
            // The words of the file keep their order: verdicts are given in it.
            for (key, value) in pairs where Self.expectationKeys.contains(key.name) {
                if key.name == "always" {
                    scenario.always = try invariants(value)
                } else {
                    for value in value.oneOrMany { expect(key.name, value, &scenario) }
                }
            }
            for (key, _) in pairs where !Self.expectationKeys.contains(key.name) {
                problems.add(key.unknown(of: Self.expectationKeys))
            }
        }
    }

    private func invariants(_ place: YAMLPlace) throws -> [Invariant] {
        var invariants: [Invariant] = []
        for place in place.oneOrMany { invariants.append(try place.choice(Invariant.self)) }
        return invariants
    }

    private func expect(_ key: String, _ place: YAMLPlace, _ scenario: inout Scenario) {
        problems.noting {
            let expectation = try expectation(key, place)
            switch expectation {
            case .conflictsKnown where !scenario.adversaries.contains(where: { $0.role == .equivocator }):
                throw place.problem("'conflicts-known' needs an 'equivocator' among the adversaries")
            case .proofsKnown where !scenario.adversaries.contains(where: { $0.role == .doubleBooker }):
                throw place.problem("'proofs-known' needs a 'double-booker' among the adversaries")
            case .leasesComplete where scenario.workload.leases == nil:
                throw place.problem("'leases-complete' needs 'leases' in the workload")
            case .searchesComplete where scenario.workload.searches == nil:
                throw place.problem("'searches-complete' needs 'searches' in the workload")
            case .lookupsSucceed where scenario.workload.lookups == nil:
                throw place.problem("'lookups-succeed' needs 'lookups' in the workload")
            case .reflectedDials where !scenario.adversaries.contains(where: { $0.role == .reflector }):
                throw place.problem("'reflected-dials' needs a 'reflector' among the adversaries")
            case .contained where scenario.adversaries.isEmpty:
                throw place.problem("'contained' speaks of adversaries: there are none")
            default: scenario.expectations.append(expectation)
            }
        }
    }

    private func expectation(_ key: String, _ place: YAMLPlace) throws -> Expectation {
        switch key {
        case "delivery":
            return try place.value("a share and a length, like '99.9% within 5s'") { text in
                guard let (share, within) = Self.halves(text, sign: ">="),
                    let share = Quantities.share(share),
                    let within = Quantities.length(within)
                else { return nil }
                return .delivery(atLeast: share, within: within)
            }
        case "proofs-known":
            return try place.value("a share and a length, like '99% within 60s'") { text in
                guard let (share, within) = Self.halves(text, sign: ">="), let share = Quantities.share(share),
                    let within = Quantities.length(within)
                else { return nil }
                return .proofsKnown(to: share, within: within)
            }
        case "latency":
            return try place.value("a percentile and a length, like 'p99 within 3s'") { text in
                guard let (percentile, within) = Self.halves(text, sign: ""), percentile.hasPrefix("p"),
                    let hundredths = Quantities.scaled(percentile.dropFirst(), by: 100),
                    (1...10_000).contains(hundredths),
                    let within = Quantities.length(within)
                else { return nil }
                return .latency(percentile: Int(hundredths), within: within)
            }
        case "equal-sets":
            let within = try limit(place)
            guard within >= Expectation.equalSetsAge else {
                let least = Quantities.text(Expectation.equalSetsAge)
                throw place.problem("sets are compared as of \(least) ago: 'equal-sets' takes \(least) or more")
            }
            return .equalSets(within: within)
        case "conflicts-known": return .conflictsKnown(within: try limit(place))
        case "complete-listings":
            guard try place.isTrue() else {
                throw place.problem(
                    "'complete-listings' is expected or not: leave it out in place of false"
                )
            }
            return .completeListings
        case "overhead":
            return try place.value("a number of copies with at most two decimals, like 8 or 3.5") {
                text in
                guard let hundredths = Quantities.scaled(Self.without("<=", text), by: 100),
                    (100...100_000_000).contains(hundredths)
                else { return nil }
                return .overhead(atMostHundredths: Int(hundredths))
            }
        case "leases-complete": return .leasesComplete(atLeast: try share(place))
        case "searches-complete": return .searchesComplete(atLeast: try share(place))
        case "lookups-succeed": return .lookupsSucceed(atLeast: try share(place))
        case "honest-company": return .honestCompany(atLeast: try share(place))
        case "contained": return .contained(atLeast: try share(place))
        case "reflected-dials":
            return try place.value("a number of dials, like '1 per minute'") { text in
                let words = Self.without("<=", text).split(separator: " ")
                guard words.count == 3, words[1...] == ["per", "minute"], let count = Int(words[0]),
                    (0...ScenarioLimits.perSecondMax).contains(count)
                else { return nil }
                return .reflectedDials(atMostPerMinute: count)
            }
        default: return .sometimes(try place.choice(Occurrence.self))
        }
    }

    private func share(_ place: YAMLPlace) throws -> Share {
        try place.value(Quantities.shareForm) { Quantities.share(Self.without(">=", $0)) }
    }

    private func limit(_ place: YAMLPlace) throws -> Duration {
        try place.value(Quantities.lengthForm) { Quantities.length(Self.without("<=", $0)) }
    }

    /// `a within b`; the sign that the first half implies may be written.
    private static func halves(_ text: String, sign: String) -> (String, String)? {
        let words = without(sign, text).split(separator: " ").map(String.init)
        guard words.count == 3, words[1] == "within" || words[1] == "<=" else { return nil }
        return (words[0], words[2])
    }

    private static func without(_ sign: String, _ text: String) -> String {
        guard !sign.isEmpty, text.hasPrefix(sign) else { return text }
        return text.dropFirst(sign.count).trimmed
    }
}
