/// Cuts a stream of bytes into messages that a varint length precedes, as identify, gossipsub and our own protocols frame them.
///
/// The length is checked against the protocol's cap before anything is stored for it, so a length bomb costs its sender the
/// stream and costs us nothing.
public struct LengthPrefixedFrames: Sendable {
    /// Why a stream of messages cannot go on.
    public enum Failure: Error, Hashable, Sendable {
        case malformedLength(UnsignedVarintError)
        case messageTooLong
    }

    public let byteCountMax: Int
    private var pending: [UInt8] = []
    private var start = 0

    /// A splitter that refuses messages of more than `byteCountMax` bytes.
    public init(byteCountMax: Int) {
        precondition(byteCountMax > 0)
        self.byteCountMax = byteCountMax
    }

    /// Bytes that wait for the rest of their message.
    public var pendingByteCount: Int { pending.count - start }

    public mutating func append(_ bytes: [UInt8]) {
        // Nearly always nothing waits: then the bytes are kept as they are, and nothing when they have been read.
        if pending.isEmpty { return pending = bytes }
        if start > 0 {
            pending.removeSubrange(..<start)
            start = 0
        }
        pending += bytes
    }

    /// The next whole message, or `nil` while it is incomplete.
    public mutating func next() throws(Failure) -> [UInt8]? {
        var offset = start
        let length: Int
        do {
            let wire = try UnsignedVarint.read(from: pending.span, at: &offset)
            guard let bounded = wire.int(in: 0...byteCountMax) else { throw Failure.messageTooLong }
            length = bounded
        } catch let error as UnsignedVarintError {
            if error == .truncated { return nil }
            throw .malformedLength(error)
        } catch {
            throw .messageTooLong
        }
        guard pending.count - offset >= length else { return nil }
        let message = Array(pending[offset..<offset + length])
        start = offset + length
        if start == pending.count {
            (pending, start) = ([], 0)
        }
        return message
    }

    /// Takes what waits, for an owner whose stream goes on without lengths.
    public mutating func takePending() -> [UInt8] {
        defer { (pending, start) = ([], 0) }
        return Array(pending[start...])
    }

    /// One message with its length in front.
    public static func framed(_ message: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(message.count + UnsignedVarint.byteCountMax)
        UnsignedVarint.append(message.count, to: &bytes)
        bytes += message
        return bytes
    }
}
