internal import ArgumentParser

/// The command `rialto demo`.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "A whole market on this machine: five real nodes, three providers, one renter; then everything is cleaned up.",
        discussion: """
            The nodes speak the real protocols over loopback TCP, keep their state in a temporary directory, and stop after the \
            tour. Exit code 0 means that the renter saw every offer, a withdrawal and a provider's goodbye.

            Example: rialto demo
            """
    )

    @OptionGroup var options: GlobalOptions
    /// The tour takes about two seconds; what takes longer than this is broken.
    private static var patience: Duration { .seconds(30) }

    func run() async throws {
        let market = try DemoMarket(isJSON: options.json)
        let signals = StopSignals { market.cancel() }
        let guardian = Task {
            try await Task.sleep(for: Self.patience)
            market.cancel()
        }
        defer { guardian.cancel() }
        do {
            try await market.tour()
            await market.cleanUp()
        } catch {
            await market.cleanUp()
            throw error is CommandFailure ? error : CommandFailure(.failed, "the demo ended early: \(error)")
        }
        withExtendedLifetime(signals) {}
    }
}
