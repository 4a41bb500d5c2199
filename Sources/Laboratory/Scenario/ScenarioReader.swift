public import Simulator
internal import Yams

/// Reads a scenario's YAML: every word is checked, and every mistake is told with its line, before anything runs.
public struct ScenarioReader {
    static let keys = [
        "name", "purpose", "nodes", "duration", "fidelity", "network", "connections", "discovery", "churn", "workload",
        "clocks", "faults", "adversaries", "expect", "seeds",
    ]

    let problems: ProblemList
    /// The text of a data file that the scenario names, or `nil`.
    let loadFile: (String) -> String?

    private init(path: String, loadFile: @escaping (String) -> String?) {
        problems = ProblemList(path: path)
        self.loadFile = loadFile
    }

    /// The scenario in a text.
    ///
    /// `path` stands in messages, and its last part names the scenario; `changes` are put in place of what the file says, in order;
    /// `loadFile` gives the matrices and traces that the file names.
    public static func read(
        _ text: String,
        path: String,
        changes: [ScenarioChange] = [],
        loadFile: @escaping (String) -> String? = { _ in nil }
    ) throws(ScenarioProblems) -> Scenario {
        let reader = ScenarioReader(path: path, loadFile: loadFile)
        do {
            let root = try YAMLText.root(of: text, path: path)
            let changed = try ScenarioChange.apply(changes, to: root, path: path)
            let scenario = try reader.scenario(
                YAMLPlace(node: changed, name: "", problems: reader.problems)
            )
            try reader.problems.check()
            if let scenario { return scenario }
        } catch let problem as ScenarioProblem {
            throw ScenarioProblems(reader.problems.list + [problem])
        } catch let problems as ScenarioProblems {
            throw problems
        } catch {
            preconditionFailure("only problems are thrown: \(error)")
        }
        preconditionFailure("a scenario that is missing has a problem")
    }

    /// What a file with this path is called.
    static func name(of path: String) -> String {
        var name = String(path.split(separator: "/").last ?? "")
        for suffix in [".yaml", ".yml"] where name.hasSuffix(suffix) { name.removeLast(suffix.count) }
        return name
    }

    private func scenario(_ place: YAMLPlace) throws -> Scenario? {
        let fields = try place.fields(Self.keys, example: "'nodes: 100'")
        let name = name(fields, place)
        let purpose = fields.required("purpose") { try self.purpose($0) }
        let nodeCount = fields.required("nodes") { try $0.integer(2...ScenarioLimits.nodeCountMax) }
        let duration = fields.required("duration") { try self.duration($0) } ?? nil
        var scenario = Scenario(
            name: name,
            purpose: purpose ?? "",
            nodeCount: nodeCount ?? 2,
            buildUp: duration?.buildUp ?? .seconds(1),
            measured: duration?.measured ?? Quantities.lengthMax
        )
        fields.read("fidelity", into: &scenario.fidelity) { try $0.choice(Fidelity.self) }
        fields.read("network", into: &scenario.network) { try network($0) }
        fields.read("connections", into: &scenario.connections) { place in
            guard scenario.fidelity == .bytes else {
                throw place.problem(
                    "nobody counts connections with 'fidelity: \(scenario.fidelity.rawValue)': take 'bytes'"
                )
            }
            return try connections(place)
        }
        fields.read("discovery", into: &scenario.discovery) { try discovery($0) }
        fields.read("churn", into: &scenario.churn) { try churn($0) }
        fields.read("workload", into: &scenario.workload) { place in
            let plan = try workload(place)
            guard plan.lookups == nil || scenario.discovery != nil else {
                throw place.problem(
                    "'lookups' ask the hash table, which nodes have with 'discovery': add 'discovery: {seeds: 1}'"
                )
            }
            return plan
        }
        fields.read("clocks", into: &scenario.clocks) { try clocks($0) }
        let known = scenario
        fields.read("faults", into: &scenario.faults) { try faults($0, in: known) }
        fields.read("adversaries", into: &scenario.adversaries) { try adversaries($0) }
        if let place = fields.place("expect") { readExpectations(place, into: &scenario) }
        fields.read("seeds", into: &scenario.seeds) { try Self.seeds($0) }
        judgeSense(of: scenario, fields)
        return problems.list.isEmpty ? scenario : nil
    }

    private func name(_ fields: YAMLFields, _ place: YAMLPlace) -> String {
        let fileName = Self.name(of: problems.path)
        _ = fields.optional("name") { place in
            let name = try place.word()
            guard name == fileName else {
                throw place.problem(
                    "the file is called '\(fileName)', not '\(name)': leave the name out, or make them one"
                )
            }
        }
        let isPlain = fileName.utf8.allSatisfy { byte in
            (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2d
        }
        if fileName.isEmpty || !isPlain {
            problems.add(
                place.problem("the file's name '\(fileName)' takes lower-case letters, digits and hyphens")
            )
        }
        return fileName
    }

    private func purpose(_ place: YAMLPlace) throws -> String {
        try place.value("one sentence: what the scenario proves") { text in
            text.isEmpty || text.utf8.count > 1_000 ? nil : text
        }
    }

    private func duration(
        _ place: YAMLPlace
    ) throws -> (
        buildUp: Duration, measured: Duration
    )? {
        let fields = try place.fields(["build-up", "measure"], example: "{build-up: 30s, measure: 5m}")
        let buildUp = fields.required("build-up") { try $0.length() }
        let measured = fields.required("measure") { place in
            let length = try place.length()
            guard length >= .seconds(1) else { throw place.problem("'duration.measure' is at least 1s") }
            return length
        }
        guard let buildUp, let measured else { return nil }
        return (buildUp, measured)
    }

    private func workload(_ place: YAMLPlace) throws -> WorkloadPlan {
        let fields = try place.fields(
            [
                "providers", "offers-per-provider", "publish-within", "change-every", "changes-per-second",
                "segments", "leases", "searches", "lookups",
            ],
            example: "{providers: 30%, change-every: 6h}"
        )
        var plan = WorkloadPlan()
        fields.read("providers", into: &plan.providers) { try $0.quota() }
        fields.read("offers-per-provider", into: &plan.offersPerProvider) {
            try $0.integer(0...ScenarioLimits.offersPerProviderMax)
        }
        fields.read("publish-within", into: &plan.publishWithin) { try $0.length() }
        fields.read("change-every", into: &plan.changeEvery) { try $0.positiveLength() }
        fields.read("changes-per-second", into: &plan.changesPerSecond) { place in
            guard fields.place("change-every") == nil else {
                throw place.problem("'change-every' and 'changes-per-second' say the same: keep one")
            }
            return try place.integer(1...ScenarioLimits.perSecondMax)
        }
        fields.read("segments", into: &plan.segmentCount) { try $0.integer(1...16) }
        fields.read("leases", into: &plan.leases) { try leases($0) }
        fields.read("searches", into: &plan.searches) { try searches($0) }
        fields.read("lookups", into: &plan.lookups) { try lookups($0) }
        return plan
    }

    private func lookups(_ place: YAMLPlace) throws -> LookupPlan {
        let fields = try place.fields(["per-second", "kinds"], example: "{per-second: 5}")
        var plan = LookupPlan()
        fields.read("per-second", into: &plan.perSecond) { try $0.integer(1...ScenarioLimits.perSecondMax) }
        fields.read("kinds", into: &plan.kinds) { place in
            let kinds = try place.oneOrMany.map { try $0.choice(LookupPlan.Kind.self) }
            guard !kinds.isEmpty, Set(kinds).count == kinds.count else {
                throw place.problem("'\(place.name)' takes one kind or more, each once")
            }
            return kinds
        }
        return plan
    }

    private func searches(_ place: YAMLPlace) throws -> SearchPlan {
        let fields = try place.fields(["follow", "every"], example: "{follow: 2, every: 60s}")
        var plan = SearchPlan()
        fields.read("follow", into: &plan.followed) { try $0.integer(0...16) }
        fields.read("every", into: &plan.every) { try $0.positiveLength() }
        return plan
    }

    private func leases(_ place: YAMLPlace) throws -> LeasePlan {
        let fields = try place.fields(
            ["renters", "every", "lasting", "meter-every"],
            example: "{renters: 30%, every: 2m, lasting: 2m}"
        )
        var plan = LeasePlan()
        fields.read("renters", into: &plan.renters) { try $0.quota() }
        for (key, path) in [
            ("every", \LeasePlan.every), ("lasting", \LeasePlan.lasting), ("meter-every", \LeasePlan.meterEvery),
        ] {
            fields.read(key, into: &plan[keyPath: path]) { try $0.positiveLength() }
        }
        return plan
    }

    private func connections(_ place: YAMLPlace) throws -> ConnectionPlan? {
        let fields = try place.fields(["low", "high"], example: "{low: 96, high: 160}")
        let low = fields.required("low") { try $0.integer(1...ScenarioLimits.connectionCountMax) }
        let high = fields.required("high") { place in
            let high = try place.integer(1...ScenarioLimits.connectionCountMax)
            if let low, high < low { throw place.problem("the high mark lies below the low one, \(low): raise it") }
            return high
        }
        guard let low, let high else { return nil }
        return ConnectionPlan(lowWater: low, highWater: high)
    }

    private func discovery(_ place: YAMLPlace) throws -> DiscoveryPlan {
        let fields = try place.fields(["seeds"], example: "{seeds: 1}")
        var plan = DiscoveryPlan()
        fields.read("seeds", into: &plan.seedCount) { try $0.integer(1...64) }
        return plan
    }

    private func clocks(_ place: YAMLPlace) throws -> ClockPlan {
        let fields = try place.fields(["skew"], example: "{skew: 5s}")
        var plan = ClockPlan()
        fields.read("skew", into: &plan.skew) { try $0.length() }
        return plan
    }

    /// A list of numbers, or `1..5`.
    static func seeds(_ place: YAMLPlace) throws -> [UInt64] {
        let countMax = ScenarioLimits.seedCountMax
        if place.node.scalar != nil {
            return try place.value(
                "a list like [1, 2, 3] or a range like 1..5, of at most \(countMax) seeds"
            ) { text in
                let ends = text.split(separator: "..", omittingEmptySubsequences: false).map { UInt64($0) }
                guard ends.count == 2, let first = ends[0], let last = ends[1], first <= last,
                    last - first < UInt64(countMax)
                else { return nil }
                return Array(first...last)
            }
        }
        let places = try place.list()
        guard !places.isEmpty, places.count <= countMax else {
            throw place.problem("'\(place.name)' takes 1 to \(countMax) seeds")
        }
        var seeds: [UInt64] = []
        for place in places {
            let seed = try place.value("a whole number from 0 to 2^64 - 1", { UInt64($0) })
            guard !seeds.contains(seed) else { throw place.problem("the seed \(seed) stands here twice") }
            seeds.append(seed)
        }
        return seeds
    }
}
