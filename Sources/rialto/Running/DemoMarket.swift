internal import EventLoop
internal import Foundation
internal import Identity
internal import LocalAPI
internal import Market
internal import Node
internal import Primitives
internal import Synchronization

/// Five nodes on loopback in temporary homes, and a tour through what they do.
final class DemoMarket: Sendable {
    private static let nodeCount = 5
    private static let wares: [(gpu: String, count: Int, price: String)] = [
        ("rtx-4090", 2, "0.35"), ("h100-sxm5-80gb", 1, "1.90"), ("rtx-3090", 4, "0.18"),
    ]

    private let directory: String
    private let isJSON: Bool
    private let nodes = Mutex<[RunningNode]>([])
    private let begin = ContinuousClock.now
    private let tourTask = Mutex<Task<Void, any Error>?>(nil)

    init(isJSON: Bool) throws {
        self.isJSON = isJSON
        directory = FileManager.default.temporaryDirectory.path + "/rialto-demo-\(UUID().uuidString)"
        let attributes: [FileAttributeKey: Any] = [.posixPermissions: 0o700]
        try FileManager.default.createDirectory(
            atPath: directory,
            withIntermediateDirectories: true,
            attributes: attributes
        )
    }

    /// Ends the tour where it is.
    func cancel() {
        tourTask.withLock { $0?.cancel() }
    }

    func tour() async throws {
        let task = Task { try await walk() }
        tourTask.withLock { $0 = task }
        try await task.value
    }

    func cleanUp() async {
        for node in nodes.withLock({ $0 }).reversed() { await node.stop() }
        try? FileManager.default.removeItem(atPath: directory)
        say("cleaned_up", "all nodes have stopped, nothing is left behind")
    }

    private func walk() async throws {
        let first = try await start(0, seeds: [])
        var others: [RunningNode] = []
        for number in 1..<Self.nodeCount { others.append(try await start(number, seeds: [first.address]).node) }
        guard let renter = others.last else { return }
        let providers = [first.node] + others.prefix(2)
        // Connected is not enough: gossip reaches whom the mesh of its topic reaches.
        try await waitFor("connections") {
            guard case .peers(let peers) = try await first.node.send(.peers) else { return nil }
            return peers.count { $0.meshTopicCount > 0 } == Self.nodeCount - 1 ? () : nil
        }
        say("connected", "\(Self.nodeCount) nodes have found each other")

        var offers: [ListingID] = []
        for (provider, ware) in zip(providers, Self.wares) {
            offers.append(try await publish(ware, by: provider, seenBy: renter))
        }
        try await search(at: renter)
        try await rent(offers[0], of: first.node, by: renter)
        var begun = ContinuousClock.now
        try await waitFor("the GPUs to be free") {
            try await self.listings(at: renter).contains { $0.id == offers[0] && $0.offer.freeSlots.count == 2 }
                ? () : nil
        }
        say("free", "the renter saw that both GPUs are free again after \(Self.text(since: begun))")

        begun = .now
        _ = try await providers[1].send(.withdrawOffer(offers[1].offer, reason: 0))
        try await waitUntilGone(offers[1], at: renter)
        say("withdrawn", "the renter saw the withdrawal of \(Self.wares[1].gpu) after \(Self.text(since: begun))")

        begun = .now
        async let stopped: Void = providers[2].stop()
        try await waitUntilGone(offers[2], at: renter)
        await stopped
        say("goodbye", "a provider stopped; the renter saw its goodbye after \(Self.text(since: begun))")
        try await search(at: renter)
    }

    private func start(_ number: Int, seeds: [Multiaddr]) async throws -> (node: RunningNode, address: Multiaddr) {
        let listen = [Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)]
        var config = NodeConfig(listen: listen, seeds: seeds)
        config.network = "demo"
        config.leases.counter.meterSeconds = 1
        let node = try RunningNode(home: "\(directory)/\(number)", config: config, workerCount: 1)
        let events = node.events()
        node.loop.start()
        nodes.withLock { $0.append(node) }
        for await event in events {
            if case .listening(let address) = event {
                say("listening", "node \(number + 1) listens on \(address)")
                return (node, address)
            }
        }
        throw CommandFailure(.failed, "a node of the demo did not start")
    }

    private func publish(
        _ ware: (gpu: String, count: Int, price: String),
        by provider: RunningNode,
        seenBy renter: RunningNode
    ) async throws -> ListingID {
        guard let model = Catalogue.standard[ware.gpu], let price = Amounts.micros(ware.price) else {
            throw CommandFailure(.failed, "the catalogue has no \(ware.gpu)")
        }
        let devices = Array(repeating: DeviceDraft(declaring: model), count: ware.count)
        let terms = OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: price))
        let begun = ContinuousClock.now
        let answer = try await provider.send(.publishOffer(OfferDraft(devices: devices, terms: terms)))
        guard case .offer(let record) = answer, case .offer(let body) = record.record.body else {
            throw CommandFailure(.failed, "an offer was not published: \(answer)")
        }
        let id = ListingID(provider: record.author, offer: body.offer)
        try await waitFor("the offer of \(ware.gpu)") {
            try await self.listings(at: renter).contains { $0.id == id && $0.machine != nil } ? () : nil
        }
        say(
            "appeared",
            "\(ware.gpu) x\(ware.count) at \(ware.price) USD reached the renter after \(Self.text(since: begun))"
        )
        return id
    }

    private func search(at renter: RunningNode) async throws {
        let service = APIService(node: renter, token: "")
        let response = await service.respond(to: APIRequest("GET", "/v1/search"))
        guard response.status == 200, case .bytes(let bytes) = response.body else {
            throw CommandFailure(.failed, "the renter's search failed")
        }
        let view = try JSONFormat.decode(SearchView.self, from: bytes)
        if isJSON {
            for row in view.rows { print(JSONFormat.text(row)) }
        } else {
            print("rialto search, as the renter sees the market:")
            OfferTable.print(view.rows)
        }
    }

    private func listings(at node: RunningNode) async throws -> [Listing] {
        guard case .snapshot(let snapshot) = try await node.send(.snapshot) else { return [] }
        return snapshot.listings.filter { $0.liveness(at: snapshot.unixMilliseconds) != .gone }
    }

    private func waitUntilGone(_ id: ListingID, at renter: RunningNode) async throws {
        try await waitFor("an offer to go") {
            try await self.listings(at: renter).contains { $0.id == id } ? nil : ()
        }
    }

    /// Asks again until there is an answer; the demo's time ends a wait in vain by cancelling it.
    func waitFor(_ what: String, _ isThere: () async throws -> Void?) async throws {
        while try await isThere() == nil {
            do {
                try await Task.sleep(for: .milliseconds(5))
            } catch {
                throw CommandFailure(.failed, "the demo waited for \(what) in vain")
            }
        }
    }

    private struct Line: Encodable {
        let event: String
        let text: String
    }

    func say(_ event: String, _ text: String) {
        print(isJSON ? JSONFormat.text(Line(event: event, text: text)) : "[\(Self.text(since: begin))] \(text)")
    }

    static func text(since start: ContinuousClock.Instant) -> String {
        "\(Int64(start.duration(to: .now) / .milliseconds(1))) ms"
    }
}
