import Cryptography
import Identity
import Market
import Node
import Primitives
import TestSupport
import Testing

@Suite struct `What a node states besides its offers` {
    private func statements(_ network: inout TestNetwork, _ node: TestNetwork.NodeIndex) -> MarketStatements {
        guard case .snapshot(let snapshot)? = network.ask(node, .snapshot) else { return MarketStatements() }
        return snapshot.statements
    }

    private func attestation(_ answer: NodeAnswer?) -> AttestationBody? {
        guard case .statement(let record)? = answer, case .attestation(let body) = record.record.body else {
            return nil
        }
        return body
    }

    @Test func `an attestation says that a provider answered, and reaches everybody`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 31)
        let offer = try network.publish(on: nodes[1])
        #expect(network.run(atMost: .seconds(2)) { $0.sees(nodes[2], offer) })
        let body = try #require(attestation(network.ask(nodes[2], .attest(offer.author))))
        #expect(body.provider == offer.author && body.kind == .uptime && body.method == "probe/1")
        #expect(body.valueMicros == 1_000_000 && body.unit == "ratio")
        network.run(for: .seconds(2))
        for node in nodes {
            let held = statements(&network, node).attestations
            #expect(held.map(\.attester) == [TestNetwork.identity(of: nodes[2]).publicKey])
        }
        // A second look counts with the first.
        network.kill(nodes[1])
        network.run(for: .seconds(30))
        let second = try #require(attestation(network.ask(nodes[2], .attest(offer.author))))
        #expect(second.valueMicros == 500_000)
        let stranger = TestNetwork.identity(of: nodes[0]).publicKey
        guard case .failed(.unknownOffer)? = network.ask(nodes[2], .attest(stranger)) else {
            Issue.record("who offers nothing is no provider")
            return
        }
    }
}
