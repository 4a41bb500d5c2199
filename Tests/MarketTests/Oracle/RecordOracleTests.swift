import Market
import SwiftProtobuf
import Testing

/// Another implementation of protobuf must read what we write, and write it in the same bytes.
///
/// `rialto-record.pb.swift` is generated from the published schema by protoc 3.21 and protoc-gen-swift 1.39.0 with the options
/// `Visibility=Internal` and `UseAccessLevelOnImports=true`; `unsafe` is added by hand before its uses of
/// `_StorageClass.defaultInstance`, which strict memory safety asks for.
@Suite struct `Record oracle` {
    @Test(arguments: 0..<160) func `swift-protobuf reads our bytes and writes them again`(seed: Int) throws {
        var random = RecordSamples.random(5_000 + seed)
        let record = RecordSamples.record(&random)
        let payload = try record.payload()
        let theirs = try Rialto_Record_Record(serializedBytes: payload)
        let bytes: [UInt8] = try theirs.serializedBytes()
        #expect(bytes == payload)
        #expect(theirs.network == record.network && theirs.sequence == record.sequence)
        #expect(theirs.issuedAt == UInt64(record.issuedAt) && theirs.expiresAt == UInt64(record.expiresAt))
        #expect(theirs.unknownFields.data.isEmpty)
    }

    @Test(arguments: 0..<40) func `what swift-protobuf builds from a record's fields is what we sign`(seed: Int) throws
    {
        var random = RecordSamples.random(6_000 + seed)
        let offer = RecordSamples.offer(&random)
        var theirs = Rialto_Record_Record()
        theirs.network = "main"
        theirs.sequence = 42
        theirs.issuedAt = UInt64(RecordSamples.start)
        theirs.expiresAt = UInt64(RecordSamples.start + 1_000)
        theirs.offer = Self.offer(offer)
        let bytes: [UInt8] = try theirs.serializedBytes()
        let ours = Record(
            network: "main",
            sequence: 42,
            issuedAt: RecordSamples.start,
            expiresAt: RecordSamples.start + 1_000,
            body: .offer(offer)
        )
        #expect(try ours.payload() == bytes)
        #expect(try Record(payload: bytes) == ours)
    }

    private static func offer(_ offer: OfferBody) -> Rialto_Record_Offer {
        var theirs = Rialto_Record_Offer()
        theirs.offerID.append(contentsOf: offer.offer.bytes)
        theirs.class = Rialto_Record_Class(rawValue: Int(offer.marketClass.rawValue)) ?? .unspecified
        theirs.machineID.append(contentsOf: offer.machine.bytes)
        theirs.slots = offer.slots.map(UInt32.init)
        theirs.freeSlots = offer.freeSlots.map(UInt32.init)
        theirs.largestBlock = UInt32(offer.largestBlock)
        theirs.price.unit = offer.price.unit
        theirs.price.gpuHour = UInt64(offer.price.gpuHourMicros)
        theirs.price.lowestBid = UInt64(offer.price.lowestBidMicros)
        theirs.price.storageGibMonth = UInt64(offer.price.storageGibibyteMonthMicros)
        theirs.price.trafficGib = UInt64(offer.price.trafficGibibyteMicros)
        theirs.modes = offer.modes.map { $0 == .onDemand ? .onDemand : .interruptible }
        theirs.durationMinS = UInt32(offer.durationMinSeconds)
        theirs.durationMaxS = UInt32(offer.durationMaxSeconds)
        theirs.noticeS = UInt32(offer.noticeSeconds)
        theirs.settlements = offer.settlements
        theirs.awardPolicy = offer.awardPolicy == .firstAcceptable ? .firstAcceptable : .bestAtDeadline
        theirs.awardWindowS = UInt32(offer.awardWindowSeconds)
        theirs.publicBids = offer.hasPublicBids
        theirs.x25519Key.append(contentsOf: offer.sealingKey)
        return theirs
    }
}
