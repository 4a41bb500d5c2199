public import Cryptography

/// What somebody measured about a provider, said so that others can check or weigh it.
public struct AttestationBody: Hashable, Sendable {
    public enum Bounds {
        public static let deviceCountMax = MachineBody.Bounds.deviceCountMax
        public static let metricByteCountMax = 32
        public static let unitByteCountMax = 16
        public static let methodByteCountMax = 64
        public static let seedByteCountMax = 32
        public static let digestCountMax = 8
        public static let digestByteCount = 32
        public static let valueMax = Int(RecordAmount.microsMax)
        public static let windowMillisecondsMax: Int64 = 90 * 86_400_000
    }

    public enum Kind: UInt8, Hashable, Comparable, Sendable, CaseIterable {
        /// From probes.
        case uptime = 1
        /// From the attester's own leases.
        case outcome = 2
        case benchmark = 3
        case audit = 4

        public static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
    }

    public var marketClass: MarketClass
    public var provider: Ed25519.PublicKey
    /// The commitments of the devices that were looked at, ascending, unique; empty for all of the provider.
    public var devices: [[UInt8]]
    public var kind: Kind
    /// What was measured (`answered`), 1…32 bytes.
    public var metric: String
    /// In millionths of the unit.
    public var valueMicros: Int64
    /// `ratio`, `int8-tops` …: 1…16 bytes.
    public var unit: String
    /// How, with its version (`probe/1`), 1…64 bytes.
    public var method: String
    /// What a checker needs to repeat it; may be empty.
    public var seed: [UInt8]
    /// Digests of the evidence, in the method's order.
    public var digests: [[UInt8]]
    /// `[from, to)` in milliseconds since the Unix epoch.
    public var from: Int64
    public var to: Int64

    public init(
        marketClass: MarketClass,
        provider: Ed25519.PublicKey,
        devices: [[UInt8]] = [],
        kind: Kind,
        metric: String,
        valueMicros: Int64,
        unit: String,
        method: String,
        seed: [UInt8] = [],
        digests: [[UInt8]] = [],
        from: Int64,
        to: Int64
    ) {
        self.marketClass = marketClass
        self.provider = provider
        self.devices = devices
        self.kind = kind
        self.metric = metric
        self.valueMicros = valueMicros
        self.unit = unit
        self.method = method
        self.seed = seed
        self.digests = digests
        self.from = from
        self.to = to
    }

    /// What one attester says once: provider, kind, and 16 bytes of SHA-256 over metric and devices.
    var subjectID: [UInt8] {
        let digest = SHA256.hash(Array(metric.utf8) + [0] + devices.flatMap(\.self))
        return provider.bytes + [kind.rawValue] + digest.prefix(16)
    }
}
