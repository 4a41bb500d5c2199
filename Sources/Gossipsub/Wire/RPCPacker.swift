internal import Primitives

/// Packs encoded fields into as few RPCs as their limits allow.
///
/// The limits are those of the strictest receiver that we know, not our own: 64 KiB an RPC and 16 KiB of control are rust's
/// defaults, 100 subscriptions ours and rust's. A single larger message travels alone.
struct RPCPacker {
    static let byteCountMax = 64 << 10
    static let controlByteCountMax = 16 << 10
    static let subscriptionCountMax = 100

    private(set) var packed: [[UInt8]] = []
    private var bytes: [UInt8] = []
    private var control: [UInt8] = []
    private var subscriptionCount = 0

    mutating func addSubscription(_ field: [UInt8]) {
        if subscriptionCount == Self.subscriptionCountMax { close() }
        makeRoom(for: field.count)
        bytes += field
        subscriptionCount += 1
    }

    mutating func addMessage(_ field: [UInt8]) {
        makeRoom(for: field.count)
        // The first field shares its storage with the other receivers of the same message.
        if bytes.isEmpty { bytes = field } else { bytes += field }
    }

    mutating func addControl(_ field: [UInt8]) {
        if !control.isEmpty && control.count + field.count > Self.controlByteCountMax { close() }
        makeRoom(for: field.count)
        control += field
    }

    mutating func finish() -> [[UInt8]] {
        close()
        return packed
    }

    private mutating func makeRoom(for count: Int) {
        let used = bytes.count + control.count
        if used > 0 && used + count > Self.byteCountMax { close() }
    }

    private mutating func close() {
        if !control.isEmpty {
            var writer = ProtobufWriter()
            writer.requiredBytes(3, control)
            bytes += writer.bytes
        }
        if !bytes.isEmpty { packed.append(bytes) }
        (bytes, control, subscriptionCount) = ([], [], 0)
    }
}
