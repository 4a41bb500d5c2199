internal import Compression
internal import Primitives

/// Records on their way, packed into one LZ4 block whose length is checked before it is believed.
struct RecordBatch: Hashable, Sendable {
    /// Of the content, unpacked: each envelope behind its length.
    let byteCount: Int
    let block: [UInt8]
    /// How many of the ids that were asked for this answers, from the first on: an id that brought no record is gone.
    let answeredCount: Int

    init(byteCount: Int, block: [UInt8], answeredCount: Int) {
        (self.byteCount, self.block, self.answeredCount) = (byteCount, block, answeredCount)
    }

    /// Packs envelopes that fit (`RecordBatch.Room`).
    init(packing envelopes: [[UInt8]], answeredCount: Int = 0) {
        var content: [UInt8] = []
        for envelope in envelopes {
            UnsignedVarint.append(envelope.count, to: &content)
            content += envelope
        }
        precondition(content.count <= SyncLimits.batchByteCountMax && envelopes.count <= SyncLimits.batchRecordCountMax)
        let block = content.isEmpty ? [] : LZ4Block.compress(content)
        self.init(byteCount: content.count, block: block, answeredCount: answeredCount)
    }

    /// The envelopes; throws unless the block unpacks to exactly what it says.
    func envelopes() throws(SyncError) -> [[UInt8]] {
        guard byteCount > 0 else {
            guard block.isEmpty else { throw .batch }
            return []
        }
        guard byteCount <= SyncLimits.batchByteCountMax,
            let content = try? LZ4Block.decompress(block, byteCount: byteCount)
        else { throw .batch }
        var frames = LengthPrefixedFrames(byteCountMax: SyncLimits.envelopeByteCountMax)
        frames.append(content)
        var envelopes: [[UInt8]] = []
        while let envelope = try? frames.next() {
            guard envelopes.count < SyncLimits.batchRecordCountMax else { throw .batch }
            envelopes.append(envelope)
        }
        // A malformed length stops the reading as the end does, but leaves its bytes behind.
        guard frames.pendingByteCount == 0 else { throw .batch }
        return envelopes
    }

    /// What a batch that is being filled still holds.
    struct Room {
        private(set) var recordCount = SyncLimits.batchRecordCountMax
        private(set) var byteCount = SyncLimits.batchByteCountMax

        /// Takes the place of one more envelope; `false` if there is none.
        mutating func take(_ envelope: [UInt8]) -> Bool {
            let needed = envelope.count + 2
            guard recordCount > 0, byteCount >= needed else { return false }
            recordCount -= 1
            byteCount -= needed
            return true
        }

        /// Takes the place of all or of none.
        mutating func take(_ envelopes: [[UInt8]]) -> Bool {
            var room = self
            guard envelopes.allSatisfy({ room.take($0) }) else { return false }
            self = room
            return true
        }
    }
}
