internal import ArgumentParser
internal import LocalAPI

/// The command `rialto trust`.
struct Trust: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say how far this node trusts a peer, and why.",
        discussion: """
            There is no global score: every node computes its own. What counts are leases that were paid and countersigned. Your own \
            count first; others' count as far as random walks from you, over who paid whom and was content, reach them. A thousand \
            identities that trade among themselves are reached by no walk. A proof of double-booking leaves nothing. Whoever is new \
            begins at 0.3, with a wide margin.

            Attestations are shown with how far you trust the attester; those of your auditors (auditors: in config.yaml) count.

            Examples:
              rialto trust 12D3Koo…
              rialto search 'gpu=rtx-4090 trust>=0.5' --sort trust
            """
    )

    @OptionGroup var options: GlobalOptions

    @Argument(help: "A peer id, as searches show it in front of the offer's.")
    var peer: String

    func run() async throws {
        let view = try await options.client.send("GET", "/v1/trust/\(peer)", expecting: TrustView.self)
        guard !options.json else { return print(JSONFormat.text(view)) }
        print("trust \(Amounts.share(view.trust)) ± \(Amounts.share(view.width))  (\(view.summary))")
        for reason in view.reasons { print("  \(reason)") }
        for proof in view.proofs { print("  proof \(proof): rialto record show \(proof.prefix(12))") }
        guard !view.attestations.isEmpty else { return }
        print("attestations:")
        for word in view.attestations { print("  \(AttestationText.line(word))") }
    }
}

/// Attestations as people read them.
enum AttestationText {
    static func line(_ word: AttestationView) -> String {
        let trust = word.attesterTrust.map { ", whom you trust \(Amounts.share($0))" } ?? ""
        let share =
            word.unit == "ratio" ? percent(word.valueMicros) : "\(Amounts.text(micros: word.valueMicros)) \(word.unit)"
        return Table.harmless("\(word.kind): \(word.metric) \(share) (\(word.method)), says \(word.attester)\(trust)")
    }

    /// Tenths of percents.
    static func percent(_ millionths: Int64) -> String {
        let tenths = millionths / 1_000
        return "\(tenths / 10).\(tenths % 10) %"
    }
}
