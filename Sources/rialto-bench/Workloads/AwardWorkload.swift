import Cryptography
import Foundation
import Identity
import Market
import Node
import Primitives
import Storage
import Swarm

/// Awards of one provider to bidders who ask at once: read, verify, open the terms, hold the devices, commit to disk, answer.
///
/// The node is the real one and so is its disk; what the bidders do was done before. Their bids come in groups, as the loop gathers them
/// while a commit waits, and each award is let go again so that devices are left for the next group.
struct AwardWorkload: Workload {
    /// Newcomers may hold half of a machine's devices, and a machine has 32: so many awards fit at once.
    private static let groupCount = 16

    let rows = [Row.awards]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("rialto-bench-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let (store, _, _) = try NodeStore.open(directory: folder.path)
        var counter = try AwardCounter(store: store)
        var duration = 0.0
        var awardCount = 0
        for round in 0..<max(1, count / Self.groupCount) {
            // Whoever takes back too many awards waits: so nobody comes twice.
            let bidders = (0..<Self.groupCount).map { AwardBidder(number: round * Self.groupCount + $0) }
            for bidder in bidders { counter.connect(bidder) }
            let bids = try bidders.map { try $0.bid(round, on: counter.offer) }
            duration += try seconds { awardCount += try counter.award(bids, to: bidders) }
            try counter.letGo(bids.map(\.id), bidders)
            for bidder in bidders { counter.disconnect(bidder) }
        }
        return Figures(values: [.awards: Double(awardCount) / duration])
    }
}

/// A bidder and the stream that it has open.
private struct AwardBidder {
    struct Bid {
        let id: BidID
        let message: [UInt8]
    }

    let key: Ed25519.PrivateKey
    let stream: StreamHandle

    init(number: Int) {
        key = Ed25519.PrivateKey(seed: SHA256.hash(Array("bidder \(number)".utf8)))
        stream = StreamHandle(connection: ConnectionID(rawValue: UInt64(number + 1)), stream: 2)
    }

    func bid(_ round: Int, on offer: SignedRecord) throws -> Bid {
        guard case .offer(let body) = offer.record.body else { throw CocoaError(.coderInvalidValue) }
        var random = SeededRandom(seed: SHA256.hash(key.publicKey.bytes + Array("\(round)".utf8)))
        let id = BidID(random: &random)
        let (terms, salt) = (LeaseTerms(image: "ubuntu:24.04"), random.bytes(LeaseTerms.Bounds.saltByteCount))
        let box = terms.sealed(
            bid: id,
            from: key.publicKey,
            to: offer.author,
            sealingKey: body.sealingKey,
            salt: salt,
            ephemeralSecret: random.bytes(32)
        )
        let bid = BidBody(
            bid: id,
            marketClass: body.marketClass,
            counterparty: offer.author,
            offer: body.offer,
            targetRecord: offer.id,
            count: 1,
            unit: body.price.unit,
            gpuHourMicros: body.price.gpuHourMicros,
            durationSeconds: body.durationMinSeconds,
            startBy: MarketSample.now + 50_000,
            validUntil: MarketSample.now + 50_000,
            termsHash: terms.hash(salt: salt)
        )
        let record = Record(
            network: MarketSample.network,
            sequence: UInt64(round + 1),
            issuedAt: MarketSample.now,
            expiresAt: bid.validUntil,
            body: .bid(bid)
        )
        let envelope = try SignedRecord(signing: record, by: key).envelope
        let message = MarketMessage(id: UInt64(round), content: .bid(envelope: envelope, sealedTerms: box ?? []))
        return Bid(id: id, message: LengthPrefixedFrames.framed(message.encoded))
    }
}

/// A node in the driver's seat, with a disk of its own.
private struct AwardCounter {
    private(set) var node: NodeMachine
    private let store: NodeStore
    private var outputs: [NodeMachine.Output] = []
    private var now = Instant.zero
    private(set) var offer: SignedRecord

    init(store: NodeStore) throws {
        self.store = store
        var config = NodeConfig(listen: [])
        config.network = MarketSample.network
        config.swarmSeat = .driver(typedGossip: false)
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 5, count: 32))
        node = NodeMachine(
            config: config,
            identity: key,
            isFreshIdentity: true,
            restored: .empty,
            random: SeededRandom(seed: [UInt8](repeating: 6, count: SeededRandom.seedByteCount))
        )
        guard let model = Catalogue.standard["rtx-4090"] else { throw CocoaError(.coderValueNotFound) }
        let devices = Array(repeating: DeviceDraft(declaring: model), count: 32)
        let terms = OfferTerms(price: PriceTerms(unit: "USD", gpuHourMicros: 350_000))
        let draft = OfferDraft(devices: devices, terms: terms)
        var outputs: [NodeMachine.Output] = []
        for input in [
            .clock(unixMilliseconds: MarketSample.now), .started,
            .command(CommandID(rawValue: 1), .publishOffer(draft)),
        ] as [NodeMachine.Input] {
            node.handle(input, at: .zero, into: &outputs)
        }
        for case .persist(let ticket, let changes) in outputs {
            try store.commit(changes).get()
            node.handle(.persisted(ticket), at: .zero, into: &outputs)
        }
        var published: SignedRecord?
        for case .answer(_, .offer(let record)) in outputs { published = record }
        guard let published else { throw CocoaError(.coderValueNotFound) }
        offer = published
    }

    mutating func connect(_ bidder: AwardBidder) {
        let peer = PeerID(publicKey: bidder.key.publicKey)
        let here = Endpoint(address: IPAddress(127, 0, 0, 1), port: 4_180)
        let info = ConnectionInfo(
            id: bidder.stream.connection,
            peer: peer,
            direction: .inbound,
            local: here,
            remote: here,
            openedAt: .zero
        )
        feed(.swarm(.connected(peer, info)))
        feed(.swarm(.inboundStream(bidder.stream, peer, MarketMessage.protocolID)))
    }

    mutating func disconnect(_ bidder: AwardBidder) {
        feed(.swarm(.disconnected(PeerID(publicKey: bidder.key.publicKey), .requested)))
    }

    /// Gives every bidder its award, in as few commits as a busy loop makes; says how many there were.
    mutating func award(_ bids: [AwardBidder.Bid], to bidders: [AwardBidder]) throws -> Int {
        for (bid, bidder) in zip(bids, bidders) { feed(.swarm(.data(bidder.stream, bid.message))) }
        try commit()
        var count = 0
        for case .swarm(.write(_, let bytes)) in outputs {
            var frames = LengthPrefixedFrames(byteCountMax: MarketMessage.byteCountMax)
            frames.append(bytes)
            guard let frame = try frames.next(), case .award = try MarketMessage(parsing: frame).content else {
                continue
            }
            count += 1
        }
        outputs.removeAll(keepingCapacity: true)
        guard count == bids.count else { throw CocoaError(.coderInvalidValue) }
        return count
    }

    /// Frees the devices.
    mutating func letGo(_ bids: [BidID], _ bidders: [AwardBidder]) throws {
        for (bid, bidder) in zip(bids, bidders) {
            let message = MarketMessage(id: 1 << 32, content: .cancel(bid))
            feed(.swarm(.data(bidder.stream, LengthPrefixedFrames.framed(message.encoded))))
        }
        try commit()
        outputs.removeAll(keepingCapacity: true)
    }

    private mutating func feed(_ input: NodeMachine.Input) {
        // Time hardly passes: nothing that is measured waits for it.
        now = now.advanced(by: .microseconds(1))
        node.handle(input, at: now, into: &outputs)
    }

    private mutating func commit() throws {
        var next = 0
        while next < outputs.count {
            var (tickets, changes): ([Ticket], [StoreChange]) = ([], [])
            for case .persist(let ticket, let wanted) in outputs[next...] {
                tickets.append(ticket)
                changes += wanted
            }
            next = outputs.count
            guard !tickets.isEmpty else { return }
            try store.commit(changes).get()
            for ticket in tickets { feed(.persisted(ticket)) }
        }
    }
}
