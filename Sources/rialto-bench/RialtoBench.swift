import ArgumentParser

/// The program's measurements: how fast, and for how long.
@main
struct RialtoBench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rialto-bench",
        abstract: "Measures Rialto: its libp2p stack beside go-libp2p's, and a market of real nodes over hours.",
        subcommands: [Compare.self, Soak.self],
        defaultSubcommand: Compare.self
    )
}
