import Identity
import Market
import Node
import Primitives
import TestSupport
import Testing

extension TestNetwork {
    /// Nodes that all know the first one, connected and with their meshes grown.
    static func star(
        count: Int,
        seed: UInt64,
        dialLossPercent: Int = 0,
        configure: (inout NodeConfig) -> Void = { _ in }
    ) -> (TestNetwork, [NodeIndex]) {
        var network = TestNetwork(seed: seed)
        network.dialLossPercent = dialLossPercent
        let hub = network.addNode(configure: configure)
        let others = (1..<count).map { _ in network.addNode(seeds: [network.address(hub)], configure: configure) }
        let isWhole = network.run(atMost: .seconds(120)) { network in
            others.allSatisfy { network.isConnected($0, hub) }
        }
        #expect(isWhole, "seed \(seed)")
        network.run(for: .seconds(3))
        return (network, [hub] + others)
    }

    mutating func publish(on node: NodeIndex) throws -> SignedRecord {
        let answer = ask(node, .publishOffer(.rtx4090()))
        guard case .offer(let record)? = answer else { throw NotPublished(answer: String(describing: answer)) }
        return record
    }

    struct NotPublished: Error {
        let answer: String
    }

    func isConnected(_ one: NodeIndex, _ other: NodeIndex) -> Bool {
        node(one)?.isConnected(to: peer(other)) ?? false
    }

    func readyCount(of node: NodeIndex) -> Int {
        events.count { if case .ready = $0.event { $0.node == node } else { false } }
    }

    func body(of offer: SignedRecord) -> OfferBody? {
        if case .offer(let body) = offer.record.body { body } else { nil }
    }

    func listing(of offer: SignedRecord, at node: NodeIndex) -> Listing? {
        self.node(node)?.marketListings.first {
            $0.provider == offer.author && $0.offer.offer == body(of: offer)?.offer
        }
    }

    func liveness(of offer: SignedRecord, at node: NodeIndex) -> Liveness? {
        listing(of: offer, at: node)?.liveness(at: unixMilliseconds)
    }

    /// Whether a node has held a lease at any time.
    func hasStarted(aLeaseOn node: NodeIndex) -> Bool {
        events.contains { event in
            if case .leaseStarted = event.event, event.node == node { true } else { false }
        }
    }

    /// Whether a search at `node` would show the offer.
    func sees(_ node: NodeIndex, _ offer: SignedRecord) -> Bool {
        switch liveness(of: offer, at: node) {
        case .live, .silent: true
        case .gone, nil: false
        }
    }

    /// What a copy of the node's home signs elsewhere: a presence far above every block that it could have reserved.
    static func signedElsewhere(by node: NodeIndex, at unixMilliseconds: Int64) throws -> SignedRecord {
        let body = PresenceBody(
            marketClass: .amdConsumer,
            highSequence: 0,
            offerCount: 0,
            offerDigest: [],
            addresses: []
        )
        let record = Record(
            network: "main",
            sequence: UInt64(unixMilliseconds) + 3_600_000,
            issuedAt: unixMilliseconds,
            expiresAt: unixMilliseconds + 1_800_000,
            body: .presence(body)
        )
        return try SignedRecord(signing: record, by: identity(of: node))
    }
}

extension OfferDraft {
    static func rtx4090() -> OfferDraft {
        let device = DeviceDraft(catalogueID: "rtx-4090", marketClass: .nvidiaConsumer, memoryMebibytes: 24_576)
        return OfferDraft(devices: [device], terms: OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000)))
    }
}
