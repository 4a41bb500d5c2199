import Cryptography
import Identity
@testable import Market
@testable import Node
import Primitives
import Swarm

/// The other party of a node's leases, which holds a key and keeps to nothing: it bids, accepts, awards, meters and closes with
/// whatever numbers its script says, validly signed.
struct Counterparty {
    static let key = Handshakes.key
    static let peer = PeerID(publicKey: key.publicKey)

    /// What it may do next, by the first byte of a move.
    enum Move: UInt8, CaseIterable {
        case words, frame, stream, end
        case bid, accept, cancel, voucher
        case answer, tick, notice
        case state, receipt, countersign, held, seen
        case place, command, trouble, wait
    }

    var victim = LeaseVictim()
    /// Questions of the victim, the newest last.
    var questions: [(stream: StreamHandle, message: MarketMessage)] = []
    /// What it would sign a lease from: bids of its own on the victim's offer, and of the victim on its own.
    var bids: [BidBody] = []
    var awards: [LeaseBody] = []
    var leases: [SignedRecord] = []
    /// Every other record that it has made or seen.
    var words: [SignedRecord] = []
    var ticks: [MeterTick] = []
    private var nextNumber: UInt64 = 1
    private var sequence = UInt64(Sieges.unixMilliseconds)
    private var random = Handshakes.random(10)

    init() {
        if let offer = MarketSamples.offer(by: LeaseVictim.key) { victim.feed(.offer(offer)) }
        victim.accept(from: Self.peer)
    }

    mutating func move(_ script: inout Script) {
        let moves = Move.allCases
        switch moves[script.below(moves.count)] {
        case .words: say(bytes: script.piece(), to: script.byte())
        case .frame: say(bytes: LengthPrefixedFrames.framed(script.piece()), to: script.byte())
        case .stream: changeStreams(&script)
        case .end: end(&script)
        case .bid: bid(Twists(&script))
        case .accept: accept(Twists(&script))
        case .cancel: if let bid = bids.last { say(.cancel(bid.bid)) }
        case .voucher: promise(Twists(&script))
        case .answer: answer(&script)
        case .tick: tick(Twists(&script))
        case .notice: notice(Twists(&script))
        case .state: state(&script)
        case .receipt: receipt(Twists(&script))
        case .countersign: countersign()
        case .held: held(Twists(&script))
        case .seen: seen(&script)
        case .place: place(Twists(&script))
        case .command: command(&script)
        case .trouble: trouble(script.below(8))
        case .wait: victim.wait(.milliseconds(1 << script.below(24)))
        }
        listen()
    }

    // MARK: Streams

    private func stream(_ byte: UInt8?) -> StreamHandle? {
        victim.open.isEmpty ? nil : victim.open[Int(byte ?? 0) % victim.open.count]
    }

    private mutating func say(bytes: [UInt8], to byte: UInt8?) {
        if let stream = stream(byte) { victim.hear(.data(stream, bytes)) }
    }

    mutating func say(_ content: MarketMessage.Content, as number: UInt64? = nil, on stream: StreamHandle? = nil) {
        nextNumber += 1
        let message = MarketMessage(id: number ?? nextNumber, content: content)
        guard let stream = stream ?? victim.open.last else { return }
        victim.hear(.data(stream, LengthPrefixedFrames.framed(message.encoded)))
    }

    private mutating func changeStreams(_ script: inout Script) {
        switch script.below(4) {
        case 0: victim.accept(from: Self.peer)
        case 1: if let stream = stream(script.byte()) { victim.hear(.streamCongested(stream)) }
        case 2: if let stream = stream(script.byte()) { victim.hear(.streamDrained(stream)) }
        default: victim.feed(.connected(Self.peer))
        }
    }

    private mutating func end(_ script: inout Script) {
        switch script.below(3) {
        case 0: if let stream = stream(script.byte()) { victim.lose(stream, by: .streamReset(stream)) }
        case 1: if let stream = stream(script.byte()) { victim.lose(stream, by: .remoteClosedWrite(stream)) }
        default: victim.part(from: Self.peer)
        }
    }

    /// Reads what the victim says: questions to be answered, awards, leases and words.
    private mutating func listen() {
        for (stream, message) in victim.said {
            switch message.content {
            case .award(let award): awards.append(award.body)
            case .lease(let envelope): if let record = try? SignedRecord(envelope: envelope) { leases.append(record) }
            case .state(let envelope), .countersignature(let envelope), .receipt(let envelope):
                if let record = try? SignedRecord(envelope: envelope) { words.append(record) }
            default: break
            }
            if !message.isAnswer { questions.append((stream, message)) }
        }
        victim.said = []
        // What a script can have made it say is little; what it remembers of that is less.
        questions = questions.suffix(16)
        (words, leases, awards) = (words.suffix(16), leases.suffix(16), awards.suffix(16))
    }

    // MARK: Signing

    /// `nil` if a twist made it what no record may be.
    mutating func sign(_ body: RecordBody, expiresAt: Int64? = nil) -> SignedRecord? {
        sequence += 1
        let record = Record(
            network: "main",
            sequence: sequence,
            issuedAt: victim.wall,
            expiresAt: expiresAt ?? victim.wall + 55_000,
            body: body
        )
        return try? SignedRecord(signing: record, by: Self.key)
    }

    mutating func draw() -> BidID { BidID(random: &random) }

    /// The newest lease that it knows of, and its body.
    var lease: LeaseBody? { leases.last.flatMap(CounterFacts.body) }
}
