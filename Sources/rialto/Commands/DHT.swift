internal import ArgumentParser
internal import LocalAPI
internal import Primitives

/// The command `rialto dht`.
struct DHT: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dht",
        abstract: "Look into the distributed hash table by which nodes find each other.",
        discussion: """
            Every node remembers a few hundred others, many near its own key and some of every distance; whoever is asked names \
            nearer ones. A key is a peer id, or any text, which stands for its SHA-256. What you provide is said again as long as \
            the node runs.

            Examples:
              rialto dht
              rialto dht find-peer 12D3Koo…
              rialto dht storefront 12D3Koo…
              rialto dht closest 'my model'
              rialto dht provide 'my model'
              rialto dht providers 'my model'
            """,
        subcommands: [Show.self, FindPeer.self, Storefront.self, Closest.self, Provide.self, Providers.self],
        defaultSubcommand: Show.self
    )

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show this node's part in the table.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let table = try await options.client.send("GET", "/v1/dht", expecting: TableView.self)
            guard !options.json else { return print(JSONFormat.text(table)) }
            print("mode     \(table.mode)")
            print("servers  \(table.servers)")
            print("records  \(table.records)")
        }
    }

    struct FindPeer: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find the addresses of a peer.",
            discussion: "Example: rialto dht find-peer 12D3Koo…"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "Its peer id.")
        var peer: String

        func run() async throws {
            let path = "/v1/dht/peers/\(peer)"
            let found = try await options.client.send("GET", path, expecting: FoundPeerView.self)
            guard !options.json else { return print(JSONFormat.text(found)) }
            for address in found.addresses { print(Table.harmless(address)) }
        }
    }

    struct Storefront: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show where a provider is and what it has, without asking it.",
            discussion: "Example: rialto dht storefront 12D3Koo…"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "Its peer id.")
        var peer: String

        func run() async throws {
            let path = "/v1/dht/storefronts/\(peer)"
            let found = try await options.client.send("GET", path, expecting: StorefrontView.self)
            guard !options.json else { return print(JSONFormat.text(found)) }
            for segment in found.segments { print("offers in \(segment)") }
            for address in found.addresses { print("reached at \(address)") }
        }
    }

    struct Closest: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the servers nearest to a key, the nearest first.",
            discussion: "Example: rialto dht closest 'my model'"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "A text, or a peer id.")
        var key: String

        func run() async throws { try await DHT.list("/v1/dht/closest", key, options) }
    }

    struct Provide: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that this node provides a key.",
            discussion: "Example: rialto dht provide 'my model'"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "A text, or a peer id.")
        var key: String

        func run() async throws {
            let request = ProvideRequest(key: key)
            let path = "/v1/dht/provided"
            let provided = try await options.client.send("POST", path, body: request, expecting: ProvidedView.self)
            print(
                options.json
                    ? JSONFormat.text(provided)
                    : provided.holders == 1 ? "1 peer remembers it" : "\(provided.holders.counted("peer")) remember it"
            )
        }
    }

    struct Providers: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List who provides a key; those whom most peers name come first.",
            discussion: "Example: rialto dht providers 'my model'"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "A text, or a peer id.")
        var key: String

        func run() async throws { try await DHT.list("/v1/dht/providers", key, options) }
    }

    private static func list(_ path: String, _ key: String, _ options: GlobalOptions) async throws {
        let found = try await options.client.send("GET", path, query: ["key": key], expecting: [FoundPeerView].self)
        guard !options.json else {
            for peer in found { print(JSONFormat.text(peer)) }
            return
        }
        var table = Table("PEER", "ADDRESS")
        for peer in found { table.add(peer.peer, peer.addresses.first ?? "-") }
        table.print()
    }
}
