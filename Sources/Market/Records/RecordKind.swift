/// What a record says; the value is the field number of its body in `rialto-record.proto`.
public enum RecordKind: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    case machine = 5
    case offer = 6
    case presence = 7
    case withdrawal = 8
    case conflict = 9

    /// The longest time between `issued_at` and `expires_at`, in milliseconds.
    public var lifetimeMax: Int64 {
        switch self {
        case .presence: 30 * 60_000
        case .machine, .offer, .withdrawal: 24 * 3_600_000
        case .conflict: 90 * 24 * 3_600_000
        }
    }

    /// The largest envelope, in bytes: 4 KiB, or 9 KiB where two others are embedded.
    public var envelopeByteCountMax: Int {
        switch self {
        case .machine, .offer, .presence, .withdrawal: 4 * 1024
        case .conflict: 9 * 1024
        }
    }

    public static func < (left: RecordKind, right: RecordKind) -> Bool { left.rawValue < right.rawValue }
}
