/// The keys of `config.yaml`; each is, in capitals behind `RIALTO_`, an environment variable, and some are flags of `up`.
enum SettingKey: String, CaseIterable {
    case network, listen, bootstrap, api
    case dht, mdns, segments
    case log
    case logLevel = "log_level"
    case ban, allow
    case connectionsLow = "connections_low"
    case connectionsHigh = "connections_high"
    case readyPeers = "ready_peers"
    case auditors
    case policy, probe

    var variable: String { "RIALTO_" + rawValue.uppercased() }

    var flag: String { rawValue.split(separator: "_").joined(separator: "-") }

    /// Whether a running node takes a new value.
    var isLive: Bool {
        switch self {
        case .network, .listen, .bootstrap, .api, .dht, .mdns, .segments, .log, .probe: false
        case .logLevel, .ban, .allow, .connectionsLow, .connectionsHigh, .readyPeers, .auditors, .policy: true
        }
    }
}

/// Variables that begin like ours and are none of ours.
enum UnknownVariables {
    static let homeVariable = "RIALTO_HOME"

    /// A sentence for each, with the nearest name that there is.
    static func warnings(in environment: [String: String]) -> [String] {
        let known = [homeVariable] + SettingKey.allCases.map(\.variable)
        return environment.keys.filter { $0.hasPrefix("RIALTO_") && !known.contains($0) }.sorted().map { name in
            let nearest = Spelling.nearest(to: name, among: known).map { "; did you mean \($0)?" }
            return "the variable \(name) means nothing"
                + (nearest ?? "; the variables are \(known.joined(separator: ", "))")
        }
    }
}
