import Cryptography
import EventLoop
import Identity
import Market
import Node
import Primitives
import Swarm
import Synchronization
import Testing

/// A node on real sockets of the loopback interface, and what it told and wrote.
final class LiveNode: Sendable {
    let loop: NodeLoop
    let peer: PeerID
    private let events: AsyncStream<NodeEvent>
    private let written: Written

    /// A store in memory that can be told to fail.
    final class Written: Sendable {
        let changes = Mutex<[StoreChange]>([])
        let failure = Mutex<StoreFailure?>(nil)
    }

    init(_ number: UInt8, seeds: [Multiaddr] = []) {
        let seed = [UInt8](repeating: number, count: 32)
        let node = NodeMachine(
            config: NodeConfig(listen: [Endpoint(address: IPAddress(127, 0, 0, 1), port: 0)], seeds: seeds),
            identity: Ed25519.PrivateKey(seed: seed),
            isFreshIdentity: true,
            restored: .empty,
            random: SeededRandom(seed: seed)
        )
        peer = node.peer
        let (events, told) = AsyncStream.makeStream(of: NodeEvent.self)
        let written = Written()
        (self.events, self.written) = (events, written)
        loop = NodeLoop(
            node: node,
            commit: { changes in
                if let failure = written.failure.withLock({ $0 }) { return .failure(failure) }
                written.changes.withLock { $0 += changes }
                return .success(())
            },
            observe: { told.yield($0) }
        )
    }

    var changes: [StoreChange] { written.changes.withLock { $0 } }

    func failWrites(_ failure: StoreFailure?) {
        written.failure.withLock { $0 = failure }
    }

    /// The first event from now on for which `pick` has an answer; the test's time limit ends a wait in vain.
    func first<Found>(_ pick: (NodeEvent) -> Found?) async throws -> Found {
        for await event in events {
            if let found = pick(event) { return found }
        }
        throw CancellationError()
    }

    /// Starts the node and gives the address at which others reach it.
    func started() async throws -> Multiaddr {
        loop.start()
        let address = try await first { if case .listening(let address) = $0 { address } else { nil } }
        return address.with(peer: peer)
    }

    func stop() async {
        loop.requestStop()
        await loop.waitUntilStopped()
    }
}

@Suite(.timeLimit(.minutes(1))) struct `Node loop` {
    @Test func `a node starts, answers, and stops in good order`() async throws {
        let node = LiveNode(1)
        let address = try await node.started()
        guard case .status(let status) = try await node.loop.send(.status) else {
            Issue.record("no status")
            return
        }
        #expect(status.peer == node.peer)
        #expect(status.addresses.map { $0.with(peer: node.peer) }.contains(address))
        #expect(node.loop.statistics.commandCount == 1)
        await node.stop()
        #expect(node.loop.hasStopped)
        await #expect(throws: LoopError.stopped) { try await node.loop.send(.status) }
        await node.stop()
    }

    @Test func `a stop that was asked for before the start is not forgotten`() async throws {
        let node = LiveNode(2)
        node.loop.requestStop()
        node.loop.start()
        await node.loop.waitUntilStopped()
    }

    @Test func `two nodes meet, and an offer of one is listed at the other`() async throws {
        let provider = LiveNode(3)
        let address = try await provider.started()
        let renter = LiveNode(4, seeds: [address])
        _ = try await renter.started()
        let met = try await renter.first { if case .connected(let info) = $0 { info.peer } else { nil } }
        #expect(met == provider.peer)

        let device = DeviceDraft(catalogueID: "rtx-4090", marketClass: .nvidiaConsumer, memoryMebibytes: 24_576)
        let terms = OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000))
        guard
            case .offer(let offer) = try await provider.loop.send(
                .publishOffer(OfferDraft(devices: [device], terms: terms))
            )
        else {
            Issue.record("the offer was not published")
            return
        }
        _ = try await renter.first { event in
            if case .listingsChanged(let changes) = event, !changes.isEmpty { true } else { nil }
        }
        guard case .snapshot(let snapshot) = try await renter.loop.send(.snapshot) else {
            Issue.record("no snapshot")
            return
        }
        #expect(snapshot.listings.map(\.record.id) == [offer.id])
        #expect(provider.changes.contains { $0.isOwnState }, "an own record is durable before it is sent")
        #expect(renter.loop.statistics.signatureCheckCount > 0)
        await renter.stop()
        await provider.stop()
        #expect(renter.changes.contains { if case .putRecord = $0 { true } else { false } })
    }

    @Test func `a connection is closed on both sides when one node stops`() async throws {
        let first = LiveNode(5)
        let address = try await first.started()
        let second = LiveNode(6)
        _ = try await second.started()
        guard case .connected(first.peer) = try await second.loop.send(.connect([address])) else {
            Issue.record("no connection")
            return
        }
        await first.stop()
        let gone = try await second.first { if case .disconnected(let peer) = $0 { peer } else { nil } }
        #expect(gone == first.peer)
        await second.stop()
    }

    @Test func `an address where nobody listens is told as the command's answer`() async throws {
        let gone = LiveNode(7)
        let address = try await gone.started()
        await gone.stop()
        let node = LiveNode(8)
        _ = try await node.started()
        guard case .failed(.connect) = try await node.loop.send(.connect([address])) else {
            Issue.record("a connection to nobody")
            return
        }
        await node.stop()
    }

    @Test func `a disk that is full is told, and the node goes on`() async throws {
        let node = LiveNode(9)
        node.failWrites(.diskFull)
        _ = try await node.started()
        let failure = try await node.first { if case .storeFailed(let failure) = $0 { failure } else { nil } }
        #expect(failure == .diskFull)
        #expect(node.loop.statistics.failedTicketCount > 0)
        guard case .status(let status) = try await node.loop.send(.status) else {
            Issue.record("no status")
            return
        }
        #expect(status.storeFailure == .diskFull)
        node.failWrites(nil)
        await node.stop()
    }

    @Test func `many commands at once are all answered, each to its caller`() async throws {
        let node = LiveNode(10)
        _ = try await node.started()
        let answered = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<500 {
                group.addTask {
                    let answer = try await node.loop.send(number % 2 == 0 ? .status : .ownOffers)
                    return switch answer {
                    case .status: number % 2 == 0
                    case .offers: number % 2 == 1
                    default: false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(answered == 500)
        await node.stop()
    }

    @Test func `a caller that is cancelled does not wait`() async throws {
        let node = LiveNode(11)
        let caller = Task { try await node.loop.send(.status) }
        caller.cancel()
        await #expect(throws: LoopError.cancelled) { try await caller.value }
        node.loop.start()
        await node.stop()
    }

    @Test func `commands beyond the mailbox are refused at once`() async throws {
        let node = LiveNode(12)
        // Nobody takes them before the start; those that wait are answered after it.
        let answers = try await withThrowingTaskGroup(of: LoopError?.self) { group in
            for _ in 0..<1_100 {
                group.addTask {
                    do throws(LoopError) {
                        _ = try await node.loop.send(.ownOffers)
                        return nil
                    } catch {
                        return error
                    }
                }
            }
            var refused: [LoopError] = []
            while refused.count < 76, let next = try await group.next() {
                if let error = next { refused.append(error) }
            }
            node.loop.start()
            for try await next in group { if let error = next { refused.append(error) } }
            return refused
        }
        #expect(answers == [LoopError](repeating: .busy, count: 76))
        await node.stop()
    }
}
