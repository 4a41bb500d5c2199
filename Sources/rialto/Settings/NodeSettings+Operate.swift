internal import Cryptography
internal import Identity
internal import LocalAPI
internal import Market
internal import Node
internal import Swarm

// Settings for whoever keeps a node running.
extension NodeSettings {
    /// More connections than a process has descriptors for.
    private static let countMax = 100_000

    static func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: SettingKey,
        _ texts: [String],
        _ origin: SettingOrigin
    ) throws -> Choice {
        if texts.count == 1, let choice = Choice(rawValue: texts[0]) { return choice }
        let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        throw CommandFailure(
            .usage,
            "\(key.rawValue) '\(texts.joined(separator: ","))' (\(origin)) is none of: \(known)"
        )
    }

    static func toggle(_ key: SettingKey, _ texts: [String], _ origin: SettingOrigin) throws -> Bool {
        switch texts {
        case ["on"], ["true"]: return true
        case ["off"], ["false"]: return false
        default:
            let text = texts.joined(separator: ",")
            throw CommandFailure(.usage, "\(key.rawValue) '\(text)' (\(origin)) is neither on nor off")
        }
    }

    /// `all`; `auto` for what the node has dealings in; or classes and segments by name.
    static func segments(_ texts: [String], _ origin: SettingOrigin) throws -> Set<Segment>? {
        let names = texts.flatMap { $0.split(separator: ",").map(String.init) }
        if names == ["all"] { return nil }
        if names == ["auto"] { return [] }
        return try names.reduce(into: Set<Segment>()) { chosen, name in
            let named = MarketProfile.first.segments(named: name)
            guard !named.isEmpty else {
                let known = ["all", "auto"] + MarketClass.allCases.sorted().map(\.name)
                let nearest = Spelling.nearest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
                throw CommandFailure(
                    .usage,
                    "segments '\(name)' (\(origin)) is no part of the market\(nearest)",
                    hint: "write all, auto, or classes and segments like nvidia-datacenter,nvidia-consumer/2"
                )
            }
            chosen.formUnion(named)
        }
    }

    static func count(_ key: SettingKey, _ texts: [String], _ origin: SettingOrigin) throws -> Int {
        guard texts.count == 1, let count = Int(texts[0]), (0...countMax).contains(count) else {
            throw CommandFailure(
                .usage,
                "\(key.rawValue) '\(texts.joined(separator: ","))' (\(origin)) is no number from 0 to \(countMax)"
            )
        }
        return count
    }

    static func targets(_ key: SettingKey, _ texts: [String], _ origin: SettingOrigin) throws -> [BanTarget] {
        guard texts.count <= BanList.countMax else {
            throw CommandFailure(.usage, "\(key.rawValue) (\(origin)) takes at most \(BanList.countMax) entries")
        }
        return try texts.map { text in
            guard let target = BanTarget(text) else {
                throw CommandFailure(
                    .usage,
                    "\(key.rawValue) '\(text)' (\(origin)) is no peer id, address or network",
                    hint: "write it like 203.0.113.7, 203.0.113.0/24 or 12D3Koo…"
                )
            }
            return target
        }
    }

    /// The policy file that the settings name, which must be there, or the one of the home, which need not.
    static func policy(
        _ source: (SettingKey) -> Setting<[String]>?,
        home: String
    ) throws -> Setting<ProviderPolicy> {
        guard let named = source(.policy) else {
            let path = home + "/" + ProviderPolicy.fileName
            let policy = try ProviderPolicy.read(path: path, isRequired: false)
            return Setting(value: policy, origin: policy == ProviderPolicy() ? .standard : .file(path))
        }
        guard named.value.count == 1 else {
            throw CommandFailure(.usage, "policy (\(named.origin)) takes the path of one file")
        }
        let policy = try ProviderPolicy.read(path: named.value[0], isRequired: true)
        return Setting(value: policy, origin: .file(named.value[0]))
    }

    static func keys(_ key: SettingKey, _ texts: [String], _ origin: SettingOrigin) throws -> Set<Ed25519.PublicKey> {
        Set(
            try texts.map { text in
                guard let found = (try? PeerID(text: text))?.publicKey else {
                    throw CommandFailure(
                        .usage,
                        "\(key.rawValue) '\(text)' (\(origin)) is no peer id",
                        hint: "write it like 12D3Koo…, as 'rialto id' prints it"
                    )
                }
                return found
            }
        )
    }

    /// What a running node takes.
    var tuning: NodeTuning {
        var tuning = NodeTuning()
        tuning.banned = ban.value.compactMap { Ban($0, reason: "\(ban.origin)") }
        tuning.allowed = allow.value
        (tuning.connectionsLow, tuning.connectionsHigh) = (connectionsLow.value, connectionsHigh.value)
        return tuning
    }

    /// The keys whose values differ.
    func changes(from old: NodeSettings) -> [SettingKey] {
        SettingKey.allCases.filter { key in
            switch key {
            case .network: network.value != old.network.value
            case .listen: listen.value != old.listen.value
            case .bootstrap: bootstrap.value != old.bootstrap.value
            case .api: api.value != old.api.value
            case .dht: dht.value != old.dht.value
            case .mdns: mdns.value != old.mdns.value
            case .segments: segments.value != old.segments.value
            case .log: log.value != old.log.value
            case .logLevel: logLevel.value != old.logLevel.value
            case .ban: ban.value != old.ban.value
            case .allow: allow.value != old.allow.value
            case .connectionsLow: connectionsLow.value != old.connectionsLow.value
            case .connectionsHigh: connectionsHigh.value != old.connectionsHigh.value
            case .readyPeers: readyPeers.value != old.readyPeers.value
            case .auditors: auditors.value != old.auditors.value
            case .policy: policy.value != old.policy.value
            case .probe: probe.value != old.probe.value
            }
        }
    }
}
