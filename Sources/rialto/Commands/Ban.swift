internal import ArgumentParser
internal import LocalAPI

/// The command `rialto ban`.
struct BanCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ban",
        abstract: "Shut out peers and networks, and let them in again.",
        discussion: """
            A ban holds at once: connections are closed, none is read or dialled. What a banned peer has signed goes from the \
            book and from searches, and is taken from nobody; a network's ban says nothing of authors. The node keeps bans \
            across restarts. They come from you alone, never from the network; 'allow' in config.yaml names whom no ban meets, \
            and 'ban' there lists bans beside these.

            Examples:
              rialto ban add 203.0.113.7
              rialto ban add 203.0.113.0/24 --for 24h --reason 'floods'
              rialto ban add 12D3Koo…
              rialto ban list
              rialto ban del 203.0.113.7
            """,
        subcommands: [Add.self, Delete.self, List.self],
        defaultSubcommand: List.self
    )

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Ban a peer id, an address or a network.")
        @OptionGroup var options: GlobalOptions

        @Argument(help: "A peer id, an address, or a network such as 203.0.113.0/24.")
        var target: String

        @Option(
            name: .customLong("for"),
            help: ArgumentHelp("How long, such as 24h; for ever without.", valueName: "span")
        )
        var span: String?

        @Option(help: "A line that says why, for the list.")
        var reason: String?

        func run() async throws {
            var request = BanRequest(target: target, reason: reason)
            if let span {
                guard let seconds = Amounts.seconds(span), seconds > 0 else {
                    throw CommandFailure(.usage, "--for '\(span)' is no span of time", hint: "write 30m, 24h or 7d")
                }
                request = BanRequest(target: target, seconds: seconds, reason: reason)
            }
            let ban = try await options.client.send("POST", "/v1/bans", body: request, expecting: BanView.self)
            print(options.json ? JSONFormat.text(ban) : "banned \(ban.target)")
        }
    }

    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "del",
            abstract: "Lift a ban that 'ban add' made.",
            aliases: ["delete", "remove"]
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The peer id, address or network, as the list shows it.")
        var target: String

        func run() async throws {
            _ = try await options.client.send("DELETE", "/v1/bans/\(target)", expecting: Outcome.self)
            print(options.json ? JSONFormat.text(Outcome()) : "lifted \(target)")
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List the bans in force.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let bans = try await options.client.send("GET", "/v1/bans", expecting: [BanView].self)
            guard !options.json else {
                for ban in bans { print(JSONFormat.text(ban)) }
                return
            }
            guard !bans.isEmpty else { return print("no bans") }
            var table = Table("TARGET", "LEFT", "ORIGIN", "REASON")
            let now = ShellClock.unixMilliseconds
            for ban in bans {
                let left = ban.untilUnixMs.map { Amounts.age(seconds: max(0, $0 - now) / 1_000) } ?? "for ever"
                table.add(ban.target, left, ban.origin, ban.reason)
            }
            table.print()
        }
    }
}
