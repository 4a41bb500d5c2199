internal import ArgumentParser
internal import LocalAPI

/// The command `rialto attest`.
struct Attest: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for a provider now, and sign what this node knows of it for the market to read.",
        discussion: """
            An attestation of uptime says which share of this node's probes a provider answered; a probe is a connection. If you have \
            rented from it, one of outcome says how your leases went, with the receipts' ids. Both are signed by this node and gossiped; \
            others weigh them if you are one of their auditors. A node probes a few providers every ten minutes by itself and says so once \
            a day.

            Examples:
              rialto attest 12D3Koo…
              rialto trust 12D3Koo…        # shows what is attested of it, and by whom
            """
    )

    @OptionGroup var options: GlobalOptions

    @Argument(help: "The provider's peer id, as searches show it in front of the offer's.")
    var peer: String

    func run() async throws {
        let words = try await options.client.send(
            "POST",
            "/v1/attest/\(peer)",
            body: AttestRequest(),
            expecting: [AttestationView].self
        )
        for word in words { print(options.json ? JSONFormat.text(word) : AttestationText.line(word)) }
    }
}
