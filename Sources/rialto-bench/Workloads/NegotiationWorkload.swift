import Cryptography
import Dispatch
import EventLoop
import Foundation
import Identity
import Market
import Node
import Primitives
import Storage
import Synchronization

/// From the wish to bid to a lease that both have signed and written: two real nodes on loopback, each with its disk.
struct NegotiationWorkload: Workload {
    let rows = [Row.negotiation]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rialto-bench-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let count = count
        let milliseconds = try blocking { try await Self.negotiate(count, in: folder.path) }
        let sorted = milliseconds.sorted()
        return Figures(values: [.negotiation: sorted[sorted.count / 2]])
    }

    private static func negotiate(_ count: Int, in folder: String) async throws -> [Double] {
        let provider = try BenchNode(folder + "/provider", seeds: [])
        let renter = try BenchNode(folder + "/renter", seeds: [try await provider.start()])
        _ = try await renter.start()
        guard let model = Catalogue.standard["rtx-4090"] else { throw CocoaError(.coderValueNotFound) }
        var terms = OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000))
        terms.durationMinSeconds = 60
        let draft = OfferDraft(devices: [DeviceDraft(declaring: model)], terms: terms)
        guard case .offer(let offer) = try await provider.loop.send(.publishOffer(draft)),
            case .offer(let body) = offer.record.body
        else { throw CocoaError(.coderInvalidValue) }
        let id = ListingID(provider: offer.author, offer: body.offer)
        let wish = BidWish(
            offer: id,
            count: 1,
            gpuHourMicros: nil,
            durationSeconds: 600,
            terms: LeaseTerms(image: "ubuntu:24.04")
        )
        var taken: [Double] = []
        while taken.count < count {
            let clock = ContinuousClock()
            let begun = clock.now
            guard case .bid(let bid) = try await renter.loop.send(.placeBid(wish, waits: true)),
                case .leased(let lease) = bid.outcome
            else {
                // The offer is on its way, or the last lease's GPU is not yet back.
                try await Task.sleep(for: .milliseconds(2))
                continue
            }
            taken.append(begun.duration(to: clock.now) / .milliseconds(1))
            _ = try await renter.loop.send(.closeLease(lease, .done))
        }
        for node in [renter, provider] { await node.stop() }
        return taken
    }

    /// Waits for asynchronous work on a thread that has nothing else to do.
    private func blocking<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) throws -> Value {
        let outcome = Mutex<Result<Value, any Error>?>(nil)
        let ended = DispatchSemaphore(value: 0)
        Task {
            let result: Result<Value, any Error>
            do { result = .success(try await work()) } catch { result = .failure(error) }
            outcome.withLock { $0 = result }
            ended.signal()
        }
        ended.wait()
        guard let result = outcome.withLock({ $0 }) else { preconditionFailure("the work has ended") }
        return try result.get()
    }
}

/// A node on loopback with a home of its own.
private final class BenchNode: Sendable {
    let loop: NodeLoop
    private let addresses: AsyncStream<Multiaddr>

    init(_ home: String, seeds: [Multiaddr]) throws {
        let (store, state, _) = try NodeStore.open(directory: home)
        var config = NodeConfig(listen: [Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)], seeds: seeds)
        config.network = "bench"
        let seed = SystemEntropy.bytes(SeededRandom.seedByteCount)
        let node = NodeMachine(
            config: config,
            identity: Ed25519.PrivateKey(seed: SystemEntropy.bytes(32)),
            isFreshIdentity: true,
            restored: state,
            random: SeededRandom(seed: seed)
        )
        let (addresses, continuation) = AsyncStream.makeStream(of: Multiaddr.self)
        self.addresses = addresses
        loop = NodeLoop(
            node: node,
            workerCount: 1,
            commit: { store.commit($0) },
            observe: { if case .listening(let address) = $0 { continuation.yield(address) } }
        )
    }

    func start() async throws -> Multiaddr {
        loop.start()
        for await address in addresses { return address }
        throw CocoaError(.coderValueNotFound)
    }

    func stop() async {
        loop.requestStop()
        await loop.waitUntilStopped()
    }
}
