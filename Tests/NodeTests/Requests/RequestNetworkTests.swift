import Cryptography
import Identity
import Market
import Node
import Primitives
import TestSupport
import Testing

@Suite struct `Requests between nodes` {
    private func statements(_ network: inout TestNetwork, _ node: TestNetwork.NodeIndex) -> MarketStatements {
        guard case .snapshot(let snapshot)? = network.ask(node, .snapshot) else { return MarketStatements() }
        return snapshot.statements
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

    private static func draft(isAutomatic: Bool = false, isPublic: Bool = true) -> RequestDraft {
        var draft = RequestDraft(
            alternatives: [.init(marketClass: .nvidiaConsumer, catalogueIDs: ["rtx-4090"], count: 1)],
            totalMicrosMax: 1_400_000,
            durationSeconds: 4 * 3_600,
            openMilliseconds: 60_000,
            terms: LeaseTerms(image: "test")
        )
        (draft.hasPublicBids, draft.isAutomatic) = (isPublic, isAutomatic)
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

    @Test func `that is being accepted cannot be withdrawn: a lease may have come of it`() throws {
        var (network, nodes) = TestNetwork.star(count: 3, seed: 45)
        publish(300_000, on: nodes[1], &network)
        network.run(for: .seconds(2))
        _ = network.ask(nodes[2], .publishRequest(Self.draft()))
        network.run(for: .seconds(15))
        let status = try #require(requests(&network, nodes[2]).first)
        #expect(status.candidates.count == 1)
        _ = network.command(nodes[2], .acceptRequest(status.request, nil))
        guard case .failed(.busy)? = network.ask(nodes[2], .withdrawRequest(status.request)) else {
            Issue.record("withdrawn under the bid that accepts it")
            return
        }
        network.run(for: .seconds(5))
        guard case .leased? = requests(&network, nodes[2]).first?.outcome else {
            Issue.record("no lease came of it")
            return
        }
    }

    /// A market of a hub, two providers who take less than they ask, and a renter; the renter's request is out.
    private func privateRequest(
        isAutomatic: Bool,
        seed: UInt64
    ) throws -> (TestNetwork, [TestNetwork.NodeIndex], RequestID) {
        var (network, nodes) = TestNetwork.star(count: 4, seed: seed)
        publish(300_000, on: nodes[1], &network)
        publish(250_000, on: nodes[2], &network)
        network.run(for: .seconds(2))
        let draft = Self.draft(isAutomatic: isAutomatic, isPublic: false)
        guard case .statement(let record)? = network.ask(nodes[3], .publishRequest(draft)),
            case .request(let body) = record.record.body
        else { throw TestNetwork.NotPublished(answer: "no request") }
        return (network, nodes, body.request)
    }

    @Test(arguments: [51, 52, 53])
    func `private bids reach the renter alone, and the best is a lease at the deadline`(seed: UInt64) throws {
        var (network, nodes, request) = try privateRequest(isAutomatic: true, seed: seed)
        // Who bids must know where the renter is; the hub is all that these have in common.
        for node in nodes[1...2] { _ = network.ask(node, .connect([network.address(nodes[3])])) }
        network.run(for: .seconds(20))
        let open = try #require(requests(&network, nodes[3]).first)
        #expect(open.outcome == .open && open.candidates.map(\.body.gpuHourMicros) == [250_000, 300_000])
        for node in nodes { #expect(statements(&network, node).bids.isEmpty, "seed \(seed): somebody else heard") }
        network.run(for: .seconds(60))
        let over = try #require(requests(&network, nodes[3]).first)
        guard case .leased(let lease) = over.outcome, over.request == request else {
            Issue.record("seed \(seed): \(over.outcome)")
            return
        }
        guard case .leases(let held)? = network.ask(nodes[2], .leases) else { return }
        #expect(held.map(\.lease) == [lease] && held.first?.body.price.gpuHourMicros == 250_000)
        for node in nodes { network.node(node)?.checkInvariants(at: network.now) }
    }

    @Test func `a private bid is said until it is heard, and again to a renter that was restarted`() throws {
        var (network, nodes, _) = try privateRequest(isAutomatic: false, seed: 54)
        network.run(for: .seconds(5))
        #expect(requests(&network, nodes[3]).first?.candidates.isEmpty == true, "nobody knows where the renter is")
        for node in nodes[1...2] { _ = network.ask(node, .connect([network.address(nodes[3])])) }
        network.run(for: .seconds(3))
        #expect(requests(&network, nodes[3]).first?.candidates.count == 2)
        network.kill(nodes[3])
        network.start(nodes[3], seeds: [network.address(nodes[0])])
        network.run(for: .seconds(5))
        for node in nodes[1...2] { _ = network.ask(node, .connect([network.address(nodes[3])])) }
        network.run(for: .seconds(5))
        #expect(requests(&network, nodes[3]).first?.candidates.count == 2)
    }

    @Test(arguments: [57, 58, 59]) func `no bid names what was let a moment ago, of which the market has not heard yet`(
        seed: UInt64
    ) throws {
        var (network, nodes) = TestNetwork.star(count: 4, seed: seed)
        publish(250_000, on: nodes[1], &network)
        publish(300_000, on: nodes[1], &network)
        network.run(for: .seconds(2))
        let (provider, renter, other) = (nodes[1], nodes[2], nodes[3])
        for node in [renter, other] { _ = network.ask(provider, .connect([network.address(node)])) }
        let offers = network.node(renter)?.marketListings ?? []
        let cheap = try #require(offers.first { $0.offer.price.lowestBidMicros == 250_000 })
        let dear = try #require(offers.first { $0.offer.price.lowestBidMicros == 300_000 })
        var wish = BidWish(
            offer: cheap.id,
            count: 1,
            gpuHourMicros: nil,
            durationSeconds: 3_600,
            terms: LeaseTerms(image: "test")
        )
        wish.unit = "USD"
        network.command(renter, .placeBid(wish, waits: false))
        while !network.hasStarted(aLeaseOn: provider) { network.run(for: .milliseconds(1)) }
        guard case .statement? = network.ask(other, .publishRequest(Self.draft(isPublic: false))) else {
            Issue.record("no request was published")
            return
        }
        #expect(network.listing(of: cheap.record, at: other)?.offer.freeSlots == [0], "not heard yet")
        network.run(for: .seconds(20))
        let status = try #require(requests(&network, other).first)
        #expect(status.candidates.map(\.body.offer) == [dear.offer.offer], "seed \(seed)")
        #expect(status.candidates.map(\.shortfall) == [nil])
    }

    @Test(arguments: 0..<8) func `a renter that is killed while it accepts a bid has one lease at most`(
        step: Int
    ) throws {
        var (network, nodes) = TestNetwork.star(count: 4, seed: UInt64(60 + step))
        publish(300_000, on: nodes[1], &network)
        publish(250_000, on: nodes[2], &network)
        network.run(for: .seconds(2))
        _ = network.ask(nodes[3], .publishRequest(Self.draft(isAutomatic: true)))
        guard let deadline = requests(&network, nodes[3]).first?.deadline else {
            Issue.record("no request")
            return
        }
        // From just before the choice to behind the lease.
        network.run(for: .milliseconds(deadline - network.unixMilliseconds + Int64(step * 12)))
        network.kill(nodes[3])
        network.start(nodes[3], seeds: [network.address(nodes[0])])
        for node in nodes[1...2] { _ = network.ask(nodes[3], .connect([network.address(node)])) }
        network.run(for: .seconds(12 * 60))
        var leases = 0
        for node in nodes[1...2] {
            if case .leases(let held)? = network.ask(node, .leases) { leases += held.count }
        }
        #expect(leases <= 1, "step \(step): paid twice")
        #expect(requests(&network, nodes[3]).allSatisfy { $0.outcome != .open })
        network.node(nodes[3])?.checkInvariants(at: network.now)
    }
}
