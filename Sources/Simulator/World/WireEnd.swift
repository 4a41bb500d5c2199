/// One life of one node: what is meant for a former life is not heard by the next.
struct NodeLife: Hashable, Sendable {
    let node: UInt32
    let life: UInt32

    var index: Int { Int(node) }
}

/// One end of one connection between two nodes, in eight bytes.
///
/// A wire's place is used again after its end; the generation tells its former uses apart.
struct WireEnd: Hashable, Sendable {
    private static let generationMask: UInt64 = (1 << 30) - 1

    /// Generation, 30 bits; place, 32 bits; side, one bit; the highest bit is free.
    let rawValue: UInt64

    init(slot: UInt32, generation: UInt32, isDialer: Bool) {
        rawValue = (UInt64(generation) & Self.generationMask) << 33 | UInt64(slot) << 1 | (isDialer ? 1 : 0)
    }

    init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    var slot: Int { Int(truncatingIfNeeded: (rawValue >> 1) & 0xFFFF_FFFF) }
    var generation: UInt32 { UInt32(truncatingIfNeeded: rawValue >> 33) }
    var isDialer: Bool { rawValue & 1 == 1 }
    var far: WireEnd { WireEnd(rawValue: rawValue ^ 1) }
}
