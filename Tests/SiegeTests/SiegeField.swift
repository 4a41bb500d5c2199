import Cryptography
import HeapModule
import Identity
import Market
import Node
import Primitives
import Swarm
import TestSupport

/// A node under attack, two honest neighbours that trade through it, and as many intruders as a test lets in.
///
/// Virtual time. The honest nodes are 20 ms away; intruders stand at the door, so that nothing slows them down. The node under
/// attack has one core for signatures, 60 µs each, first come, first served: whatever an intruder makes it verify, honest
/// records wait for.
struct SiegeField {
    enum Party: Hashable {
        case victim, provider, renter
    }

    static let verificationCost = Duration.microseconds(60)
    static let honestDelay = Duration.milliseconds(20)
    static let here = Endpoint(address: IPAddress(10, 9, 0, 1), port: 4180)

    private(set) var now = Instant.zero
    private(set) var victim: NodeMachine
    private var neighbours: [Party: NodeMachine] = [:]
    private var queue = Heap<Event>()
    private var nextNumber: UInt64 = 0
    private var nextAccepted: UInt64 = 1
    private var nextCommand: UInt64 = 1
    private var armed: [Party: Instant] = [:]
    /// When the victim's one core has checked what it has.
    private var coreFreeAt = Instant.zero
    /// The far end of each honest connection, by party and connection.
    private var pipes: [End: End] = [:]

    /// What the victim sent to intruders and they have not read.
    private(set) var outbox: [ConnectionID: [UInt8]] = [:]
    /// Connections of intruders that are over, and since when.
    private(set) var ended: [ConnectionID: Instant] = [:]
    private(set) var verificationCount = 0
    private(set) var misbehaviours: [(at: Instant, peer: PeerID)] = []
    private var published: [OfferID: Instant] = [:]
    private var onSale: [OfferID] = []
    private var askedAt: [CommandID: Instant] = [:]
    /// How long each of the provider's offers took to reach the renter.
    private(set) var latencies: [Duration] = []

    private struct End: Hashable {
        let party: Party
        let connection: ConnectionID
    }

    private struct Event: Comparable {
        let at: Instant
        let number: UInt64
        let party: Party
        let input: NodeMachine.Input

        static func == (left: Event, right: Event) -> Bool { left.number == right.number }
        static func < (left: Event, right: Event) -> Bool { (left.at, left.number) < (right.at, right.number) }
    }

    init(seed: UInt64) {
        var random = SeededRandom(testSeed: seed)
        victim = Self.node(1, Self.here, seeds: [], &random)
        let door = [Multiaddr(endpoint: Self.here).with(peer: victim.peer)]
        neighbours[.provider] = Self.node(
            2,
            Endpoint(address: IPAddress(10, 9, 0, 2), port: 4180),
            seeds: door,
            &random
        )
        neighbours[.renter] = Self.node(3, Endpoint(address: IPAddress(10, 9, 0, 3), port: 4180), seeds: door, &random)
        for party in [Party.victim, .provider, .renter] {
            feed(party, .clock(unixMilliseconds: TestNetwork.epochMilliseconds))
            feed(party, .started)
        }
        run(for: .seconds(5))
    }

    private static func node(
        _ number: UInt8,
        _ endpoint: Endpoint,
        seeds: [Multiaddr],
        _ random: inout SeededRandom
    ) -> NodeMachine {
        NodeMachine(
            config: NodeConfig(listen: [endpoint], seeds: seeds),
            identity: Ed25519.PrivateKey(seed: Array(repeating: number, count: 32)),
            isFreshIdentity: true,
            restored: .empty,
            random: random.split()
        )
    }

    var unixMilliseconds: Int64 { TestNetwork.epochMilliseconds + now.nanoseconds / 1_000_000 }
}

// MARK: Time

extension SiegeField {
    /// Lets time pass; the provider publishes an offer each `publishEvery`.
    mutating func run(for duration: Duration, publishEvery: Duration? = nil) {
        let end = now.advanced(by: duration)
        var publishAt = publishEvery.map { now.advanced(by: $0) }
        while true {
            let next = queue.min?.at
            if let due = publishAt, let publishEvery, due <= min(next ?? end, end) {
                now = max(now, due)
                publish()
                publishAt = due.advanced(by: publishEvery)
                continue
            }
            guard let next, next <= end, let event = queue.popMin() else { break }
            now = max(now, event.at)
            if case .deadlineReached = event.input {
                guard armed[event.party] == event.at else { continue }
                armed[event.party] = nil
            }
            feed(event.party, event.input)
        }
        now = end
    }

    /// Offers one GPU more, and takes the oldest of many offers back: a machine has at most 32 devices.
    private mutating func publish() {
        if onSale.count >= 16 {
            feed(.provider, .command(drawCommand(), .withdrawOffer(onSale.removeFirst(), reason: 0)))
        }
        let id = drawCommand()
        askedAt[id] = now
        feed(.provider, .command(id, .publishOffer(.rtx4090())))
    }

    private mutating func drawCommand() -> CommandID {
        nextCommand += 1
        return CommandID(rawValue: nextCommand)
    }

    mutating func feed(_ party: Party, _ input: NodeMachine.Input) {
        var outputs: [NodeMachine.Output] = []
        let deadline: Instant?
        if party == .victim {
            victim.handle(input, at: now, into: &outputs)
            deadline = victim.nextDeadline
        } else {
            neighbours[party]?.handle(input, at: now, into: &outputs)
            deadline = neighbours[party]?.nextDeadline
        }
        for output in outputs { carryOut(output, of: party) }
        guard let due = deadline.map({ max($0, now) }), armed[party].map({ due < $0 }) ?? true else { return }
        armed[party] = due
        schedule(party, .deadlineReached, at: due)
    }

    private mutating func schedule(_ party: Party, _ input: NodeMachine.Input, at instant: Instant) {
        nextNumber += 1
        queue.insert(Event(at: instant, number: nextNumber, party: party, input: input))
    }
}

// MARK: Intruders

extension SiegeField {
    /// A socket of a stranger, from an address of its own unless one is given.
    mutating func intrude(from address: IPAddress? = nil) -> ConnectionID {
        let connection = ConnectionID(rawValue: nextAccepted)
        nextAccepted += 2
        let number = Int(connection.rawValue)
        let far =
            address ?? IPAddress(203, UInt8(number / 65_536 % 256), UInt8(number / 256 % 256), UInt8(number % 256))
        let remote = Endpoint(address: far, port: UInt16(1_024 + number % 60_000))
        feed(.victim, .transport(.accepted(connection, local: Self.here, remote: remote)))
        return connection
    }

    /// Bytes of an intruder; nothing once its connection is over.
    mutating func send(_ bytes: [UInt8], on connection: ConnectionID) {
        guard ended[connection] == nil else { return }
        feed(.victim, .transport(.received(connection, bytes)))
    }

    /// What the victim sent to an intruder, read by it.
    mutating func read(from connection: ConnectionID) -> [UInt8] {
        outbox.removeValue(forKey: connection) ?? []
    }

    mutating func congest(_ connection: ConnectionID) {
        guard ended[connection] == nil else { return }
        feed(.victim, .transport(.congested(connection)))
    }
}

// MARK: The driver's side of every output

extension SiegeField {
    private mutating func carryOut(_ output: NodeMachine.Output, of party: Party) {
        switch output {
        case .transport(let output): carryOut(output, of: party)
        case .swarm, .rpc: break
        case .verify(let batch, let checks):
            let results = checks.map(\.holds)
            guard party == .victim else { return schedule(party, .verified(batch, results), at: now) }
            verificationCount += checks.count
            coreFreeAt = max(coreFreeAt, now).advanced(by: Self.verificationCost * checks.count)
            schedule(party, .verified(batch, results), at: coreFreeAt)
        case .persist(let ticket, _): schedule(party, .persisted(ticket), at: now.advanced(by: .milliseconds(1)))
        case .answer(let id, .offer(let record)):
            guard case .offer(let body) = record.record.body else { return }
            published[body.offer] = askedAt[id]
            onSale.append(body.offer)
        case .answer, .multicast, .stopped: break
        case .event(.listingsChanged(let changes)) where party == .renter:
            for case .appeared(let listing) in changes {
                guard let since = published.removeValue(forKey: listing.offer.offer) else { continue }
                latencies.append(since.duration(to: now))
            }
        case .event(.peerMisbehaved(let peer, _)) where party == .victim: misbehaviours.append((now, peer))
        case .event: break
        }
    }

    private mutating func carryOut(_ output: TransportOutput, of party: Party) {
        switch output {
        case .listen(let listener, let endpoint): schedule(party, .transport(.listening(listener, endpoint)), at: now)
        case .dial(let connection, let endpoint): dial(party, connection, endpoint)
        case .send(let connection, let bytes):
            if let far = pipes[End(party: party, connection: connection)] {
                let arrival = now.advanced(by: Self.honestDelay)
                schedule(far.party, .transport(.received(far.connection, bytes)), at: arrival)
            } else {
                outbox[connection, default: []] += bytes
            }
        case .close(let connection), .abort(let connection):
            let end = End(party: party, connection: connection)
            schedule(party, .transport(.disconnected(connection, nil)), at: now)
            if let far = pipes.removeValue(forKey: end) {
                pipes[far] = nil
                schedule(
                    far.party,
                    .transport(.disconnected(far.connection, nil)),
                    at: now.advanced(by: Self.honestDelay)
                )
            } else if party == .victim {
                ended[connection] = now
            }
        case .resolve(let resolution, _):
            schedule(party, .transport(.resolved(resolution, .failed("no names here"))), at: now)
        case .stopListening, .pauseReading, .resumeReading: break
        }
    }

    private mutating func dial(_ party: Party, _ connection: ConnectionID, _ endpoint: Endpoint) {
        let answered = now.advanced(by: Self.honestDelay * 2)
        guard endpoint == Self.here, party != .victim else {
            return schedule(party, .transport(.dialFailed(connection, .refused)), at: answered)
        }
        let accepted = ConnectionID(rawValue: nextAccepted)
        nextAccepted += 2
        let (near, far) = (End(party: party, connection: connection), End(party: .victim, connection: accepted))
        (pipes[near], pipes[far]) = (far, near)
        let local = Endpoint(address: IPAddress(10, 9, 0, party == .provider ? 2 : 3), port: 4180)
        schedule(.victim, .transport(.accepted(accepted, local: endpoint, remote: local)), at: answered)
        schedule(party, .transport(.dialed(connection, local: local, remote: endpoint)), at: answered)
    }
}

extension OfferDraft {
    fileprivate static func rtx4090() -> OfferDraft {
        let device = DeviceDraft(catalogueID: "rtx-4090", marketClass: .nvidiaConsumer, memoryMebibytes: 24_576)
        return OfferDraft(devices: [device], terms: OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000)))
    }
}
