/// An IPv4 or IPv6 address as its 4 or 16 bytes in network order.
public struct IPAddress: Hashable, Sendable {
    public let bytes: [UInt8]

    /// `nil` unless there are exactly 4 or 16 bytes.
    public init?(_ bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
    }

    public var isIPv4: Bool { bytes.count == 4 }
}
