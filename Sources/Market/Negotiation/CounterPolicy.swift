public import Cryptography
internal import Primitives

/// What a provider will and will not do, beyond what its offers say; from its policy file.
public struct CounterPolicy: Hashable, Sendable {
    /// Devices are never held longer for an award that nobody accepts.
    public static let holdMax = Duration.seconds(60)

    /// Bids below it are refused, by unit; absent units have no floor.
    public var floorMicros: [String: Int64] = [:]
    /// How much a renter may owe before the provider stops; the lease's exposure limit.
    public var exposureMicrosMax: Int64 = 1_000_000
    public var blockedPeers: Set<Ed25519.PublicKey> = []
    /// How long devices are held for an award.
    public var hold = Duration.seconds(10)
    public var meterSeconds = 60
    /// How long a bidder whose award lapsed waits; doubling.
    public var coolingDown = Duration.seconds(600)

    public init() {}

    var holdMilliseconds: Int64 { max(1, min(hold, Self.holdMax).milliseconds) }
}

/// The stream on which somebody talks to the counter, numbered by the owner.
public struct CounterConversation: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}

/// One write or signature that the counter waits for, numbered by the counter.
public struct CounterTicket: Hashable, Sendable {
    public let rawValue: UInt64

    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }
}
