internal import ArgumentParser
internal import Identity
internal import LocalAPI

/// The command `rialto config`.
struct Config: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the settings and where each comes from, or check them.",
        discussion: """
            Flags win over RIALTO_* variables, those over config.yaml in the home, that over the defaults. An unknown key is an \
            error. config.yaml:
              network: main
              listen: [/ip4/0.0.0.0/tcp/4180, /ip6/::/tcp/4180]
              bootstrap: [/ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…]
              api: 127.0.0.1:4181
            """,
        subcommands: [Show.self, Check.self],
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
            ]
            guard !options.json else {
                for row in rows { print(JSONFormat.text(row)) }
                return
            }
            var table = Table("KEY", "VALUE", "ORIGIN")
            for row in rows { table.add(row.key, row.value.joined(separator: " "), row.origin) }
            table.print()
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

    fileprivate static func read(_ options: GlobalOptions, _ path: String?) throws -> NodeSettings {
        let flags: [SettingKey: [String]] = [.network: options.network.map { [$0] } ?? []]
        return try NodeSettings.read(home: options.directory, configPath: path, flags: flags)
    }
}
