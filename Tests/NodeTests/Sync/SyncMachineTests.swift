import Cryptography
import Identity
import Market
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

@Suite struct `Reconciliation of two books` {
    private var pair = SyncPair()

    private static func offers(_ numbers: Range<Int>, minutes: Int64 = 600) throws -> [SignedRecord] {
        try numbers.map { try SyncPair.offer($0, by: 100 + $0 / 50, minutes: minutes + Int64($0) / 7) }
    }

    private var areEqual: Bool {
        pair.books[0].setSum == pair.books[1].setSum && pair.books[0].recordCount == pair.books[1].recordCount
    }

    @Test mutating func `costs two small messages while nothing differs`() throws {
        for side in 0..<2 { pair.give(try Self.offers(0..<300), to: side) }
        pair.meet()
        #expect(pair.outcomes.map(\.ending) == [.complete])
        #expect(pair.outcomes[0].differenceCount == 0)
        #expect(pair.frames.map(\.from) == [0, 1])
        // Twenty-five lanes of three fingerprints; the answer is a clock.
        #expect(pair.frames[0].bytes.count < 2_200 && pair.frames[1].bytes.count <= 12)
    }

    @Test mutating func `brings each what the other has, and nothing twice`() throws {
        pair.give(try Self.offers(0..<400), to: 0)
        pair.give(try Self.offers(200..<600), to: 1)
        pair.meet()
        #expect(areEqual && pair.books[0].recordCount == 600)
        #expect(pair.outcomes.first?.takenCount == 200 && pair.outcomes.first?.givenCount == 200)
        #expect(pair.outcomes.first?.differenceCount == 400)
        let runs = pair.outcomes.count
        for side in 0..<2 { pair.feed(side, .started) }
        pair.advance(by: .seconds(300))
        #expect(pair.outcomes.dropFirst(runs).allSatisfy { $0.differenceCount == 0 && $0.ending == .complete })
        #expect(pair.outcomes.count > runs, "both sides ask again")
    }

    /// Each presence that was renewed stands on one side in its new and on the other in its old version.
    @Test mutating func `moves only the new version of a presence`() throws {
        let old = try (0..<40).map { try SyncPair.presence(by: $0, sequence: 1, minutes: 18) }
        let new = try (0..<40).map { try SyncPair.presence(by: $0, sequence: 2, minutes: 28) }
        pair.give(old, to: 0)
        pair.give(old, to: 1)
        pair.give(Array(new[..<15]), to: 0)
        pair.give(Array(new[15...]), to: 1)
        pair.meet()
        let newest = new.count { pair.books[0].contains($0.id) }
        #expect(areEqual && newest == 40)
        #expect(pair.outcomes[0].takenCount == 25 && pair.outcomes[0].givenCount == 15)
    }

    @Test mutating func `leaves out what ends within two minutes of the cut`() throws {
        pair.give([try SyncPair.offer(1, by: 1, minutes: 1), try SyncPair.offer(2, by: 1, minutes: 5)], to: 1)
        pair.meet()
        #expect(pair.books[0].recordCount == 1)
    }

    @Test mutating func `does not give again what was refused, nor fetch it`() throws {
        pair.banned = [SyncPair.key(100).publicKey]
        pair.give(try Self.offers(0..<10), to: 0)
        pair.meet()
        #expect(pair.outcomes[0].givenCount == 10 && pair.books[1].recordCount == 0)
        pair.feed(0, .meshed(SyncPair.peers[1], true))
        #expect(pair.outcomes.last?.givenCount == 0 && pair.outcomes.last?.differenceCount == 10)
        // The other side fetches none of them either: it remembers what it refused.
        pair.machines[1].enqueue(.compare(.whole), to: SyncPair.peers[0])
        pair.feed(1, .deadlineReached)
        #expect(pair.outcomes.last?.takenCount == 0 && pair.outcomes.last?.ending == .complete)
    }

    @Test mutating func `asks a peer for our own newest records`() throws {
        let own = SyncPair.key(1).publicKey
        pair.give([try SyncPair.offer(1, by: 1, sequence: 9), try SyncPair.offer(2, by: 2)], to: 1)
        pair.feed(0, .partner(SyncPair.peers[1], isOutbound: false))
        pair.feed(0, .askForOwn(SyncPair.peers[1], own))
        #expect(pair.ownAsked == 1 && pair.books[0].highestSequence(of: own) == 9)
        #expect(pair.books[0].recordCount == 1)
    }

    @Test mutating func `asks for the offers that a presence speaks of, if they do not follow by themselves`() throws {
        let offer = try SyncPair.offer(1, by: 5)
        let body = PresenceBody(
            marketClass: .amdConsumer,
            highSequence: 1,
            offerCount: 1,
            offerDigest: OfferDigest.digest(of: [offer]),
            addresses: []
        )
        let record = Record(
            network: "main",
            sequence: 2,
            issuedAt: SyncPair.epoch,
            expiresAt: SyncPair.epoch + 1_800_000,
            body: .presence(body)
        )
        pair.meet()
        pair.give([offer], to: 1)
        pair.give([try SignedRecord(signing: record, by: SyncPair.key(5))], to: 0)
        pair.now = pair.now.advanced(by: .seconds(20))
        pair.feed(0, .lacking(provider: SyncPair.key(5).publicKey, .amdConsumer))
        #expect(pair.books[0].recordCount == 1)
        pair.advance(by: .seconds(3))
        #expect(pair.books[0].contains(offer.id))
    }

    // MARK: Bounds

    /// Scenario S-23 with whole machines, over all lanes: 39,000 records against 39,000 minus the newest 1,000.
    @Test mutating func `S-23, a thousand of 39,000 are found by eight messages and 100 kB of ids, and fetched`() throws
    {
        let (count, newest) = (39_000, 1_000)
        func offers(_ numbers: Range<Int>) throws -> [SignedRecord] {
            try numbers.map { try SyncPair.offer($0, by: $0 / 60, minutes: 60 + Int64($0) / 30) }
        }
        pair.give(try offers(0..<count - newest), to: 0)
        pair.books[1] = pair.books[0]
        pair.give(try offers(count - newest..<count), to: 1)
        #expect(pair.books.map(\.recordCount) == [count - newest, count])
        pair.meet()
        #expect(areEqual && pair.outcomes.map(\.ending) == [.complete] && pair.misbehaviours.isEmpty)
        #expect(pair.outcomes[0].differenceCount == newest)
        #expect(pair.outcomes[0].takenCount == newest && pair.outcomes[0].givenCount == 0)
        var frames: [SyncPair.Word: [Int]] = [:]
        for frame in pair.frames { frames[try pair.word(frame), default: []].append(frame.bytes.count) }
        let compared = frames[.compare, default: []] + frames[.compared, default: []]
        #expect(compared.count <= 8, "\(frames)")
        // Every id that is missing is named once more to fetch it.
        #expect((compared + frames[.fetch, default: []]).reduce(0, +) <= 100_000, "\(frames)")
        #expect(frames[.other] == nil && frames[.fetch]?.count == frames[.batch]?.count)
        #expect(frames[.fetch]?.count == (newest + SyncLimits.batchRecordCountMax - 1) / SyncLimits.batchRecordCountMax)
    }

    @Test mutating func `a run moves no more than its limit, and the next one the rest`() throws {
        let count = SyncLimits.runRecordCountMax + 300
        pair.give(try (0..<count).map { try SyncPair.offer($0, by: $0 / 60, minutes: 600) }, to: 1)
        pair.meet()
        #expect(pair.outcomes[0].ending == .limited)
        #expect(pair.outcomes[0].takenCount == SyncLimits.runRecordCountMax)
        pair.advance(by: .seconds(2))
        #expect(areEqual && pair.books[0].recordCount == count)
    }

    @Test mutating func `a peer that asks too much is told to wait`() throws {
        pair.give(try Self.offers(0..<200), to: 1)
        let stream = StreamHandle(connection: ConnectionID(rawValue: 9), stream: 1)
        pair.feed(1, .partner(SyncPair.peers[0], isOutbound: false))
        let ids = try Self.offers(0..<200).map(\.id)
        let question = LengthPrefixedFrames.framed(SyncRequest.fetch(ids).encoded)
        var answers: [SyncAnswer] = []
        for _ in 0..<60 {
            var outputs: [SyncMachine.Output] = []
            for input in [SyncMachine.Input.inboundStream(stream, SyncPair.peers[0]), .data(stream, question)] {
                pair.machines[1].handle(
                    input,
                    book: pair.books[1],
                    unixMilliseconds: pair.unixMilliseconds,
                    at: pair.now,
                    into: &outputs
                )
            }
            answers += outputs.compactMap { output in
                guard case .write(_, let bytes) = output else { return nil }
                var frames = LengthPrefixedFrames(byteCountMax: SyncLimits.batchFrameByteCountMax)
                frames.append(bytes)
                return (try? frames.next()).flatMap { try? SyncAnswer(parsing: $0.span) }
            }
        }
        #expect(answers.count == 60 && answers.last == .busy)
        #expect(answers.count { $0 != .busy } < 40)
    }

    /// Whether a record that only the second has makes the first compare everything again at its next turn.
    private mutating func comparesAgain(after offer: SignedRecord) -> Bool {
        pair.feed(0, .started)
        pair.meet()
        pair.advance(by: .seconds(65))
        pair.give([offer], to: 1)
        pair.feed(0, .meshed(SyncPair.peers[1], true))
        #expect(pair.books[0].contains(offer.id) && pair.outcomes.last?.takenCount == 1)
        let count = pair.outcomes.count
        pair.advance(by: .seconds(13))
        return pair.outcomes.dropFirst(count).contains(where: \.isWhole)
    }

    @Test mutating func `everything is compared again at the next turn after gossip has missed something`() throws {
        #expect(comparesAgain(after: try SyncPair.offer(1, by: 1)))
    }

    @Test mutating func `six comparisons of everything follow what gossip has missed, then the usual ones`() throws {
        #expect(comparesAgain(after: try SyncPair.offer(1, by: 1)))
        pair.outcomes = []
        pair.advance(by: .seconds(90))
        let wholes = pair.outcomes.map(\.isWhole)
        #expect(wholes.count >= 7 && wholes.prefix(5).allSatisfy(\.self) && !wholes[5] && !wholes[6])
    }

    @Test mutating func `what gossip may still bring makes no haste`() throws {
        let issuedAfterAMinute = try SyncPair.offer(1, by: 1, minutes: 24 * 60 + 1)
        #expect(!comparesAgain(after: issuedAfterAMinute))
    }
}

@Suite struct `A peer that does not keep to reconciliation` {
    private let peer = SyncPair.peers[1]
    private let stream = StreamHandle(connection: ConnectionID(rawValue: 1), stream: 1)
    private var pair = SyncPair()
    private var outputs: [SyncMachine.Output] = []

    private mutating func feed(_ input: SyncMachine.Input) {
        outputs = []
        pair.machines[0].handle(
            input,
            book: pair.books[0],
            unixMilliseconds: pair.unixMilliseconds,
            at: pair.now,
            into: &outputs
        )
        pair.machines[0].checkInvariants()
    }

    private mutating func begin() {
        feed(.partner(peer, isOutbound: true))
        feed(.streamOpened(StreamRequestID(rawValue: 100), stream))
    }

    private mutating func answer(_ answer: SyncAnswer) {
        feed(.data(stream, LengthPrefixedFrames.framed(answer.encoded)))
    }

    private func ending(_ outputs: [SyncMachine.Output]) -> SyncOutcome.Ending? {
        outputs.lazy.compactMap { if case .finished(_, let outcome) = $0 { outcome.ending } else { nil } }.first
    }

    /// How long it is left in peace from now on, if less than ten minutes.
    private mutating func rest() -> Duration? {
        let start = pair.now
        let end = start.advanced(by: .seconds(600))
        while let due = pair.machines[0].nextDeadline, due <= end {
            pair.now = due
            feed(.deadlineReached)
            let asks = outputs.contains {
                if case .openStream = $0 { true } else if case .write = $0 { true } else { false }
            }
            if asks { return start.duration(to: due) }
        }
        return nil
    }

    @Test mutating func `that says nothing is given up after fifteen seconds and left in peace for five minutes`()
        throws
    {
        feed(.started)
        begin()
        pair.now = pair.now.advanced(by: SyncLimits.answerTimeout)
        feed(.deadlineReached)
        #expect(ending(outputs) == .timedOut && outputs.contains(.reset(stream)))
        #expect((.seconds(300)..<(.seconds(313))).contains(try #require(rest())))
    }

    @Test mutating func `that is busy puts the comparison of everything off by a turn, not by two minutes`() throws {
        feed(.started)
        begin()
        answer(.busy)
        #expect(ending(outputs) == .busy)
        #expect((.seconds(10)..<(.seconds(25))).contains(try #require(rest())))
        guard case .compare(.whole)? = pair.machines[0].runs.first(where: { $0.key == peer })?.value.errand else {
            Issue.record("it compares only what is new")
            return
        }
    }

    /// Fake ids: it lists a thousand and has none.
    @Test mutating func `that announces what it does not have is found out within one run`() throws {
        begin()
        let ids = (0..<900).map { RecordID(SHA256Numbers.id($0)) }
        let message: [UInt8] = [0x61, 0, 0, 2, 0x87, 0x04] + ids.flatMap { $0?.bytes ?? [] }
        answer(.compared([LaneMessage(lane: 24, message: message)], unknown: [], unixSeconds: 0))
        var asked = 0
        while ending(outputs) == nil, asked < 10 {
            asked += 1
            answer(.batch(RecordBatch(packing: [], answeredCount: 256)))
        }
        #expect(asked == 1 && ending(outputs) == .malformed)
        #expect(outputs.contains(.misbehaved(peer, .brokenPromises(256))) && outputs.contains(.reset(stream)))
    }

    @Test mutating func `that splits for ever is asked twelve times and then left in peace`() throws {
        feed(.started)
        pair.give((try? [SyncPair.offer(1, by: 1)]) ?? [], to: 0)
        begin()
        var rounds = 1
        // A fingerprint that never matches, over everything.
        let message: [UInt8] = [0x61, 0, 0, 1] + Array(repeating: 9, count: 16)
        while ending(outputs) == nil, rounds < 40 {
            rounds += 1
            answer(.compared([LaneMessage(lane: 11, message: message)], unknown: [], unixSeconds: 0))
        }
        #expect(rounds == SyncLimits.roundCountMax + 1 && ending(outputs) == .limited)
        #expect((.seconds(300)..<(.seconds(313))).contains(try #require(rest())))
    }

    @Test mutating func `that sends what nobody asked for ends its run`() throws {
        begin()
        let id = try SyncPair.offer(1, by: 1).id
        let message: [UInt8] = [0x61, 0, 0, 2, 1] + id.bytes
        answer(.compared([LaneMessage(lane: 11, message: message)], unknown: [], unixSeconds: 0))
        let other = try SyncPair.offer(2, by: 1)
        answer(.batch(RecordBatch(packing: [other.envelope], answeredCount: 1)))
        let judging = outputs.last { if case .received = $0 { true } else { false } }
        guard case .received(_, let batch, _, .asked)? = judging else {
            Issue.record("nothing to judge: \(outputs)")
            return
        }
        feed(.judged(peer, .init(batch: batch, place: 0, id: other.id, judgement: .taken)))
        #expect(outputs.contains(.misbehaved(peer, .unasked)) && ending(outputs) == .malformed)
    }

    static let refused: [(SyncAnswer, SyncMisbehaviour)] = [
        (.taken(refused: []), .outOfTurn),
        (.batch(RecordBatch(packing: [], answeredCount: 1)), .outOfTurn),
        (.compared([LaneMessage(lane: 60, message: [0x61])], unknown: [], unixSeconds: 0), .comparison),
        (.compared([LaneMessage(lane: 0, message: [])], unknown: [], unixSeconds: 0), .comparison),
    ]

    @Test(arguments: refused.indices) mutating func `that answers beside the question loses the stream`(row: Int) {
        begin()
        answer(Self.refused[row].0)
        #expect(outputs.contains(.misbehaved(peer, Self.refused[row].1)) && outputs.contains(.reset(stream)))
        #expect(ending(outputs) == .malformed)
    }

    @Test mutating func `that gives more words than one before the answer loses the stream`() throws {
        let other = StreamHandle(connection: ConnectionID(rawValue: 1), stream: 2)
        feed(.partner(peer, isOutbound: false))
        feed(.inboundStream(other, peer))
        let gift = SyncRequest.give(RecordBatch(packing: [try SyncPair.offer(1, by: 1).envelope])).encoded
        feed(.data(other, LengthPrefixedFrames.framed(gift)))
        feed(.data(other, LengthPrefixedFrames.framed(gift)))
        #expect(outputs.contains(.misbehaved(peer, .outOfTurn)) && outputs.contains(.reset(other)))
    }

    /// A block of a hundred bytes that is said to hold 96 KiB, and one that holds what it does not say.
    @Test func `that packs a bomb is refused before anything is unpacked`() {
        let block = RecordBatch(packing: [[UInt8](repeating: 0, count: 9_000)]).block
        #expect(block.count < 100)
        for byteCount in [8_000, 96 << 10, 1 << 30, -1] {
            let batch = RecordBatch(byteCount: byteCount, block: block, answeredCount: 0)
            #expect(throws: SyncError.batch) { try batch.envelopes() }
        }
    }

    @Test(arguments: UInt64(1)...20) mutating func `that makes noise never traps a node`(seed: UInt64) throws {
        var random = SeededRandom(testSeed: seed)
        begin()
        let other = StreamHandle(connection: ConnectionID(rawValue: 1), stream: 2)
        let words =
            [
                SyncRequest.fetch([try SyncPair.offer(1, by: 1).id]), .author(Array(repeating: 1, count: 32)),
                .give(RecordBatch(packing: [[1, 2, 3]])),
            ].map(\.encoded)
            + [
                SyncAnswer.compared([LaneMessage(lane: 3, message: [0x61])], unknown: [1], unixSeconds: 1),
                .batch(RecordBatch(packing: [[4]])), .taken(refused: [7]), .busy,
            ].map(\.encoded)
        for _ in 0..<200 {
            var bytes = words[random.below(words.count)]
            bytes[random.below(bytes.count)] = UInt8(random.below(256))
            _ = try? SyncRequest(parsing: bytes.span)
            _ = try? SyncAnswer(parsing: bytes.span)
            feed(.inboundStream(other, peer))
            feed(.data(random.chance(1, in: 3) ? stream : other, LengthPrefixedFrames.framed(bytes)))
        }
    }
}

private enum SHA256Numbers {
    /// Thirty-two bytes that ascend with the number.
    static func id(_ number: Int) -> [UInt8] {
        [UInt8(number >> 8), UInt8(number & 255)] + Array(repeating: 1, count: 30)
    }
}
