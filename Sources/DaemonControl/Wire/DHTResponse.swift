internal import Primitives

/// What the hash table brought (libp2p/go-libp2p-daemon, pb/p2pd.proto, `DHTResponse`).
///
/// One result stands in the answer itself. A list is announced there by `begin`; its entries and its `end` follow as messages of
/// their own.
package enum DHTResponse: Hashable, Sendable {
    case begin
    case peer(ControlResponse.PeerEntry)
    case value([UInt8])
    case end

    package var encoded: [UInt8] {
        var writer = ProtobufWriter()
        switch self {
        case .begin: writer.requiredVarint(1, 0)
        case .peer(let entry):
            writer.requiredVarint(1, 1)
            writer.requiredBytes(2, entry.encoded)
        case .value(let value):
            writer.requiredVarint(1, 1)
            writer.requiredBytes(3, value)
        case .end: writer.requiredVarint(1, 2)
        }
        return writer.bytes
    }

    package init(parsing bytes: [UInt8]) throws(ControlError) {
        let fields = try ControlFields(bytes)
        switch fields.number(1) {
        case 0: self = .begin
        case 1:
            if let entry = fields.bytes(2) {
                self = .peer(try ControlResponse.PeerEntry(parsing: entry))
            } else {
                self = .value(fields.bytes(3) ?? [])
            }
        case 2: self = .end
        default: throw .malformed
        }
    }
}
