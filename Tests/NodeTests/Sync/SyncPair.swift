import Cryptography
import Identity
import Market
import Primitives
import Swarm
import TestSupport

@testable import Node

/// Two books and their machines, joined by streams that deliver at once; the first one dials.
struct SyncPair {
    static let epoch: Int64 = 1_767_225_600_000
    static let peers = (1...2).map { number in
        PeerID(publicKey: key(number).publicKey)
    }

    var machines: [SyncMachine]
    var books = [RecordBook(), RecordBook()]
    var now = Instant.zero
    var outcomes: [SyncOutcome] = []
    var misbehaviours: [SyncMisbehaviour] = []
    /// What each side wrote, in order: requests of the first, answers of the second.
    var frames: [(from: Int, bytes: [UInt8])] = []
    /// Authors whom the second book refuses.
    var banned: Set<Ed25519.PublicKey> = []
    var ownAsked = 0
    var findings: [(query: UInt64, finding: SyncFinding?)] = []
    private var nextStream: UInt32 = 1

    init() {
        let lanes = MarketProfile.first.lanes
        machines = (0..<2).map { number in
            SyncMachine(
                network: "main",
                lanes: lanes,
                followed: Array(lanes.indices),
                interval: .seconds(120),
                requestIDs: 100...199,
                random: SeededRandom(testSeed: UInt64(number))
            )
        }
    }

    static func key(_ number: Int) -> Ed25519.PrivateKey {
        Ed25519.PrivateKey(seed: SHA256.hash(Array("sync \(number)".utf8)))
    }

    var unixMilliseconds: Int64 { Self.epoch + now.nanoseconds / 1_000_000 }

    /// An offer of some provider that ends so many minutes after the epoch.
    static func offer(_ number: Int, by author: Int, sequence: UInt64 = 1, minutes: Int64 = 600) throws -> SignedRecord
    {
        var random = SeededRandom(testSeed: UInt64(number))
        let body = OfferBody(
            offer: OfferID(random: &random),
            marketClass: .amdConsumer,
            machine: MachineID(random: &random),
            slots: [0],
            freeSlots: [0],
            largestBlock: 1,
            price: PriceTerms(unit: "USD", gpuHourMicros: Int64(100_000 + number)),
            modes: [.onDemand],
            durationMinSeconds: 3_600,
            durationMaxSeconds: 86_400,
            settlements: ["credit"],
            sealingKey: [UInt8](repeating: 7, count: 32)
        )
        return try signed(.offer(body), by: author, sequence: sequence, minutes: minutes)
    }

    static func presence(by author: Int, sequence: UInt64, minutes: Int64) throws -> SignedRecord {
        let body = PresenceBody(
            marketClass: .amdConsumer,
            highSequence: 0,
            offerCount: 0,
            offerDigest: [],
            addresses: []
        )
        return try signed(.presence(body), by: author, sequence: sequence, minutes: minutes)
    }

    private static func signed(
        _ body: RecordBody,
        by author: Int,
        sequence: UInt64,
        minutes: Int64
    ) throws -> SignedRecord {
        let issuedAt = min(epoch, epoch + minutes * 60_000 - 60_000)
        let record = Record(
            network: "main",
            sequence: sequence,
            issuedAt: max(issuedAt, epoch + minutes * 60_000 - body.kindLifetime),
            expiresAt: epoch + minutes * 60_000,
            body: body
        )
        return try SignedRecord(signing: record, by: key(author))
    }

    mutating func give(_ records: some Sequence<SignedRecord>, to side: Int) {
        var changes: [BookChange] = []
        for record in records { _ = books[side].admit(record, at: unixMilliseconds, into: &changes) }
    }

    /// What a message is about.
    enum Word: Hashable {
        case compare, compared, fetch, batch, other
    }

    /// What a frame says: one of the first side's is a question, one of the second's its answer.
    func word(_ frame: (from: Int, bytes: [UInt8])) throws -> Word {
        var frames = LengthPrefixedFrames(byteCountMax: SyncLimits.batchFrameByteCountMax)
        frames.append(frame.bytes)
        guard let bytes = try frames.next() else { return .other }
        guard frame.from == 0 else {
            switch try SyncAnswer(parsing: bytes.span) {
            case .compared: return .compared
            case .batch: return .batch
            case .taken, .busy, .found: return .other
            }
        }
        switch try SyncRequest(parsing: bytes.span) {
        case .compare: return .compare
        case .fetch: return .fetch
        case .give, .author, .find: return .other
        }
    }

    /// They meet, and talk until nothing is left to say.
    mutating func meet() {
        feed(1, .partner(Self.peers[0], isOutbound: false))
        feed(0, .partner(Self.peers[1], isOutbound: true))
    }

    mutating func feed(_ side: Int, _ input: SyncMachine.Input) {
        var outputs: [SyncMachine.Output] = []
        machines[side].handle(
            input,
            book: books[side],
            unixMilliseconds: unixMilliseconds,
            at: now,
            into: &outputs
        )
        machines[side].checkInvariants()
        for output in outputs { carryOut(output, of: side) }
    }

    /// Time passes; timers fire.
    mutating func advance(by duration: Duration) {
        let end = now.advanced(by: duration)
        while let (side, due) = nextTimer, due <= end {
            now = max(now, due)
            feed(side, .deadlineReached)
        }
        now = end
    }

    private var nextTimer: (side: Int, due: Instant)? {
        let timers = machines.enumerated().compactMap { side, machine in machine.nextDeadline.map { (side, $0) } }
        return timers.min { $0.1 < $1.1 }
    }

    private mutating func carryOut(_ output: SyncMachine.Output, of side: Int) {
        switch output {
        case .openStream(let request, _):
            let stream = StreamHandle(connection: ConnectionID(rawValue: 1), stream: nextStream)
            nextStream += 1
            feed(1 - side, .inboundStream(stream, Self.peers[side]))
            feed(side, .streamOpened(request, stream))
        case .write(let stream, let bytes):
            frames.append((side, bytes))
            feed(1 - side, .data(stream, bytes))
        case .closeWrite(let stream): feed(1 - side, .remoteClosedWrite(stream))
        case .reset(let stream): feed(1 - side, .streamReset(stream))
        case .consumed, .clockHeard: break
        case .received(let peer, let batch, let envelopes, _):
            for (place, envelope) in envelopes.enumerated() { judge(envelope, peer, batch, place, at: side) }
        case .searched(_, let query, let finding): findings.append((query.rawValue, finding))
        case .toldOwn: ownAsked += 1
        case .finished(_, let outcome): outcomes.append(outcome)
        case .misbehaved(_, let misbehaviour): misbehaviours.append(misbehaviour)
        }
    }

    private mutating func judge(_ envelope: [UInt8], _ peer: PeerID, _ batch: UInt64, _ place: Int, at side: Int) {
        guard let record = try? SignedRecord(envelope: envelope) else {
            let judged = SyncMachine.JudgedRecord(batch: batch, place: place, id: nil, judgement: .rejected)
            return feed(side, .judged(peer, judged))
        }
        var judgement = SyncMachine.Judgement.refused
        if side == 0 || !banned.contains(record.author) {
            var changes: [BookChange] = []
            let admission = books[side].admit(record, at: unixMilliseconds, into: &changes)
            judgement = admission == .admitted ? .taken : .refused
        }
        feed(side, .judged(peer, .init(batch: batch, place: place, id: record.id, judgement: judgement)))
    }
}

extension RecordBody {
    /// The longest life of its kind, in milliseconds.
    fileprivate var kindLifetime: Int64 {
        switch self {
        case .presence: 30 * 60_000
        default: 24 * 3_600_000
        }
    }
}
