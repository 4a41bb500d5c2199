/// A group of GPUs that share gossip topics; the value is its number in `rialto-record.proto`.
///
/// A search for one model follows all sub-shards of that model's class and no others.
public enum MarketClass: UInt8, Hashable, Comparable, Sendable, CaseIterable {
    /// Whatever the profile does not list.
    case other = 1
    case nvidiaConsumer = 2
    case nvidiaWorkstation = 3
    case nvidiaDatacenter = 4
    case amdConsumer = 5
    case amdWorkstation = 6
    case amdDatacenter = 7
    case intelConsumer = 8

    /// The class as topics spell it.
    public var name: String {
        switch self {
        case .other: "other"
        case .nvidiaConsumer: "nvidia-consumer"
        case .nvidiaWorkstation: "nvidia-workstation"
        case .nvidiaDatacenter: "nvidia-datacenter"
        case .amdConsumer: "amd-consumer"
        case .amdWorkstation: "amd-workstation"
        case .amdDatacenter: "amd-datacenter"
        case .intelConsumer: "intel-consumer"
        }
    }

    public init?(name: String) {
        guard let found = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    /// The class of a GPU by the catalogue's columns `vendor` and `class`; pairs without a class of their own are `other`.
    public init(vendor: GPUVendor, gpuClass: GPUClass) {
        self = MarketClass(name: "\(vendor.rawValue)-\(gpuClass.rawValue)") ?? .other
    }

    public static func < (left: MarketClass, right: MarketClass) -> Bool { left.rawValue < right.rawValue }
}
