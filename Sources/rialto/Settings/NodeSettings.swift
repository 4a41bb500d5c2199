internal import Cryptography
internal import Foundation
internal import Identity
internal import LocalAPI
internal import Market
internal import Primitives
internal import Swarm

/// Where a value comes from, weakest last.
enum SettingOrigin: CustomStringConvertible {
    case flag(String)
    case environment(String)
    case file(String)
    case standard

    var description: String {
        switch self {
        case .flag(let name): "flag --\(name)"
        case .environment(let name): "environment \(name)"
        case .file(let path): "file \(path)"
        case .standard: "default"
        }
    }

    var isStandard: Bool { if case .standard = self { true } else { false } }
}

/// A value and where it comes from.
struct Setting<Value> {
    let value: Value
    let origin: SettingOrigin
}

extension Setting: Sendable where Value: Sendable {}

/// Everything that `up` can be told: flags, then the environment, then the file, then defaults.
struct NodeSettings: Sendable {
    static let standardPort: UInt16 = 4180

    let network: Setting<String>
    let listen: Setting<[Endpoint]>
    /// Those of the network's own file unless others are named.
    let bootstrap: Setting<[Multiaddr]>
    /// Whether the node finds peers by the distributed hash table, and by multicast DNS on the LAN.
    let dht: Setting<Bool>
    let mdns: Setting<Bool>
    /// Which part of the market the node follows; `nil` for all of it.
    let segments: Setting<Set<Segment>?>
    /// `nil` switches the TCP door of the API off.
    let api: Setting<Endpoint?>
    let log: Setting<LogFormat>
    private(set) var logLevel: Setting<LogLevel>
    private(set) var ban: Setting<[BanTarget]>
    private(set) var allow: Setting<[BanTarget]>
    private(set) var connectionsLow: Setting<Int>
    private(set) var connectionsHigh: Setting<Int>
    /// Outbound peers without which `/readyz` says no.
    private(set) var readyPeers: Setting<Int>
    /// What this node takes as a provider; the origin is the file's.
    private(set) var policy: Setting<ProviderPolicy>
    /// Whether the node looks for providers of its own accord, to attest that they answer.
    let probe: Setting<Bool>
    /// Whose attestations trust weighs.
    private(set) var auditors: Setting<Set<Ed25519.PublicKey>>

    static let standardReadyPeerCount = 4

    /// Reads the settings of a home directory; the flags are by key.
    static func read(home: String, configPath: String?, flags: [SettingKey: [String]]) throws -> NodeSettings {
        let path = configPath ?? home + "/" + HomeLocation.configName
        let file = try ConfigFile.read(path: path, isRequired: configPath != nil)
        return try NodeSettings(home: home) { key in
            if let texts = flags[key], !texts.isEmpty { return Setting(value: texts, origin: .flag(key.flag)) }
            if let text = ProcessInfo.processInfo.environment[key.variable], !text.isEmpty {
                let texts = text.split { $0 == "," || $0 == " " }.map(String.init)
                return Setting(value: texts, origin: .environment(key.variable))
            }
            return file[key].map { Setting(value: $0, origin: .file(path)) }
        }
    }

    private init(home: String, source: (SettingKey) -> Setting<[String]>?) throws {
        network = try Self.setting(.network, source, orElse: "main", Self.network)
        listen = try Self.setting(
            .listen,
            source,
            orElse: [
                Endpoint(address: IPAddress(0, 0, 0, 0), port: Self.standardPort),
                Endpoint(address: try Self.anyIPv6, port: Self.standardPort),
            ]
        ) { texts, _ in try texts.map(Self.listenEndpoint) }
        let named = try Self.setting(.bootstrap, source, orElse: []) { texts, _ in try texts.map(Self.bootstrap) }
        let shipped = named.origin.isStandard ? try NetworkFile.find(network.value, home: home) : nil
        bootstrap =
            shipped.flatMap { $0.seeds.isEmpty ? nil : Setting(value: $0.seeds, origin: .file($0.path)) } ?? named
        dht = try Self.setting(.dht, source, orElse: true) { try Self.toggle(.dht, $0, $1) }
        mdns = try Self.setting(.mdns, source, orElse: true) { try Self.toggle(.mdns, $0, $1) }
        segments = try Self.setting(.segments, source, orElse: nil, Self.segments)
        api = try Self.setting(.api, source, orElse: Endpoint(address: IPAddress(127, 0, 0, 1), port: 4181), Self.api)
        log = try Self.setting(.log, source, orElse: .text) { try Self.choice(.log, $0, $1) }
        logLevel = try Self.setting(.logLevel, source, orElse: .warning) { try Self.choice(.logLevel, $0, $1) }
        ban = try Self.setting(.ban, source, orElse: []) { try Self.targets(.ban, $0, $1) }
        allow = try Self.setting(.allow, source, orElse: []) { try Self.targets(.allow, $0, $1) }
        let marks = ConnectionTrimmingConfig()
        connectionsLow = try Self.setting(.connectionsLow, source, orElse: marks.lowWater) {
            try Self.count(.connectionsLow, $0, $1)
        }
        connectionsHigh = try Self.setting(.connectionsHigh, source, orElse: marks.highWater) {
            try Self.count(.connectionsHigh, $0, $1)
        }
        readyPeers = try Self.setting(.readyPeers, source, orElse: Self.standardReadyPeerCount) {
            try Self.count(.readyPeers, $0, $1)
        }
        policy = try Self.policy(source, home: home)
        probe = try Self.setting(.probe, source, orElse: true) { try Self.toggle(.probe, $0, $1) }
        auditors = try Self.setting(.auditors, source, orElse: []) { try Self.keys(.auditors, $0, $1) }
        guard connectionsLow.value <= connectionsHigh.value else {
            throw CommandFailure(
                .usage,
                "connections_low (\(connectionsLow.value)) is above connections_high (\(connectionsHigh.value))"
            )
        }
    }

    /// These settings with what a running node takes of the new ones.
    func taking(_ new: NodeSettings) -> NodeSettings {
        var taken = self
        (taken.logLevel, taken.readyPeers) = (new.logLevel, new.readyPeers)
        (taken.ban, taken.allow, taken.auditors) = (new.ban, new.allow, new.auditors)
        taken.policy = new.policy
        (taken.connectionsLow, taken.connectionsHigh) = (new.connectionsLow, new.connectionsHigh)
        return taken
    }

    private static func setting<Value>(
        _ key: SettingKey,
        _ source: (SettingKey) -> Setting<[String]>?,
        orElse standard: Value,
        _ read: ([String], SettingOrigin) throws -> Value
    ) throws -> Setting<Value> {
        guard let found = source(key) else { return Setting(value: standard, origin: .standard) }
        return Setting(value: try read(found.value, found.origin), origin: found.origin)
    }

    private static var anyIPv6: IPAddress {
        get throws {
            guard let address = IPAddress("::") else { throw CommandFailure(.failed, "'::' is no address") }
            return address
        }
    }

    private static func network(_ texts: [String], _ origin: SettingOrigin) throws -> String {
        guard texts.count == 1, let name = texts.first, NetworkName.isValid(name) else {
            throw CommandFailure(
                .usage,
                "network '\(texts.joined(separator: ","))' (\(origin)) is no name: 1 to 32 of a-z, 0-9 and -"
            )
        }
        return name
    }

    private static func listenEndpoint(_ text: String) throws -> Endpoint {
        guard let address = try? Multiaddr(text: text), let endpoint = address.tcpEndpoint else {
            throw CommandFailure(
                .usage,
                "'\(text)' is no address to listen on",
                hint: "write it like /ip4/0.0.0.0/tcp/4180 or /ip6/::/tcp/4180"
            )
        }
        return endpoint
    }

    static func bootstrap(_ text: String) throws -> Multiaddr {
        guard let address = try? Multiaddr(text: text), address.peerID != nil else {
            throw CommandFailure(
                .usage,
                "'\(text)' is no peer's address",
                hint: "copy what the other node prints behind 'listening': /ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…"
            )
        }
        return address
    }

    private static func api(_ texts: [String], _ origin: SettingOrigin) throws -> Endpoint? {
        if texts == ["off"] { return nil }
        guard texts.count == 1, let endpoint = texts.first.flatMap(Self.hostAndPort), endpoint.address.isLoopback else {
            throw CommandFailure(
                .usage,
                "api '\(texts.joined(separator: ","))' (\(origin)) is no loopback address with a port",
                hint: "write it like 127.0.0.1:4181, or off"
            )
        }
        return endpoint
    }

    private static func hostAndPort(_ text: String) -> Endpoint? {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            return nil
        }
        let host = text[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
        return IPAddress(host == "localhost" ? "127.0.0.1" : host).map { Endpoint(address: $0, port: port) }
    }
}
