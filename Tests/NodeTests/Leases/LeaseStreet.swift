import Cryptography
import Identity
import Market
import Node
import Primitives
import TestSupport
import Testing

/// A provider and a renter that know each other, with an offer between them.
struct LeaseStreet {
    var network: TestNetwork
    let provider: TestNetwork.NodeIndex
    let renter: TestNetwork.NodeIndex
    private(set) var offer: SignedRecord

    init(
        seed: UInt64,
        gpus: Int = 1,
        policy: LeasePolicy = LeasePolicy(),
        terms change: (inout OfferTerms) -> Void = { _ in }
    ) throws {
        network = TestNetwork(seed: seed)
        provider = network.addNode { $0.leases = policy }
        renter = network.addNode(seeds: [network.address(provider)])
        let (one, other) = (provider, renter)
        #expect(network.run(atMost: .seconds(30)) { $0.isConnected(one, other) })
        network.run(for: .seconds(8))
        var terms = OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 360_000))
        terms.durationMinSeconds = 60
        change(&terms)
        let device = DeviceDraft(catalogueID: "rtx-4090", marketClass: .nvidiaConsumer, memoryMebibytes: 24_576)
        let draft = OfferDraft(devices: Array(repeating: device, count: gpus), terms: terms)
        guard case .offer(let record)? = network.ask(provider, .publishOffer(draft)) else {
            throw TestNetwork.NotPublished(answer: "no offer")
        }
        offer = record
        let published = record
        #expect(network.run(atMost: .seconds(30)) { $0.sees(other, published) })
    }

    /// What a renter wishes of the offer.
    func wish(count: Int = 1, price: Int64? = nil, seconds: Int = 600) throws -> BidWish {
        guard case .offer(let body) = offer.record.body else { throw TestNetwork.NotPublished(answer: "no offer") }
        return BidWish(
            offer: ListingID(provider: offer.author, offer: body.offer),
            count: count,
            gpuHourMicros: price,
            durationSeconds: seconds,
            terms: LeaseTerms(image: "pytorch:2", environment: ["A=b"])
        )
    }

    /// Bids and waits for what becomes of it.
    mutating func bid(_ wish: BidWish, by node: TestNetwork.NodeIndex? = nil) throws -> BidStatus {
        guard case .bid(let status)? = network.ask(node ?? renter, .placeBid(wish, waits: true), within: .seconds(120))
        else { throw TestNetwork.NotPublished(answer: "no answer to a bid") }
        return status
    }

    mutating func lease(_ wish: BidWish) throws -> LeaseID {
        let status = try bid(wish)
        guard case .leased(let lease) = status.outcome else {
            throw TestNetwork.NotPublished(answer: "\(status.outcome)")
        }
        return lease
    }

    mutating func leases(of node: TestNetwork.NodeIndex) -> [LeaseSummary] {
        guard case .leases(let leases)? = network.ask(node, .leases) else { return [] }
        return leases
    }

    /// The lease as a node shows it.
    mutating func held(_ id: LeaseID, by node: TestNetwork.NodeIndex) throws -> LeaseSummary {
        let lease = lease(id, of: node)
        return try #require(lease)
    }

    mutating func balance(of node: TestNetwork.NodeIndex) throws -> CreditBalance {
        let balance = credit(of: node).first
        return try #require(balance)
    }

    mutating func lease(_ id: LeaseID, of node: TestNetwork.NodeIndex) -> LeaseSummary? {
        leases(of: node).first { $0.lease == id }
    }

    mutating func credit(of node: TestNetwork.NodeIndex) -> [CreditBalance] {
        guard case .credit(let balances)? = network.ask(node, .credit) else { return [] }
        return balances
    }

    /// Ends a life as kill −9 does and begins the next from a backup.
    mutating func restore(_ node: TestNetwork.NodeIndex, from backup: TestStore) {
        network.kill(node)
        network.restore(node, from: backup)
        begin(node)
    }

    /// Ends a life as kill −9 does and begins the next.
    mutating func crash(_ node: TestNetwork.NodeIndex, policy: LeasePolicy = LeasePolicy()) {
        network.kill(node)
        begin(node, policy: policy)
    }

    private mutating func begin(_ node: TestNetwork.NodeIndex, policy: LeasePolicy = LeasePolicy()) {
        if node == provider {
            network.start(node) { $0.leases = policy }
        } else {
            network.start(node, seeds: [network.address(provider)])
        }
    }
}
