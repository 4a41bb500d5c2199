import Cryptography
import Identity
import Market
import Primitives
import Testing

@Suite struct `Signed record` {
    let key = RecordSamples.key(1)

    @Test func `the id covers domain, key, type and payload, each behind its length`() throws {
        let signed = try RecordSamples.signed(.offer(RecordSamples.offer()), by: key, sequence: 5)
        let payload = try signed.record.payload()
        var hashed: [UInt8] = [13] + Array("rialto-record".utf8)
        hashed += [36, 0x08, 0x01, 0x12, 0x20] + key.publicKey.bytes
        hashed += [16] + Array("/rialto/record/1".utf8)
        hashed += [UInt8(payload.count & 0x7f) | 0x80, UInt8(payload.count >> 7)] + payload
        #expect(signed.id.bytes == SHA256.hash(hashed))
    }

    @Test func `an offer of three slots stays below the 450 bytes that the design aims for`() throws {
        let signed = try RecordSamples.signed(.offer(`Record codec`.goldenOffer), by: key, sequence: 5)
        #expect(signed.envelope.count == 292)
    }

    @Test func `parsing gives back what was signed, and its signature holds`() throws {
        let signed = try RecordSamples.signed(.machine(RecordSamples.machine()), by: key, sequence: 5)
        let parsed = try SignedRecord(envelope: signed.envelope)
        #expect(parsed.record == signed.record)
        #expect(parsed.id == signed.id)
        #expect(parsed.author == key.publicKey)
        #expect(parsed.subject == .machine(RecordSamples.machine().machine, of: key.publicKey))
        #expect(parsed.signatureChecks.map(\.holds) == [true])
    }

    /// S-20: one key signs for several purposes, and none of them can be passed off as a record.
    @Test func `a signature for another purpose does not verify`() throws {
        let record = try RecordSamples.signed(.offer(RecordSamples.offer()), by: key, sequence: 5).record
        let payload = try record.payload()
        for domain in ["rialto-stream", "libp2p-peer-record", ""] {
            let sealed = SignedEnvelope.seal(
                payload: payload,
                payloadType: SignedRecord.payloadType,
                domain: domain,
                by: key
            )
            #expect(try SignedRecord(envelope: sealed.bytes).signatureChecks.map(\.holds) == [false])
        }
    }

    /// S-20: libsodium's strict rule, on the record path: S + L and a small-order key.
    @Test func `a malleated signature and a small-order key do not verify`() throws {
        let signed = try RecordSamples.signed(.offer(RecordSamples.offer()), by: key, sequence: 5)
        var envelope = signed.envelope
        // The group order L, little-endian (RFC 8032 §5.1).
        let order: [UInt8] =
            [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14]
            + [UInt8](repeating: 0, count: 15) + [0x10]
        var carry = 0
        for (index, byte) in order.enumerated() {
            let at = envelope.count - 32 + index
            carry += Int(envelope[at]) + Int(byte)
            envelope[at] = UInt8(carry & 255)
            carry >>= 8
        }
        #expect(carry == 0 && envelope != signed.envelope)
        #expect(try SignedRecord(envelope: envelope).signatureChecks.map(\.holds) == [false])

        var smallOrder = signed.envelope
        let keyAt = 2 + 4
        smallOrder.replaceSubrange(keyAt..<keyAt + 32, with: [1] + [UInt8](repeating: 0, count: 31))
        #expect(try SignedRecord(envelope: smallOrder).signatureChecks.map(\.holds) == [false])
    }

    @Test func `a record longer than its kind may be is not signed`() throws {
        var machine = RecordSamples.machine()
        machine.devices = (0..<32).map { slot in
            MachineBody.Device(
                slot: slot,
                commitment: [UInt8](repeating: 1, count: 32),
                rawName: String(repeating: "n", count: 96)
            )
        }
        #expect(throws: RecordError.tooLong) { try RecordSamples.signed(.machine(machine), by: key, sequence: 1) }
    }

    @Test func `another payload type may be newer, another key type is refused`() throws {
        let sealed = SignedEnvelope.seal(
            payload: [1],
            payloadType: Array("/rialto/record/2".utf8),
            domain: SignedRecord.domain,
            by: key
        )
        #expect(throws: RecordError.payloadType) { try SignedRecord(envelope: sealed.bytes) }
        #expect(RecordError.payloadType.mayBeNewer)
        var rsa = sealed.bytes
        rsa[3] = 0
        #expect(throws: RecordError.envelope(.key(.unsupportedType(0)))) { try SignedRecord(envelope: rsa) }
    }

    @Test func `a conflict holds two rivals and nothing else`() throws {
        let one = try RecordSamples.signed(.offer(RecordSamples.offer(price: 1)), by: key, sequence: 5)
        let other = try RecordSamples.signed(.offer(RecordSamples.offer(price: 2)), by: key, sequence: 5)
        let later = try RecordSamples.signed(.offer(RecordSamples.offer(price: 3)), by: key, sequence: 6)
        let foreign = try RecordSamples.signed(.offer(RecordSamples.offer()), by: RecordSamples.key(2), sequence: 5)
        #expect(ConflictBody(one, one) == nil)
        #expect(ConflictBody(one, later) == nil)
        #expect(ConflictBody(one, foreign) == nil)
        let body = try #require(ConflictBody(one, other))
        #expect(ConflictBody(other, one) == body)

        let finder = RecordSamples.key(9)
        let signed = try RecordSamples.signed(.conflict(body), by: finder, sequence: 70)
        let parsed = try SignedRecord(envelope: signed.envelope)
        #expect(parsed.record == signed.record)
        #expect(parsed.subject == .conflict(over: one.subject))
        #expect(parsed.author == finder.publicKey && parsed.subject.author == key.publicKey)
        #expect(parsed.signatureChecks.map(\.holds) == [true, true, true])
    }

    @Test func `a conflict of conflicts, of three, or out of order is rejected`() throws {
        let rivals = try (1...4).map {
            try RecordSamples.signed(.offer(RecordSamples.offer(price: $0)), by: key, sequence: 5)
        }.sorted { $0.id < $1.id }
        func error(_ envelopes: [[UInt8]]) -> RecordError? {
            var writer = ProtobufWriter()
            writer.text(1, "main")
            writer.varint(2, 7)
            writer.varint(3, UInt64(RecordSamples.start))
            writer.varint(4, UInt64(RecordSamples.start + 1_000))
            writer.message(9) { for envelope in envelopes { $0.bytes(1, envelope) } }
            do throws(RecordError) { _ = try Record(payload: writer.bytes) } catch { return error }
            return nil
        }
        #expect(error([rivals[0].envelope, rivals[1].envelope]) == nil)
        #expect(error([rivals[1].envelope, rivals[0].envelope]) == .unsorted("conflict.envelopes"))
        #expect(error([rivals[0].envelope]) == .missing("conflict.envelopes"))
        #expect(error(rivals.prefix(3).map(\.envelope)) == .outOfBounds("conflict.envelopes"))
        let conflicts = try zip(rivals, rivals.dropFirst()).map { one, other in
            let body = try #require(ConflictBody(one, other))
            return try RecordSamples.signed(.conflict(body), by: key, sequence: 9)
        }
        #expect(error(conflicts.prefix(2).map(\.envelope)) == .contradiction("conflict.envelopes"))
    }
}
