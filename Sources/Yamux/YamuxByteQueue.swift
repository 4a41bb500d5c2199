/// Bytes that wait to be sent: one flat buffer, so that a million small writes cost no more than a large one.
struct YamuxByteQueue: Sendable {
    private var bytes: [UInt8] = []
    private var start = 0

    var count: Int { bytes.count - start }
    var isEmpty: Bool { count == 0 }

    mutating func append(_ more: [UInt8]) {
        // What comes to an empty queue is not copied.
        guard !isEmpty else {
            (bytes, start) = (more, 0)
            return
        }
        // Moving the rest down only once it is the smaller part keeps the cost of a byte constant.
        if start > bytes.count / 2 {
            bytes.removeSubrange(..<start)
            start = 0
        }
        bytes += more
    }

    mutating func moveFirst(_ byteCount: Int, to sink: inout [UInt8]) {
        precondition((0...count).contains(byteCount))
        sink += bytes[start..<start + byteCount]
        start += byteCount
        if start == bytes.count {
            bytes = []
            start = 0
        }
    }
}
