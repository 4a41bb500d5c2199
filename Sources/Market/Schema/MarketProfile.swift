public import Cryptography

/// One unit of gossip, storage and reconciliation: a class crossed with a sub-shard of its providers.
public struct Segment: Hashable, Comparable, Sendable {
    public let marketClass: MarketClass
    public let shard: Int

    public init(marketClass: MarketClass, shard: Int) {
        precondition(shard >= 0)
        (self.marketClass, self.shard) = (marketClass, shard)
    }

    /// As topics and settings spell it: `nvidia-consumer/2`.
    public var name: String { "\(marketClass.name)/\(shard)" }

    public static func < (left: Segment, right: Segment) -> Bool {
        (left.marketClass, left.shard) < (right.marketClass, right.shard)
    }
}

/// How the market is cut into segments; versioned, part of the release.
///
/// Profile 1 has 16 segments. Classes follow the catalogue's columns `vendor` and `class`:
///
/// | class | sub-shards | GPUs of the catalogue |
/// | --- | --- | --- |
/// | `nvidia-consumer` | 4 | GeForce |
/// | `nvidia-workstation` | 2 | RTX A, RTX Ada and RTX PRO |
/// | `nvidia-datacenter` | 4 | P, V, T, A, L, H, GH, B series |
/// | `amd-consumer` | 1 | Radeon RX |
/// | `amd-workstation` | 1 | Radeon PRO W |
/// | `amd-datacenter` | 2 | Instinct |
/// | `intel-consumer` | 1 | Arc |
/// | `other` | 1 | everything that the profile does not list |
public struct MarketProfile: Hashable, Sendable {
    /// Market profile 1.
    public static let first = MarketProfile(version: 1)

    public let version: Int

    private init(version: Int) {
        self.version = version
    }

    /// The logarithm of the number of the class's sub-shards.
    public func shardBits(of marketClass: MarketClass) -> Int {
        switch marketClass {
        case .nvidiaConsumer, .nvidiaDatacenter: 2
        case .nvidiaWorkstation, .amdDatacenter: 1
        case .other, .amdConsumer, .amdWorkstation, .intelConsumer: 0
        }
    }

    /// Every segment, ascending.
    public var segments: [Segment] { MarketClass.allCases.sorted().flatMap(segments(of:)) }

    /// The segments of one class: what a search for its GPUs follows.
    public func segments(of marketClass: MarketClass) -> [Segment] {
        (0..<1 << shardBits(of: marketClass)).map { Segment(marketClass: marketClass, shard: $0) }
    }

    /// The segments that a text names: `nvidia-consumer` all of the class, `nvidia-consumer/2` one; empty if there is none such.
    public func segments(named text: String) -> [Segment] {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let marketClass = MarketClass(name: String(parts[0])) else { return [] }
        let all = segments(of: marketClass)
        return parts.count == 1 ? all : all.filter { String($0.shard) == parts[1] }
    }

    /// Where a provider's records of one class belong: the top bits of SHA-256(provider ‖ class).
    ///
    /// The provider is its 32 key bytes, the class its name in ASCII.
    public func segment(of provider: Ed25519.PublicKey, in marketClass: MarketClass) -> Segment {
        guard shardBits(of: marketClass) > 0 else { return Segment(marketClass: marketClass, shard: 0) }
        return segment(of: marketClass, shardByte: Self.shardByte(of: provider, in: marketClass))
    }

    func segment(of marketClass: MarketClass, shardByte: UInt8) -> Segment {
        Segment(marketClass: marketClass, shard: Int(shardByte) >> (8 - shardBits(of: marketClass)))
    }

    /// The first byte of the digest, which is enough for eight bits of shards.
    static func shardByte(of provider: Ed25519.PublicKey, in marketClass: MarketClass) -> UInt8 {
        SHA256.hash(provider.bytes + Array(marketClass.name.utf8))[0]
    }
}
