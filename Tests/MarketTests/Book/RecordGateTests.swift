import Cryptography
import Identity
import Market
import Primitives
import Testing

@Suite struct `Record gate` {
    let gate = RecordGate(network: "main")
    let key = RecordSamples.key(1)
    let now = RecordSamples.start + 1_000
    var book = RecordBook()
    var budget = VerificationBudget()
    var changes: [BookChange] = []

    func topic(of record: SignedRecord) -> String {
        MarketProfile.first.topic(of: record, network: "main")
    }

    mutating func judge(
        _ envelope: [UInt8],
        on topic: String?,
        at now: Int64? = nil,
        isBanned: (Ed25519.PublicKey) -> Bool = { _ in false },
        isFollowed: (MarketTopic.Lane) -> Bool = { _ in true }
    ) -> RecordVerdict {
        let now = now ?? self.now
        let instant = Instant(nanoseconds: now * 1_000_000)
        let screening = gate.screen(
            envelope,
            on: topic,
            against: book,
            at: now,
            instant: instant,
            budget: &budget,
            isFollowed: isFollowed,
            isBanned: isBanned
        )
        switch screening {
        case .drop(let verdict): return verdict
        case .needsSignatures(let pending, let checks):
            return gate.admit(
                pending,
                signaturesHold: checks.allSatisfy(\.holds),
                into: &book,
                at: now,
                instant: instant,
                changes: &changes
            )
        }
    }

    mutating func judge(_ record: SignedRecord, at now: Int64? = nil) -> RecordVerdict {
        judge(record.envelope, on: topic(of: record), at: now)
    }

    func offer(
        _ sequence: UInt64,
        price: Int64 = 1,
        at offset: Int64 = 0,
        for life: Int64? = nil
    ) throws -> SignedRecord {
        var body = RecordSamples.offer(price: price)
        // So that the body's length takes two bytes, whatever the price.
        body.settlements = ["a-rail-with-a-long-name", "credit"]
        return try RecordSamples.signed(.offer(body), by: key, sequence: sequence, at: offset, for: life)
    }

    @Test mutating func `a good record is accepted, stored and listed`() throws {
        let record = try offer(5)
        #expect(judge(record) == .accept)
        #expect(book.record(record.id) == record)
        #expect(book.listings.map(\.record.id) == [record.id])
    }

    // MARK: S-19

    /// The parts of a payload, so that they can be put together wrongly.
    private func parts(of record: SignedRecord) throws -> (header: [[UInt8]], body: [UInt8]) {
        let payload = try record.record.payload()
        var fields: [[UInt8]] = []
        for count in [6, 2, 7, 7] {
            let start = fields.reduce(0) { $0 + $1.count }
            fields.append(Array(payload[start..<start + count]))
        }
        return (fields, Array(payload[22...]))
    }

    @Test mutating func `every other encoding of a record is rejected, validly signed or not`() throws {
        let record = try offer(5)
        let (header, body) = try parts(of: record)
        let payload = try record.record.payload()
        #expect(header.flatMap(\.self) + body == payload && header[1] == [0x10, 5] && body[1] >= 0x80)
        let head = header.flatMap(\.self)
        let wrong: [(String, RecordError, [UInt8])] = [
            ("fields reordered", .notCanonical, header[1] + header[0] + header[2] + header[3] + body),
            ("padded varint", .notCanonical, header[0] + [0x10, 0x85, 0x00] + header[2] + header[3] + body),
            ("padded tag", .notCanonical, header[0] + [0x90, 0x00, 5] + header[2] + header[3] + body),
            ("unknown field", .notCanonical, payload + [0x80, 0x02, 0x01]),
            ("unknown field in the body", .notCanonical, head + Self.appending([0x90, 0x03, 0x01], to: body)),
            ("default written in the body", .notCanonical, head + Self.appending([0x78, 0x00], to: body)),
            ("trailing byte", .malformed(.fieldNumber(0)), payload + [0x00]),
            ("field twice", .notCanonical, header[0] + head + body),
            ("body twice", .contradiction("record.body"), payload + body),
        ]
        for (name, error, payload) in wrong {
            let sealed = SignedEnvelope.seal(
                payload: payload,
                payloadType: SignedRecord.payloadType,
                domain: SignedRecord.domain,
                by: key
            )
            #expect(judge(sealed.bytes, on: topic(of: record)) == .reject(.malformed(error)), "\(name)")
        }
        for envelope in [record.envelope + [0x00], record.envelope + [0x32, 0x00]] {
            guard case .reject(.malformed(.envelope)) = judge(envelope, on: topic(of: record)) else {
                Issue.record("an envelope with a tail passed")
                continue
            }
        }
        #expect(book.recordCount == 0)
        #expect(judge(record) == .accept)
    }

    /// The offer's length is two bytes of varint behind its tag.
    private static func appending(_ field: [UInt8], to body: [UInt8]) -> [UInt8] {
        let count = Int(body[1] & 0x7f) | Int(body[2]) << 7
        let longer = count + field.count
        return [body[0], UInt8(longer & 0x7f) | 0x80, UInt8(longer >> 7)] + body[3...] + field
    }

    @Test mutating func `what a later version may say is ignored, not rejected`() throws {
        let (header, body) = try parts(of: offer(5))
        func seal(_ payload: [UInt8], type: [UInt8] = SignedRecord.payloadType) -> [UInt8] {
            SignedEnvelope.seal(payload: payload, payloadType: type, domain: SignedRecord.domain, by: key).bytes
        }
        let head = header.flatMap(\.self)
        let topic = topic(of: try offer(5))
        #expect(judge(seal(head + [0x9a, 0x01, 0x00]), on: topic) == .ignore(.newerVersion(.unknownBody(19))))
        #expect(judge(seal([1], type: [9]), on: topic) == .ignore(.newerVersion(.payloadType)))
        var newClass = body
        newClass[3 + 18 + 1] = 99
        #expect(judge(seal(head + newClass), on: topic) == .ignore(.newerVersion(.unknownValue("offer.class"))))
        let long = [UInt8](repeating: 0, count: SignedRecord.byteCountMax + 1)
        #expect(judge(long, on: topic) == .ignore(.tooLong))
    }

    // MARK: The order of the checks

    @Test mutating func `the header is judged network first, then times, sequence and topic`() throws {
        let wrongTopic = "/rialto/main/o/1/other/0"
        let foreign = try RecordSamples.signed(
            .offer(RecordSamples.offer()),
            by: key,
            sequence: 5,
            for: 1_000,
            network: "elsewhere"
        )
        // Also expired and on a wrong topic: the network decides.
        #expect(judge(foreign.envelope, on: wrongTopic) == .reject(.wrongNetwork))
        #expect(judge(try offer(5, for: 1_000).envelope, on: wrongTopic) == .ignore(.expired))
        #expect(judge(try offer(5, at: 121_001).envelope, on: wrongTopic) == .ignore(.early))
        let known = try offer(5)
        #expect(judge(known) == .accept)
        #expect(judge(known.envelope, on: wrongTopic) == .ignore(.duplicate))
        #expect(judge(try offer(4).envelope, on: wrongTopic) == .ignore(.stale))
        #expect(judge(try offer(6).envelope, on: wrongTopic) == .reject(.wrongTopic))
        #expect(judge(try offer(6).envelope, on: "/rialto/main/p/1") == .reject(.wrongTopic))
        #expect(judge(try offer(6).envelope, on: "/rialto/elsewhere/p/1") == .ignore(.topicNotFollowed))
        #expect(judge(try offer(6).envelope, on: "/other") == .ignore(.topicNotFollowed))
        // A ban comes before the signature, which is broken here.
        var broken = try offer(6).envelope
        broken[broken.count - 1] ^= 1
        let author = key.publicKey
        #expect(judge(broken, on: topic(of: known), isBanned: { $0 == author }) == .ignore(.banned))
        #expect(judge(broken, on: topic(of: known)) == .reject(.badSignature))
        #expect(judge(try offer(6)) == .accept)
    }

    @Test func `a drop for what may change is not final`() {
        let passing: [RecordDismissal] = [.topicNotFollowed, .early, .verificationBudget, .authorQuota, .segmentFull]
        #expect(passing.allSatisfy { !RecordVerdict.ignore($0).isFinal })
        let final: [RecordDismissal] = [
            .expired, .duplicate, .stale, .banned, .tooLong, .knownConflict, .forwardingRate,
        ]
        #expect(final.allSatisfy { RecordVerdict.ignore($0).isFinal })
        #expect(RecordVerdict.accept.isFinal && RecordVerdict.reject(.badSignature).isFinal)
    }

    @Test mutating func `a fetched record needs no topic, but a segment that is followed`() throws {
        let record = try offer(5)
        #expect(judge(record.envelope, on: nil, isFollowed: { _ in false }) == .ignore(.topicNotFollowed))
        #expect(judge(record.envelope, on: nil) == .accept)
    }

    @Test mutating func `a peer has 512 verifications at once and one more every 10 ms`() throws {
        let record = try offer(5)
        var broken = record.envelope
        broken[broken.count - 1] ^= 1
        let instant = Instant(nanoseconds: 0)
        func screen(_ budget: inout VerificationBudget, at instant: Instant) -> Bool {
            let screening = gate.screen(
                broken,
                on: nil,
                against: book,
                at: now,
                instant: instant,
                budget: &budget
            )
            if case .needsSignatures = screening { return true }
            return false
        }
        for _ in 0..<VerificationBudget.burst { #expect(screen(&budget, at: instant)) }
        #expect(!screen(&budget, at: instant))
        #expect(screen(&budget, at: instant.advanced(by: .milliseconds(10))))
        #expect(!screen(&budget, at: instant.advanced(by: .milliseconds(10))))
    }

    // MARK: S-20, S-21

    @Test mutating func `a record of another network is worthless here, whatever carries it`() throws {
        let foreign = try RecordSamples.signed(
            .offer(RecordSamples.offer()),
            by: key,
            sequence: 5,
            network: "elsewhere"
        )
        #expect(judge(foreign.envelope, on: topic(of: foreign)) == .reject(.wrongNetwork))
        #expect(judge(foreign.envelope, on: nil) == .reject(.wrongNetwork))
    }

    @Test mutating func `nothing old comes back`() throws {
        let life = RecordSamples.hour
        let current = try offer(50, for: life)
        #expect(judge(current) == .accept)
        // Expired by 1 s and by 121 s.
        let expired = try RecordSamples.signed(
            .offer(RecordSamples.offer(2)),
            by: key,
            sequence: 60,
            at: -life,
            for: life
        )
        #expect(judge(expired, at: RecordSamples.start + 1_000) == .ignore(.expired))
        #expect(judge(expired, at: RecordSamples.start + 121_000) == .ignore(.expired))
        // A lower sequence; the same again, after a while too.
        #expect(judge(try offer(49)) == .ignore(.stale))
        #expect(judge(current) == .ignore(.duplicate))
        #expect(judge(current, at: now + 10 * RecordSamples.minute) == .ignore(.duplicate))
        // After its end, and after a restart that lost the record but not the floor.
        let later = RecordSamples.start + life
        book.expire(at: later, into: &changes)
        #expect(book.recordCount == 0 && book.floorCount == 1)
        let longer = try offer(49, for: 2 * life)
        #expect(judge(longer, at: later) == .ignore(.stale))
        var floors: [SubjectFloor] = []
        for case .floor(let floor) in changes { floors.append(floor) }
        book = RecordBook()
        #expect(book.restore([], floors: floors, at: later).isEmpty)
        #expect(judge(longer, at: later) == .ignore(.stale))
        // Same sequence, other body, longer life: the floor holds it off too.
        #expect(judge(try offer(50, price: 9, for: 2 * life), at: later) == .ignore(.stale))
        #expect(judge(try offer(51, for: 2 * life), at: later) == .accept)
    }

    // MARK: Forwarding

    @Test mutating func `a subject that changes often is stored but passed on eight times, then every 10 s`() throws {
        for sequence in 1...8 { #expect(judge(try offer(UInt64(sequence))) == .accept) }
        let ninth = try offer(9)
        #expect(judge(ninth) == .ignore(.forwardingRate))
        #expect(book.contains(ninth.id))
        #expect(judge(try offer(10), at: now + 10_000) == .accept)
        #expect(judge(try offer(11), at: now + 10_000) == .ignore(.forwardingRate))
        // Another subject has an allowance of its own; a withdrawal needs none.
        let other = try RecordSamples.signed(.offer(RecordSamples.offer(2)), by: key, sequence: 12)
        #expect(judge(other) == .accept)
        let withdrawal = WithdrawalBody(subject: .offer(RecordSamples.offer().offer), marketClass: .nvidiaConsumer)
        #expect(judge(try RecordSamples.signed(.withdrawal(withdrawal), by: key, sequence: 13)) == .accept)
    }

    @Test mutating func `goodbyes are passed on always`() throws {
        for sequence in 1...8 {
            let body = RecordSamples.presence(of: [], high: 0)
            var hello = body
            (hello.offerCount, hello.offerDigest) = (1, [UInt8](repeating: 1, count: 16))
            #expect(judge(try RecordSamples.signed(.presence(hello), by: key, sequence: UInt64(sequence))) == .accept)
        }
        let goodbye = RecordSamples.presence(of: [], high: 0)
        #expect(judge(try RecordSamples.signed(.presence(goodbye), by: key, sequence: 9)) == .accept)
    }
}
