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

    private func requests(_ network: inout TestNetwork, _ node: TestNetwork.NodeIndex) -> [RequestStatus] {
        guard case .requests(let statuses)? = network.ask(node, .requests) else { return [] }
        return statuses
    }

    private func publish(_ lowest: Int64, on node: TestNetwork.NodeIndex, _ network: inout TestNetwork) {
        var draft = OfferDraft.rtx4090()
        draft.terms.price.lowestBidMicros = lowest
        _ = network.ask(node, .publishOffer(draft))
    }

    private static func draft(isAutomatic: Bool = false) -> RequestDraft {
        var draft = RequestDraft(
            alternatives: [.init(marketClass: .nvidiaConsumer, catalogueIDs: ["rtx-4090"], count: 1)],
            totalMicrosMax: 1_400_000,
            durationSeconds: 4 * 3_600,
            openMilliseconds: 60_000,
            terms: LeaseTerms(image: "test")
        )
        (draft.hasPublicBids, draft.isAutomatic) = (true, isAutomatic)
        return draft
    }

    @Test(arguments: [41, 42, 43])
    func `providers underbid each other until one leaves`(seed: UInt64) throws {
        var (network, nodes) = TestNetwork.star(count: 4, seed: seed)
        publish(300_000, on: nodes[1], &network)
        publish(250_000, on: nodes[2], &network)
        network.run(for: .seconds(2))
        guard case .statement? = network.ask(nodes[3], .publishRequest(Self.draft())) else {
            Issue.record("no request was published")
            return
        }
        network.run(for: .seconds(10))
        let status = try #require(requests(&network, nodes[3]).first)
        #expect(status.outcome == .open && status.candidates.count == 2)
        let prices = status.candidates.map(\.body.gpuHourMicros)
        #expect(prices[0] <= 300_000 && prices[0] >= 250_000 && prices[1] >= 300_000 && prices[1] <= 350_000)
        #expect(status.candidates[0].record.author == TestNetwork.identity(of: nodes[2]).publicKey)
        // Nobody accepts: it lapses, ten minutes behind its deadline.
        network.run(for: .seconds(12 * 60))
        #expect(requests(&network, nodes[3]).first?.outcome == .failed)
        network.node(nodes[3])?.checkInvariants(at: network.now)
    }

    @Test func `a request that is open is remembered over a restart`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 44)
        publish(300_000, on: nodes[1], &network)
        network.run(for: .seconds(2))
        _ = network.ask(nodes[2], .publishRequest(Self.draft()))
        network.run(for: .seconds(5))
        network.kill(nodes[2])
        network.start(nodes[2], seeds: [network.address(nodes[0])])
        network.run(for: .seconds(20))
        let status = try #require(requests(&network, nodes[2]).first)
        #expect(status.outcome == .open && status.candidates.count == 1 && !status.isAutomatic)
        guard case .done? = network.ask(nodes[2], .withdrawRequest(status.request)) else {
            Issue.record("it was not withdrawn")
            return
        }
        network.run(for: .seconds(2))
        #expect(statements(&network, nodes[0]).requests.isEmpty)
    }
}
