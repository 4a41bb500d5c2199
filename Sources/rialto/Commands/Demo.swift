internal import ArgumentParser

/// The command `rialto demo`.
struct Demo: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract:
            "A whole market on this machine: five real nodes, three providers, one renter, one lease from the bid to the receipt.",
        discussion: """
            The nodes speak the real protocols over loopback TCP, keep their state in a temporary directory, and stop after the \
            tour. Exit code 0 means that the renter saw every offer, a withdrawal and a provider's goodbye, and that a lease was bid \
            for, awarded, signed, used, paid and countersigned.

            Example: rialto demo
            """
    )

    @OptionGroup var options: GlobalOptions
    /// The tour takes about five seconds; what takes longer than this is broken.
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
