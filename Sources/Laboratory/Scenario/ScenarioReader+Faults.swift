internal import Simulator
internal import Yams

/// What breaks, and who attacks.
extension ScenarioReader {
    private static let faultKinds = [
        "partition", "one-way-partition", "swizzle", "crash", "departure", "flash-crowd", "disconnect", "slow-links",
        "clock-step", "disk-full", "pause", "corrupt",
    ]
    private static let roles = [
        "silent", "covert", "spammer", "forger", "equivocator", "replayer", "double-booker", "phantom",
        "censor", "poisoner", "hider", "squatter", "flooder", "reflector", "crowder",
    ]

    func faults(_ place: YAMLPlace, in scenario: Scenario) throws -> [PlannedFault] {
        let places = try place.list()
        guard places.count <= ScenarioLimits.faultCountMax else {
            throw place.problem("a scenario has at most \(ScenarioLimits.faultCountMax) faults")
        }
        var faults: [PlannedFault] = []
        for place in places {
            problems.noting {
                if let fault = try plannedFault(place, in: scenario) { faults.append(fault) }
            }
        }
        return faults
    }

    private func plannedFault(
        _ place: YAMLPlace,
        in scenario: Scenario
    ) throws
        -> PlannedFault?
    {
        let example = "{at: 20s, partition: {split: 50%, for: 10s}}"
        let pairs = try place.pairs(example)
        let fields = YAMLFields(pairs, of: place, known: ["at"] + Self.faultKinds)
        let at = fields.required("at") { place in
            let at = try place.length()
            guard at <= scenario.measured else {
                throw place.problem(
                    "the fault begins at \(Quantities.text(at)), after the end of the measured time"
                )
            }
            return at
        }
        let kinds = pairs.filter { Self.faultKinds.contains($0.key.name) }
        guard kinds.count == 1, let kind = kinds.first else {
            if pairs.allSatisfy({ $0.key.name == "at" || Self.faultKinds.contains($0.key.name) }) {
                problems.add(place.problem("an entry of 'faults' has 'at' and one fault, like \(example)"))
            }
            return nil
        }
        guard let fault = try fault(kind.key, kind.value, in: scenario), let at else { return nil }
        return PlannedFault(at: at, fault: fault)
    }

    private func fault(
        _ key: YAMLPlace,
        _ place: YAMLPlace,
        in scenario: Scenario
    )
        throws -> Fault?
    {
        switch key.name {
        case "partition", "one-way-partition":
            let fields = try place.fields(["split", "for"], example: "{split: 50%, for: 1m}")
            let split = fields.required("split") { try $0.share() }
            guard let split, let time = length(fields, "for") else { return nil }
            return key.name == "partition"
                ? .partition(split: split, for: time) : .onewayPartition(split: split, for: time)
        case "swizzle":
            let fields = try place.fields(
                ["links", "within", "hold"],
                example: "{links: 50%, within: 20s, hold: 20s}"
            )
            let links = fields.required("links") { try $0.share() }
            guard let links, let within = length(fields, "within"), let hold = length(fields, "hold")
            else { return nil }
            return .swizzle(links: links, within: within, hold: hold)
        case "crash":
            let fields = try place.fields(
                ["nodes", "loses-unsynced", "down"],
                example: "{nodes: 20%, down: 20s}"
            )
            let isLossy = fields.optional("loses-unsynced") { try $0.isTrue() }
            guard let nodes = quota(fields), let down = length(fields, "down") else { return nil }
            return .crash(nodes, losesUnsynced: isLossy ?? false, down: down)
        case "departure": return .departure(try place.quota())
        case "disconnect": return .disconnect(try place.quota())
        case "corrupt":
            let fields = try place.fields(["per-mille", "for"], example: "{per-mille: 3, for: 30s}")
            let count = fields.required("per-mille") { try $0.integer(1...1_000) }
            guard scenario.fidelity == .bytes else {
                throw key.problem("'corrupt' changes bytes on the wire: it needs 'fidelity: bytes'")
            }
            guard let count, let time = length(fields, "for") else { return nil }
            return .corrupt(perMille: count, for: time)
        default: return try faultOfSome(key.name, place)
        }
    }

    /// The faults that name some nodes and one thing more.
    private func faultOfSome(_ kind: String, _ place: YAMLPlace) throws -> Fault? {
        switch kind {
        case "flash-crowd":
            let fields = try place.fields(["nodes", "within"], example: "{nodes: 100%, within: 10s}")
            guard let nodes = quota(fields), let within = length(fields, "within") else { return nil }
            return .flashCrowd(nodes, within: within)
        case "slow-links":
            let fields = try place.fields(
                ["nodes", "factor", "for"],
                example: "{nodes: 30%, factor: 10, for: 1m}"
            )
            let factor = fields.required("factor") { try $0.integer(2...ScenarioLimits.slownessMax) }
            guard let nodes = quota(fields), let factor, let time = length(fields, "for") else {
                return nil
            }
            return .slowLinks(nodes, factor: factor, for: time)
        case "clock-step":
            let fields = try place.fields(["nodes", "by"], example: "{nodes: 30%, by: -90s}")
            let step = fields.required("by") { try $0.signedLength() }
            guard let nodes = quota(fields), let step else { return nil }
            return .clockStep(nodes, by: step)
        default:
            let fields = try place.fields(["nodes", "for"], example: "{nodes: 3, for: 20s}")
            guard let nodes = quota(fields), let time = length(fields, "for") else { return nil }
            return kind == "pause" ? .pause(nodes, for: time) : .diskFull(nodes, for: time)
        }
    }

    private func length(_ fields: YAMLFields, _ key: String) -> Duration? {
        fields.required(key) { try $0.length() }
    }

    private func quota(_ fields: YAMLFields) -> Quota? {
        fields.required("nodes") { try $0.quota() }
    }

    /// A mapping from role to how many; a list of such mappings if a role occurs twice.
    func adversaries(_ place: YAMLPlace) throws -> [AdversaryPlan] {
        var plans: [AdversaryPlan] = []
        for place in place.oneOrMany {
            for (key, value) in try place.pairs("{silent: 40%}") {
                problems.noting {
                    if let plan = try adversary(key, value) { plans.append(plan) }
                }
            }
        }
        return plans
    }

    private func adversary(
        _ key: YAMLPlace,
        _ place: YAMLPlace
    ) throws
        -> AdversaryPlan?
    {
        switch key.name {
        case "silent": return AdversaryPlan(role: .silent, quota: try place.quota())
        case "equivocator": return AdversaryPlan(role: .equivocator, quota: try place.quota())
        case "double-booker": return AdversaryPlan(role: .doubleBooker, quota: try place.quota())
        case "censor": return AdversaryPlan(role: .censor, quota: try place.quota())
        case "phantom": return AdversaryPlan(role: .phantom, quota: try place.quota())
        case "poisoner": return AdversaryPlan(role: .poisoner, quota: try place.quota())
        case "squatter": return AdversaryPlan(role: .squatter, quota: try place.quota())
        case "flooder": return AdversaryPlan(role: .flooder, quota: try place.quota())
        case "reflector": return AdversaryPlan(role: .reflector, quota: try place.quota())
        case "crowder": return AdversaryPlan(role: .crowder, quota: try place.quota())
        case "hider":
            let fields = try place.fields(["nodes", "of"], example: "{nodes: 20, of: storefront}")
            let thing = fields.required("of") { try $0.choice(HiddenThing.self) }
            guard let nodes = quota(fields), let thing else { return nil }
            return AdversaryPlan(role: .hider(thing), quota: nodes)
        case "covert":
            let fields = try place.fields(["nodes", "at"], example: "{nodes: 40%, at: 1m}")
            guard let nodes = quota(fields), let at = length(fields, "at") else { return nil }
            return AdversaryPlan(role: .covert(at: at), quota: nodes)
        case "spammer", "forger", "replayer":
            let fields = try place.fields(["nodes", "per-second"], example: "{nodes: 2, per-second: 50}")
            let rate = fields.required("per-second") { try $0.integer(1...ScenarioLimits.perSecondMax) }
            guard let nodes = quota(fields), let rate else { return nil }
            switch key.name {
            case "spammer": return AdversaryPlan(role: .spammer(perSecond: rate), quota: nodes)
            case "forger": return AdversaryPlan(role: .forger(perSecond: rate), quota: nodes)
            default: return AdversaryPlan(role: .replayer(perSecond: rate), quota: nodes)
            }
        default: throw key.unknown(of: Self.roles)
        }
    }
}
