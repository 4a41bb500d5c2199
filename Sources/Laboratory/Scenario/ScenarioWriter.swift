internal import Primitives
public import Simulator

/// Writes a scenario as the YAML that `ScenarioReader` reads back to an equal value; what is as usual is left out.
public enum ScenarioWriter {
    public static func text(_ scenario: Scenario) -> String {
        var lines = [
            "name: \(scenario.name)", "purpose: \(quoted(scenario.purpose))", "nodes: \(scenario.nodeCount)",
        ]
        lines.append("duration: {build-up: \(of(scenario.buildUp)), measure: \(of(scenario.measured))}")
        if scenario.fidelity != .messages { lines.append("fidelity: \(scenario.fidelity.rawValue)") }
        lines.append(mapping: "network", network(scenario.network))
        if let plan = scenario.connections {
            lines.append("connections: {low: \(plan.lowWater), high: \(plan.highWater)}")
        }
        if let discovery = scenario.discovery { lines.append("discovery: {seeds: \(discovery.seedCount)}") }
        if let churn = scenario.churn { lines.append(mapping: "churn", self.churn(churn)) }
        lines.append(mapping: "workload", workload(scenario.workload))
        if scenario.clocks.skew != .zero { lines.append("clocks: {skew: \(of(scenario.clocks.skew))}") }
        if !scenario.faults.isEmpty {
            lines.append("faults:")
            lines += scenario.faults.map { "  - {at: \(of($0.at)), \(fault($0.fault))}" }
        }
        if !scenario.adversaries.isEmpty {
            lines.append("adversaries:")
            lines += scenario.adversaries.map { "  - {\(adversary($0))}" }
        }
        lines += expectations(scenario)
        lines.append("seeds: [\(scenario.seeds.map { "\($0)" }.joined(separator: ", "))]")
        return lines.joined(separator: "\n") + "\n"
    }

    private static func of(_ length: Duration) -> String { Quantities.text(length) }

    private static func network(_ plan: NetworkPlan) -> [String] {
        let usual = NetworkPlan()
        var words: [String] = []
        if plan.latency != usual.latency { words.append("latency: \(latency(plan.latency))") }
        if plan.jitter != usual.jitter { words.append("jitter: \(Quantities.text(plan.jitter))") }
        if plan.loss != usual.loss { words.append("loss: \(Quantities.text(plan.loss))") }
        if let rate = plan.upload { words.append("upload: \(Quantities.bitRateText(rate))") }
        if let rate = plan.download { words.append("download: \(Quantities.bitRateText(rate))") }
        if plan.nat != usual.nat {
            let (restricted, symmetric) = (
                Quantities.text(plan.nat.restricted), Quantities.text(plan.nat.symmetric)
            )
            words.append("nat: {restricted: \(restricted), symmetric: \(symmetric)}")
        }
        return words
    }

    private static func latency(_ plan: LatencyPlan) -> String {
        switch plan {
        case .constant(let length): return "{constant: \(of(length))}"
        case .uniform(let low, let high): return "{uniform: [\(of(low)), \(of(high))]}"
        case .regions: return "regions"
        case .coordinates(let side, let access):
            return "{coordinates: {side: \(of(side)), access: \(of(access))}}"
        case .matrix(let matrix):
            let rows = (0..<matrix.placeCount).map { row in
                let start = row * matrix.placeCount
                return list(matrix.roundTrips[start..<start + matrix.placeCount])
            }
            return "{matrix: [\(rows.joined(separator: ", "))]}"
        }
    }

    private static func list(_ lengths: some Sequence<Duration>) -> String {
        "[\(lengths.map(of).joined(separator: ", "))]"
    }

    private static func churn(_ plan: ChurnPlan) -> [String] {
        var words = [
            "session: \(distribution(plan.session))", "downtime: \(distribution(plan.downtime))",
        ]
        if !plan.keepsIdentity { words.append("identity: new") }
        if plan.stable != .count(1) { words.append("stable: \(Quantities.text(plan.stable))") }
        return words
    }

    private static func distribution(_ distribution: Distribution) -> String {
        switch distribution {
        case .constant(let length): "{constant: \(of(length))}"
        case .uniform(let low, let high): "{uniform: [\(of(low)), \(of(high))]}"
        case .exponential(let mean): "{exponential: \(of(mean))}"
        case .weibull(let shape, let scale): "{weibull: {shape: \(shape), scale: \(of(scale))}}"
        case .pareto(let shape, let scale): "{pareto: {shape: \(shape), scale: \(of(scale))}}"
        case .lognormal(let median, let sigma): "{lognormal: {median: \(of(median)), sigma: \(sigma)}}"
        case .trace(let lengths): "{trace: \(list(lengths))}"
        }
    }

    private static func workload(_ plan: WorkloadPlan) -> [String] {
        let usual = WorkloadPlan()
        var words: [String] = []
        if plan.providers != usual.providers {
            words.append("providers: \(Quantities.text(plan.providers))")
        }
        if plan.offersPerProvider != usual.offersPerProvider {
            words.append("offers-per-provider: \(plan.offersPerProvider)")
        }
        if plan.publishWithin != usual.publishWithin {
            words.append("publish-within: \(of(plan.publishWithin))")
        }
        if let length = plan.changeEvery { words.append("change-every: \(of(length))") }
        if let rate = plan.changesPerSecond { words.append("changes-per-second: \(rate)") }
        if plan.segmentCount != usual.segmentCount { words.append("segments: \(plan.segmentCount)") }
        if let leases = plan.leases {
            let times =
                "every: \(of(leases.every)), lasting: \(of(leases.lasting)), meter-every: \(of(leases.meterEvery))"
            words.append("leases: {renters: \(Quantities.text(leases.renters)), \(times)}")
        }
        if let searches = plan.searches {
            words.append("searches: {follow: \(searches.followed), every: \(of(searches.every))}")
        }
        if let lookups = plan.lookups {
            let kinds = lookups.kinds.map(\.rawValue).joined(separator: ", ")
            let all = lookups.kinds == LookupPlan.Kind.allCases
            words.append("lookups: {per-second: \(lookups.perSecond)\(all ? "" : ", kinds: [\(kinds)]")}")
        }
        return words
    }

    private static func fault(_ fault: Fault) -> String {
        switch fault {
        case .partition(let split, let time):
            "partition: {split: \(Quantities.text(split)), for: \(of(time))}"
        case .onewayPartition(let split, let time):
            "one-way-partition: {split: \(Quantities.text(split)), for: \(of(time))}"
        case .swizzle(let links, let within, let hold):
            "swizzle: {links: \(Quantities.text(links)), within: \(of(within)), hold: \(of(hold))}"
        case .crash(let nodes, let losesUnsynced, let down):
            "crash: {nodes: \(Quantities.text(nodes)), loses-unsynced: \(losesUnsynced), down: \(of(down))}"
        case .departure(let nodes): "departure: \(Quantities.text(nodes))"
        case .flashCrowd(let nodes, let within):
            "flash-crowd: {nodes: \(Quantities.text(nodes)), within: \(of(within))}"
        case .disconnect(let nodes): "disconnect: \(Quantities.text(nodes))"
        case .slowLinks(let nodes, let factor, let time):
            "slow-links: {nodes: \(Quantities.text(nodes)), factor: \(factor), for: \(of(time))}"
        case .clockStep(let nodes, let step):
            "clock-step: {nodes: \(Quantities.text(nodes)), by: \(of(step))}"
        case .diskFull(let nodes, let time):
            "disk-full: {nodes: \(Quantities.text(nodes)), for: \(of(time))}"
        case .pause(let nodes, let time): "pause: {nodes: \(Quantities.text(nodes)), for: \(of(time))}"
        case .corrupt(let perMille, let time): "corrupt: {per-mille: \(perMille), for: \(of(time))}"
        }
    }

    /// A fault for people: `partition, split 50%, for 1m`.
    static func words(of fault: Fault) -> String {
        let text = Self.fault(fault).filter { $0 != "{" && $0 != "}" }
        guard let colon = text.firstIndex(of: ":") else { return text }
        let rest = text[text.index(after: colon)...].split(separator: ":").joined()
        return text[..<colon] + "," + rest
    }

    private static func adversary(_ plan: AdversaryPlan) -> String {
        let nodes = Quantities.text(plan.quota)
        return switch plan.role {
        case .silent: "silent: \(nodes)"
        case .covert(let at): "covert: {nodes: \(nodes), at: \(of(at))}"
        case .spammer(let rate): "spammer: {nodes: \(nodes), per-second: \(rate)}"
        case .forger(let rate): "forger: {nodes: \(nodes), per-second: \(rate)}"
        case .equivocator: "equivocator: \(nodes)"
        case .doubleBooker: "double-booker: \(nodes)"
        case .phantom: "phantom: \(nodes)"
        case .censor: "censor: \(nodes)"
        case .poisoner: "poisoner: \(nodes)"
        case .squatter: "squatter: \(nodes)"
        case .flooder: "flooder: \(nodes)"
        case .reflector: "reflector: \(nodes)"
        case .crowder: "crowder: \(nodes)"
        case .hider(let thing): "hider: {nodes: \(nodes), of: \(thing.rawValue)}"
        case .replayer(let rate): "replayer: {nodes: \(nodes), per-second: \(rate)}"
        }
    }

    private static func expectations(_ scenario: Scenario) -> [String] {
        var lines: [(key: String, values: [String])] = []
        if scenario.always != Invariant.allCases {
            lines.append(("always", scenario.always.map(\.rawValue)))
        }
        for expectation in scenario.expectations {
            let (key, value) = self.expectation(expectation)
            if let index = lines.firstIndex(where: { $0.key == key }) {
                lines[index].values.append(value)
            } else {
                lines.append((key, [value]))
            }
        }
        guard !lines.isEmpty else { return [] }
        return ["expect:"]
            + lines.map { key, values in
                let isList = values.count != 1 || key == "always" || key == "sometimes"
                return "  \(key): " + (isList ? "[\(values.joined(separator: ", "))]" : values[0])
            }
    }

    /// The expectation as a file writes it, also for people.
    static func expectation(_ expectation: Expectation) -> (key: String, value: String) {
        switch expectation {
        case .delivery(let share, let within):
            ("delivery", "\(Quantities.text(share)) within \(of(within))")
        case .latency(let percentile, let within):
            ("latency", "p\(Quantities.decimal(Int128(percentile), per: 100)) within \(of(within))")
        case .equalSets(let within): ("equal-sets", of(within))
        case .completeListings: ("complete-listings", "true")
        case .overhead(let hundredths): ("overhead", Quantities.decimal(Int128(hundredths), per: 100))
        case .contained(let share): ("contained", Quantities.text(share))
        case .conflictsKnown(let within): ("conflicts-known", of(within))
        case .proofsKnown(let share, let within):
            ("proofs-known", "\(Quantities.text(share)) within \(of(within))")
        case .leasesComplete(let share): ("leases-complete", Quantities.text(share))
        case .searchesComplete(let share): ("searches-complete", Quantities.text(share))
        case .lookupsSucceed(let share): ("lookups-succeed", Quantities.text(share))
        case .honestCompany(let share): ("honest-company", Quantities.text(share))
        case .reflectedDials(let count): ("reflected-dials", "\(count) per minute")
        case .sometimes(let occurrence): ("sometimes", occurrence.rawValue)
        }
    }

    /// A sentence as it is if YAML takes it so, else between quotes.
    private static func quoted(_ text: String) -> String {
        let isPlain =
            text.first?.isLetter == true && text.last?.isWhitespace == false
            && !["true", "false", "null", "yes", "no", "on", "off", "y", "n"].contains(text.lowercased())
            && !text.contains(": ") && !text.contains(" #") && !text.hasSuffix(":")
            && text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value < 0x7f }
        if isPlain { return text }
        var quoted = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            default:
                let isShown = scalar.value >= 0x20 && !(0x7f...0x9f).contains(scalar.value)
                quoted +=
                    isShown ? String(scalar) : "\\x" + hexadecimal(UInt8(truncatingIfNeeded: scalar.value))
            }
        }
        return "\"\(quoted)\""
    }

    private static func hexadecimal(_ byte: UInt8) -> String {
        (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }
}

extension [String] {
    /// A line with a flow mapping, unless it is empty.
    fileprivate mutating func append(mapping key: String, _ words: [String]) {
        if !words.isEmpty { append("\(key): {\(words.joined(separator: ", "))}") }
    }
}
