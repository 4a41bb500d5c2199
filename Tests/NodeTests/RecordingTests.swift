import Cryptography
import Identity
import Kademlia
import Market
import Primitives
import Swarm
import Testing

@testable import Node

@Suite struct `Recording` {
    @Test(arguments: 1...60)
    func `every step comes back as it was`(seed: Int) throws {
        var draw = RecordingDraw(seed: seed)
        for _ in 0..<20 {
            try expectReturn(of: draw.input(), at: Instant(nanoseconds: draw.number()), digest: draw.unsigned())
        }
    }

    @Test(arguments: 1...8)
    func `every kind of command comes back as it was`(seed: Int) throws {
        var draw = RecordingDraw(seed: seed)
        let commands = draw.commands()
        let names = commands.map { "\($0)".prefix { $0 != "(" } }
        #expect(Set(names).count == 39, "as many as the seam has")
        for command in commands {
            try expectReturn(of: .command(CommandID(rawValue: draw.unsigned()), command), at: .zero, digest: 0)
        }
    }

    private func expectReturn(of input: NodeMachine.Input, at instant: Instant, digest: UInt64) throws {
        let step = RecordedStep(at: instant, input: input, digest: digest)
        let bytes = NodeRecording.encode(step)
        let again = try NodeRecording.step(bytes)
        #expect(again.at == step.at)
        #expect(again.digest == step.digest)
        #expect(again.text == step.text)
        #expect("\(again.input)" == "\(step.input)")
        #expect(NodeRecording.encode(again) == bytes)
    }

    @Test(arguments: 1...40)
    func `what node it was comes back, and its key is not in it`(seed: Int) throws {
        var draw = RecordingDraw(seed: seed)
        let (origin, key) = draw.origin()
        let bytes = NodeRecording.encode(origin)
        let again = try NodeRecording.origin(bytes)
        #expect(NodeRecording.encode(again) == bytes)
        #expect(again.peer == origin.peer && again.randomSeed == origin.randomSeed)
        #expect(again.config.listen == origin.config.listen && again.config.seeds == origin.config.seeds)
        #expect(again.config.followedSegments == origin.config.followedSegments)
        #expect((again.config.kademlia == nil) == (origin.config.kademlia == nil))
        #expect(again.config.kademlia?.prefix == origin.config.kademlia?.prefix)
        #expect(again.config.network == origin.config.network && again.config.banned == origin.config.banned)
        #expect(again.restored.records == origin.restored.records && again.restored.peers == origin.restored.peers)
        #expect(again.restored.floors == origin.restored.floors && again.restored.rows == origin.restored.rows)
        #expect(again.config.leases == origin.config.leases)
        #expect(NodeRecording.isRecording([0, 0, 0, 0] + bytes.prefix(20)))
        #expect(!NodeRecording.isRecording(Array("purpose: A scenario.".utf8)))
        let secret = [UInt8](repeating: UInt8(seed), count: 32)
        #expect(!(0...bytes.count - 32).contains { bytes[$0..<$0 + 32].elementsEqual(secret) })
        #expect(again.node(identity: key) != nil)
        #expect(again.node(identity: Ed25519.PrivateKey(seed: [UInt8](repeating: 0xee, count: 32))) == nil)
    }

    @Test(arguments: 1...60)
    func `changed, cut and random bytes never trap`(seed: Int) {
        var draw = RecordingDraw(seed: seed)
        let whole = NodeRecording.encode(RecordedStep(at: .zero, input: draw.input(), digest: 0))
        let head = NodeRecording.encode(draw.origin().0)
        for bytes in [whole, head] {
            for count in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 40)) {
                let cut = Array(bytes.prefix(count))
                #expect(throws: RecordingError.self) { try NodeRecording.origin(cut) }
                _ = try? NodeRecording.step(cut)
            }
            for _ in 0..<40 {
                var flipped = bytes
                flipped[draw.below(flipped.count)] ^= UInt8(1 << draw.below(8))
                _ = try? NodeRecording.step(flipped)
                _ = try? NodeRecording.origin(flipped)
                let noise = draw.bytes(draw.below(80))
                _ = try? NodeRecording.step(noise)
                _ = try? NodeRecording.origin(noise)
            }
        }
    }

    @Test func `a length beyond the end is refused before anything is allocated`() {
        // An import of 2^60 records: command 11 of input 6, at 0 with digest 0 and id 0.
        let lie: [UInt8] = [0, 0, 6, 0, 11, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10]
        #expect(throws: RecordingError.truncated) { try NodeRecording.step(lie) }
        #expect(throws: RecordingError.senseless) { try NodeRecording.step([0, 0, 0, 0]) }
    }

    @Test func `a node that is fed the same does the same, and a changed input shows`() throws {
        var draw = RecordingDraw(seed: 7)
        let (origin, key) = draw.origin()
        let inputs: [NodeMachine.Input] = [
            .clock(unixMilliseconds: 1_767_225_600_000), .started,
            .transport(.interfaces([IPAddress(127, 0, 0, 1)])), .command(CommandID(rawValue: 1), .status),
            .deadlineReached, .command(CommandID(rawValue: 2), .shutdown),
        ]
        func digests(_ inputs: [NodeMachine.Input]) throws -> [UInt64] {
            var node = try #require(origin.node(identity: key))
            var (digest, outputs, all) = (OutputDigest(), [NodeMachine.Output](), [UInt64]())
            for (index, input) in inputs.enumerated() {
                node.handle(input, at: Instant(nanoseconds: Int64(index) * 1_000_000_000), into: &outputs)
                digest.add(outputs)
                outputs.removeAll()
                all.append(digest.value)
            }
            return all
        }
        let first = try digests(inputs)
        #expect(try digests(inputs) == first)
        var others = inputs
        others[3] = .command(CommandID(rawValue: 9), .status)
        let other = try digests(others)
        #expect(other.prefix(3) == first.prefix(3))
        #expect(other[3] != first[3] && other.last != first.last)
    }
}

/// Inputs and origins of every kind, drawn from a seed.
private struct RecordingDraw {
    private var random: SeededRandom
    private let seed: Int

    init(seed: Int) {
        self.seed = seed
        random = SeededRandom(seed: [UInt8](repeating: UInt8(truncatingIfNeeded: seed &+ 100), count: 32))
    }

    mutating func below(_ bound: Int) -> Int { random.below(bound) }
    mutating func bytes(_ count: Int) -> [UInt8] { random.bytes(count) }
    mutating func unsigned() -> UInt64 { random.next() >> UInt64(random.below(64)) }
    mutating func number() -> Int64 { Int64(bitPattern: random.next()) >> Int64(random.below(64)) }
    private mutating func text() -> String { ["", "a", "Größe", "x y\n"][random.below(4)] }
    private mutating func address() -> IPAddress {
        IPAddress(bytes(random.chance(1, in: 2) ? 4 : 16)) ?? IPAddress(127, 0, 0, 1)
    }
    private mutating func endpoint() -> Endpoint { Endpoint(address: address(), port: UInt16(below(65_536))) }
    private mutating func multiaddr() -> Multiaddr { Multiaddr(endpoint: endpoint()) }
    private mutating func peer() -> PeerID {
        PeerID(publicKey: Ed25519.PrivateKey(seed: bytes(32)).publicKey)
    }

    private mutating func subject() -> SubjectKey {
        SubjectKey(author: Ed25519.PrivateKey(seed: bytes(32)).publicKey, kind: .offer, id: bytes(16))
    }

    private mutating func record() -> StoredRecord {
        guard let id = RecordID(bytes(32)) else { preconditionFailure("32 bytes are an id") }
        return StoredRecord(
            id: id,
            subject: subject(),
            sequence: unsigned(),
            expiresAt: number(),
            receivedAt: number(),
            envelope: bytes(below(60))
        )
    }

    private mutating func ban() -> Ban? {
        Ban(.peer(peer()), until: random.chance(1, in: 2) ? number() : nil, reason: "spam")
    }

    private mutating func transportFailure() -> TransportFailure {
        let all: [TransportFailure] = [
            .refused, .timedOut, .unreachable, .reset, .addressInUse, .addressNotAvailable, .permissionDenied,
            .tooManyDescriptors, .system("EX"),
        ]
        return all[below(all.count)]
    }

    private mutating func transport() -> TransportInput {
        let connection = ConnectionID(rawValue: unsigned())
        let all: [TransportInput] = [
            .listening(ListenerID(rawValue: unsigned()), endpoint()),
            .listenFailed(ListenerID(rawValue: unsigned()), transportFailure()), .interfaces([address(), address()]),
            .accepted(connection, local: endpoint(), remote: endpoint()),
            .dialed(connection, local: endpoint(), remote: endpoint()), .dialFailed(connection, transportFailure()),
            .received(connection, bytes(below(300))), .congested(connection), .drained(connection),
            .disconnected(connection, random.chance(1, in: 2) ? transportFailure() : nil),
            .resolved(ResolutionID(rawValue: unsigned()), .addresses([address()])),
            .resolved(ResolutionID(rawValue: unsigned()), .text([text(), text()])),
            .resolved(ResolutionID(rawValue: unsigned()), .failed(text())),
        ]
        return all[below(all.count)]
    }

    private mutating func draft() -> OfferDraft {
        var terms = OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: number(), lowestBidMicros: number()))
        terms.modes = [.onDemand, .interruptible]
        terms.awardPolicy = .bestAtDeadline
        let device = DeviceDraft(uuid: text(), catalogueID: "rtx-4090", marketClass: .nvidiaConsumer, rawName: text())
        var draft = OfferDraft(devices: [device, device], terms: terms)
        if random.chance(1, in: 2) {
            var host = MachineBody.Host()
            (host.cpuModel, host.coreCount, host.architecture) = (text(), below(100), text())
            var network = MachineBody.Network()
            (network.portCount, network.reach) = (below(100), .punchable)
            var place = MachineBody.Place()
            (place.country, place.city) = ("DE", text())
            var power = MachineBody.Power()
            (power.wattsPerDevice, power.source) = (below(900), "hydro")
            (draft.host, draft.network, draft.place, draft.power) = (host, network, place, power)
            draft.runtimes = ["docker"]
        }
        return draft
    }

    private mutating func command() -> NodeCommand {
        let all = commands()
        return all[below(all.count)]
    }

    /// One command of every kind.
    mutating func commands() -> [NodeCommand] {
        guard let offer = OfferID(bytes(16)) else { preconditionFailure("16 bytes are an id") }
        var change = OfferChange()
        (change.unit, change.gpuHourMicros, change.modes, change.noticeSeconds) = ("sat", number(), [.onDemand], 5)
        let segment = Segment(marketClass: .nvidiaConsumer, shard: 0)
        var tuning = NodeTuning()
        (tuning.banned, tuning.allowed) = (ban().map { [$0] } ?? [], [.peer(peer())])
        var all: [NodeCommand] = [
            .status, .peers, .connect([multiaddr(), multiaddr()]), .disconnect(peer()), .snapshot,
            .publishOffer(draft()), .updateOffer(offer, change), .withdrawOffer(offer, reason: below(9)), .ownOffers,
            .findRecords(prefix: bytes(3)), .exportRecords(after: nil), .exportRecords(after: subject()),
            .importRecords([bytes(40), bytes(2)]), .resumeKey, .shutdown, .bans, .unban(.peer(peer())), .tune(tuning),
            .metrics, .findStorefront(peer()), .look([segment], models: ["rtx-4090"]), .look([], models: []),
            .follow([segment]), .dht(.findPeer(peer())),
        ]
        all += leaseCommands() + requestCommands()
        if let ban = ban() { all.append(.ban(ban)) }
        return all
    }

    private mutating func requestCommands() -> [NodeCommand] {
        guard let request = RequestID(bytes(16)), let bid = BidID(bytes(16)), let lease = LeaseID(bytes(16)) else {
            preconditionFailure("16 bytes are an id")
        }
        let provider = Ed25519.PrivateKey(seed: bytes(32)).publicKey
        let wanted = RequestBody.Alternative(
            marketClass: .nvidiaConsumer,
            catalogueIDs: ["rtx-4090", text()],
            count: below(9),
            memoryMinMebibytes: below(99_999)
        )
        var draft = RequestDraft(
            alternatives: [wanted, wanted],
            totalMicrosMax: number(),
            durationSeconds: below(9_000),
            openMilliseconds: number(),
            terms: LeaseTerms(image: text(), environment: ["A=b"], ports: [22])
        )
        (draft.filters, draft.unit, draft.isAutomatic) = (text(), "sat", random.chance(1, in: 2))
        return [
            .attest(provider), .proofs(provider), .publishRequest(draft), .withdrawRequest(request),
            .acceptRequest(request, bid), .acceptRequest(request, nil), .requests,
            .settleLease(lease, nonce: unsigned(), .settled(reference: text())),
            .settleLease(lease, nonce: nil, .failed(complaint: text())),
        ]
    }

    private mutating func leaseCommands() -> [NodeCommand] {
        guard let offer = OfferID(bytes(16)), let bid = BidID(bytes(16)), let lease = LeaseID(bytes(16)) else {
            preconditionFailure("16 bytes are an id")
        }
        let terms = LeaseTerms(
            image: text(),
            command: [text()],
            environment: ["A=b"],
            ports: [22],
            accessKeys: [text()]
        )
        let provider = Ed25519.PrivateKey(seed: bytes(32)).publicKey
        var wish = BidWish(
            offer: ListingID(provider: provider, offer: offer),
            count: below(9),
            gpuHourMicros: below(3) == 0 ? nil : number(),
            durationSeconds: below(9_000),
            terms: terms
        )
        (wish.slots, wish.isPublic) = ([1, below(9)], true)
        (wish.unit, wish.gpuHourMicrosMax) = (below(3) == 0 ? nil : "kWh", below(3) == 0 ? nil : number())
        wish.patienceMilliseconds = Int64(below(60_000))
        wish.answerMilliseconds = below(3) == 0 ? nil : Int64(below(60_000))
        return [
            .placeBid(wish, waits: true), .bids, .cancelBid(bid), .leases, .closeLease(lease, .outbid),
            .readyLease(lease), .credit, .leasePolicy, .setLeasePolicy(leasePolicy()),
        ]
    }

    private mutating func leasePolicy() -> LeasePolicy {
        var policy = LeasePolicy()
        policy.counter.floorMicros = ["USD": number()]
        policy.counter.blockedPeers = [Ed25519.PrivateKey(seed: bytes(32)).publicKey]
        (policy.counter.hold, policy.awaitsReady) = (.milliseconds(below(90_000)), random.chance(1, in: 2))
        return policy
    }

    mutating func input() -> NodeMachine.Input {
        let failures: [StoreFailure] = [
            .diskFull, .inputOutput(text()), .corrupt(text()), .newerVersion(9), .locked, .readOnly,
        ]
        switch below(9) {
        case 0: return .started
        case 1: return .clock(unixMilliseconds: number())
        case 2: return .verified(BatchID(rawValue: unsigned()), (0..<below(20)).map { $0 % 3 == 0 })
        case 3: return .persisted(Ticket(rawValue: unsigned()))
        case 4: return .persistFailed(Ticket(rawValue: unsigned()), failures[below(failures.count)])
        case 5: return .deadlineReached
        case 6: return .command(CommandID(rawValue: unsigned()), command())
        default: return .transport(transport())
        }
    }

    mutating func origin() -> (NodeOrigin, Ed25519.PrivateKey) {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: UInt8(truncatingIfNeeded: seed), count: 32))
        var config = NodeConfig(listen: [endpoint()], seeds: [multiaddr()])
        config.network = "laboratory"
        config.banned = ban().map { [$0] } ?? []
        config.followedSegments = [Segment(marketClass: .nvidiaConsumer, shard: below(4))]
        if random.chance(1, in: 2) { config.kademlia = NodeKademlia() }
        if random.chance(1, in: 2) { config.kademlia?.prefix = text() }
        config.leases = leasePolicy()
        let restored = RestoredState(
            facts: [(name: "odd", value: bytes(5))],
            ownRecords: [],
            records: [record(), record()],
            floors: [SubjectFloor(subject: subject(), sequence: unsigned(), until: number())],
            peers: [StoredPeer(peer: peer(), addresses: [multiaddr()], lastSeen: number())],
            rows: [StoredRow(.vouchers, key: bytes(16), value: bytes(below(99)))]
        )
        let origin = NodeOrigin(
            config: config,
            peer: PeerID(publicKey: key.publicKey),
            isFreshIdentity: random.chance(1, in: 2),
            restored: restored,
            randomSeed: bytes(32),
            programVersion: "rialto 0.1.0"
        )
        return (origin, key)
    }
}
