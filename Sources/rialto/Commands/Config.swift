internal import ArgumentParser
internal import Foundation
internal import Identity
internal import LocalAPI
internal import Market
internal import Swarm

/// The command `rialto config`.
struct Config: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the settings and where each comes from, or check them.",
        discussion: """
            Flags win over RIALTO_* variables, those over config.yaml in the home, that over the defaults; without bootstrap the \
            seeds of networks/<network>.yaml are used, in the home or shipped with the program. An unknown key is an error. \
            config.yaml:
              network: main
              listen: [/ip4/0.0.0.0/tcp/4180, /ip6/::/tcp/4180]
              bootstrap: [/ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…]
              api: 127.0.0.1:4181
              dht: on                      # find peers by the distributed hash table
              mdns: on                     # tell this LAN of the node, and find others on it
              log: text                    # or json
              log_level: warning           # debug, info, warning, error
              ban: [203.0.113.0/24]        # beside those of 'rialto ban'
              allow: [198.51.100.7]        # whom no ban meets
              connections_low: 96          # down to so many a trim goes
              connections_high: 160        # above so many it happens
              ready_peers: 4               # outbound peers without which /readyz says no
              auditors: [12D3Koo…]         # whose attestations 'trust' weighs
              policy: /etc/rialto/policy   # what a provider takes (default: policy.yaml in the home)
              probe: on                    # look for a few providers now and then, and attest it
            log_level and all below it but probe are read anew by SIGHUP and 'rialto config reload'; so is policy.yaml:
              floor: [0.25 USD, 300 sat]   # bids below it are refused, for one GPU and one hour
              exposure: 1.50               # what a renter may owe before its lease stops
              blocked: [12D3Koo…]          # with whom this node makes no leases
              runtimes: [docker]           # what the machines of new offers can run
              award: best 30s              # compare the bids of thirty seconds, or: first
              hold: 10s                    # how long GPUs are held for an award; meter and cooling_down likewise
              bid_on_requests: true        # answer renters' requests with bids
              await_ready: false           # whether leases begin with 'rialto lease ready'
              lease_started: [/usr/local/bin/start-container]
              lease_ended: [/usr/local/bin/stop-container, --now]
              settlement: credit           # how leases of new offers are settled: credit, manual or exec
              settle: [/usr/local/bin/settle]      # called once a lease of exec is over, by either party's node
              hook_timeout: 60s            # a hook gets the lease and its opened terms as JSON on standard input
            lease_started is called again for each running lease when the node starts, lease_ended for what ended in the last two hours: \
            a program must not mind what it has done already.
            The program of 'settle' gets the lease, its last voucher and the amount as JSON, and in RIALTO_SETTLEMENT a key. It exits with \
            0 and prints what the rail calls the payment. It is called again with the same key until it has done so, also after a crash: \
            it must pay each key once, and say the same again.
            """,
        subcommands: [Show.self, Check.self, Reload.self],
        defaultSubcommand: Show.self
    )

    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show every setting with its origin.")
        @OptionGroup var options: GlobalOptions

        @Option(help: ArgumentHelp("A settings file instead of config.yaml in the home.", valueName: "file"))
        var config: String?

        func run() throws {
            let settings = try Config.read(options, config)
            let rows = [
                Row(
                    key: "home",
                    value: [options.directory],
                    origin: options.home == nil ? "RIALTO_HOME or default" : "flag --home"
                ),
                Row(.network, settings.network) { [$0] },
                Row(.listen, settings.listen) { $0.map { Multiaddr(endpoint: $0).description } },
                Row(.bootstrap, settings.bootstrap) { $0.map(\.description) },
                Row(.api, settings.api) { [$0.map { "\($0)" } ?? "off"] },
                Row(.dht, settings.dht) { [$0 ? "on" : "off"] },
                Row(.mdns, settings.mdns) { [$0 ? "on" : "off"] },
                Row(.segments, settings.segments) { Self.text($0) },
                Row(.log, settings.log) { [$0.rawValue] },
                Row(.logLevel, settings.logLevel) { [$0.rawValue] },
                Row(.ban, settings.ban) { $0.map(\.description) },
                Row(.allow, settings.allow) { $0.map(\.description) },
                Row(.connectionsLow, settings.connectionsLow) { ["\($0)"] },
                Row(.connectionsHigh, settings.connectionsHigh) { ["\($0)"] },
                Row(.readyPeers, settings.readyPeers) { ["\($0)"] },
                Row(.policy, settings.policy) { [$0 == ProviderPolicy() ? "defaults" : "read"] },
                Row(.probe, settings.probe) { [$0 ? "on" : "off"] },
                Row(.auditors, settings.auditors) { $0.map { PeerID(publicKey: $0).description }.sorted() },
            ]
            guard !options.json else {
                for row in rows { print(JSONFormat.text(row)) }
                return
            }
            var table = Table("KEY", "VALUE", "ORIGIN")
            for row in rows { table.add(row.key, row.value.joined(separator: " "), row.origin) }
            table.print()
        }

        private static func text(_ segments: Set<Segment>?) -> [String] {
            guard let segments else { return ["all"] }
            return segments.isEmpty ? ["auto"] : segments.sorted().map(\.name)
        }

        private struct Row: Encodable {
            let key: String
            let value: [String]
            let origin: String

            init(key: String, value: [String], origin: String) {
                (self.key, self.value, self.origin) = (key, value, origin)
            }

            init<Value>(_ key: SettingKey, _ setting: Setting<Value>, text: (Value) -> [String]) {
                self.init(key: key.rawValue, value: text(setting.value), origin: "\(setting.origin)")
            }
        }
    }

    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Say whether the settings make sense.")
        @OptionGroup var options: GlobalOptions

        @Option(help: ArgumentHelp("A settings file instead of config.yaml in the home.", valueName: "file"))
        var config: String?

        func run() throws {
            _ = try Config.read(options, config)
            print(options.json ? JSONFormat.text(Outcome()) : "the settings are good")
        }
    }

    struct Reload: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let the running node read its settings anew; says what waits for a restart."
        )
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let view = try await options.client.send("POST", "/v1/reload", expecting: ReloadView.self)
            guard !options.json else { return print(JSONFormat.text(view)) }
            print(view.changed.isEmpty ? "nothing has changed" : "changed: \(view.changed.joined(separator: " "))")
            guard !view.needsRestart.isEmpty else { return }
            print("these wait for a restart: \(view.needsRestart.joined(separator: " "))")
        }
    }

    fileprivate static func read(_ options: GlobalOptions, _ path: String?) throws -> NodeSettings {
        for warning in UnknownVariables.warnings(in: ProcessInfo.processInfo.environment) {
            Terminal.complain("warning: \(warning)")
        }
        let flags: [SettingKey: [String]] = [.network: options.network.map { [$0] } ?? []]
        return try NodeSettings.read(home: options.directory, configPath: path, flags: flags)
    }
}
