import Primitives
import Testing

@testable import Yamux

/// The header layout is libp2p/specs yamux/README.md, "Framing"; the golden bytes are written out by hand from it.
@Suite struct `Yamux frames` {
    @Test(arguments: [
        (YamuxHeader(.data, [], stream: 1, length: 5), [0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5] as [UInt8]),
        (YamuxHeader(.windowUpdate, .syn, stream: 2, length: 0), [0, 1, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0]),
        (YamuxHeader(.windowUpdate, .ack, stream: 3, length: 262_145), [0, 1, 0, 2, 0, 0, 0, 3, 0, 4, 0, 1]),
        (YamuxHeader(.windowUpdate, .fin, stream: 0x0102_0304, length: 0), [0, 1, 0, 4, 1, 2, 3, 4, 0, 0, 0, 0]),
        (YamuxHeader(.data, [.syn, .rst], stream: 5, length: 0), [0, 0, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0]),
        (YamuxHeader(.ping, .syn, stream: 0, length: 0xdead_beef), [0, 2, 0, 1, 0, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef]),
        (YamuxHeader(.goAway, [], stream: 0, length: 2), [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]),
    ])
    func `headers are twelve big-endian bytes`(_ header: YamuxHeader, _ golden: [UInt8]) throws {
        var bytes: [UInt8] = []
        header.append(to: &bytes)
        #expect(bytes == golden)
        #expect(try YamuxHeader(parsing: golden.span) == header)
    }

    @Test(arguments: [
        (frame(0, 0, 1, 0, version: 1), YamuxProtocolError.version(1)),
        (frame(4, 0, 1), .frameType(4)),
        (frame(0, 16, 1), .flags(16)),
        (frame(1, 0x8001, 1), .flags(0x8001)),
        (frame(0, 0, 0), .streamNotAllowed(0)),
        (frame(1, syn, 0), .streamNotAllowed(0)),
        (frame(2, syn, 3), .streamNotAllowed(3)),
        (frame(3, 0, 3), .streamNotAllowed(3)),
    ])
    func `headers that break a rule are refused by name`(_ bytes: [UInt8], _ error: YamuxProtocolError) {
        #expect(throws: error) { try YamuxHeader(parsing: bytes.span) }
    }

    @Test(arguments: 1...64)
    func `the reader cuts the same pieces however bytes are split`(_ pieceMax: Int) throws {
        let payload = (0..<150).map { UInt8($0) }
        let bytes = data(syn, 1, payload) + windowUpdate(0, 1, 9) + data(fin, 1, []) + frame(2, ack, 0, 77)
        var reader = YamuxFrameReader()
        var headers: [YamuxHeader] = []
        var read: [UInt8] = []
        var start = 0
        while start < bytes.count {
            let piece = Array(bytes[start..<min(bytes.count, start + pieceMax)])
            start += piece.count
            var offset = 0
            while let next = try reader.next(in: piece.span, at: &offset) {
                switch next {
                case .header(let header):
                    headers.append(header)
                    if header.kind == .data { reader.expectPayload(Int(header.length.opaque)) }
                case .payload(let range, let isLast):
                    read += piece[range]
                    #expect(isLast == (read.count == payload.count))
                }
            }
        }
        #expect(read == payload)
        #expect(headers.map(\.kind) == [.data, .windowUpdate, .data, .ping])
        #expect(reader.payloadRemaining == 0)
    }

    @Test func `ids are used once, neighbours may swap, and long skipped ids are spent`() {
        var opened = YamuxOpenedStreams(openedBy: .client)
        let admitted = [1, 5, 3, 3, 1, 5, 2001, 1999, 7, 1489, 1487].map { opened.admit(YamuxStreamID(rawValue: $0)) }
        #expect(admitted == [true, true, true, false, false, false, true, true, false, true, false])
        let isLastAdmitted = opened.admit(YamuxStreamID(rawValue: .max))
        let isRepeated = opened.admit(YamuxStreamID(rawValue: .max))
        #expect(isLastAdmitted && !isRepeated)
        #expect(opened.skippedCount == YamuxOpenedStreams.skippedCountMax)
    }

    @Test func `the byte queue keeps order over many turns`() {
        var queue = YamuxByteQueue()
        var random = SeededRandom(seed: Array(repeating: 3, count: 32))
        var (written, read): ([UInt8], [UInt8]) = ([], [])
        for _ in 0..<500 {
            let bytes = random.bytes(random.below(40))
            written += bytes
            queue.append(bytes)
            queue.moveFirst(random.below(queue.count + 1), to: &read)
            #expect(queue.count == written.count - read.count)
        }
        queue.moveFirst(queue.count, to: &read)
        #expect(read == written && queue.isEmpty)
    }
}
