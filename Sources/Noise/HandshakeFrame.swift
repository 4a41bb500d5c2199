internal import Primitives

/// Cuts handshake messages out of bytes that may be split anywhere: a big-endian length of two bytes, then the message.
///
/// The length is checked against what may come now before a byte of the message is kept.
struct HandshakeFrame: Sendable {
    static let headerByteCount = 2

    private var pending: [UInt8] = []

    var pendingByteCount: Int { pending.count }

    static func append(_ message: [UInt8], to bytes: inout [UInt8]) {
        precondition(message.count <= UInt16.max)
        bytes.append(UInt8(truncatingIfNeeded: message.count >> 8))
        bytes.append(UInt8(truncatingIfNeeded: message.count))
        bytes += message
    }

    /// The next message with a length within `bounds`, taken from the front of `bytes`; `nil` while it is incomplete.
    mutating func next(
        from bytes: inout ArraySlice<UInt8>,
        byteCount bounds: ClosedRange<Int>
    ) throws(NoiseFailure) -> [UInt8]? {
        while pending.count < Self.headerByteCount {
            guard let byte = bytes.popFirst() else { return nil }
            pending.append(byte)
        }
        let wire = UInt16(pending[0]) << 8 | UInt16(pending[1])
        guard let length = WireInteger(wire).int(in: bounds) else { throw .messageLength(wire) }
        let taken = bytes.prefix(Self.headerByteCount + length - pending.count)
        pending += taken
        bytes = bytes.dropFirst(taken.count)
        guard pending.count == Self.headerByteCount + length else { return nil }
        defer { pending = [] }
        return Array(pending[Self.headerByteCount...])
    }
}
