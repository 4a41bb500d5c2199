/// The ids of data that came lately, so that the further copies of a message cost no SHA-256.
///
/// Found by a keyed hash and believed only if all bytes are equal. The bytes are shared with the messages that wait for a verdict or
/// can be asked for, so that mostly this table alone is what it costs.
struct RecentData: Sendable {
    /// Two generations of so many each: some seconds of the fastest topic, and copies come within one.
    static let countMax = 2_048
    static let byteCountMax = 2 << 20
    /// How many heartbeats a generation is young.
    static let heartbeats = 3

    private struct Data: Hashable {
        let bytes: [UInt8]

        func hash(into hasher: inout Hasher) {
            unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
    }

    private var young: [Data: MessageID] = [:]
    private var old: [Data: MessageID] = [:]
    private var byteCount = 0
    private var age = 0

    var count: Int { young.count + old.count }

    /// The id of a message that proves itself by this data.
    mutating func id(of bytes: [UInt8]) -> MessageID {
        let data = Data(bytes: bytes)
        if let id = young[data] ?? old[data] { return id }
        let id = MessageID.hashing(bytes)
        if young.count == Self.countMax || byteCount + bytes.count > Self.byteCountMax { turn() }
        young[data] = id
        byteCount += bytes.count
        return id
    }

    /// A heartbeat passed.
    mutating func grow() {
        age += 1
        if age >= Self.heartbeats { turn() }
    }

    private mutating func turn() {
        age = 0
        if young.isEmpty && old.isEmpty { return }
        (old, young, byteCount) = (young, [:], 0)
    }

    func checkInvariants() {
        assert(young.count <= Self.countMax && old.count <= Self.countMax)
    }
}
