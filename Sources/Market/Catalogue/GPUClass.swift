/// What kind of product a GPU is: the first half of a market segment (market profile 1).
///
/// The order is the catalogue's. A GPU that the catalogue does not list is `other`.
public enum GPUClass: String, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    case consumer
    case workstation
    case datacenter
    case other

    public var description: String { rawValue }
}

/// Who made a GPU.
public enum GPUVendor: String, CaseIterable, Hashable, Sendable, CustomStringConvertible {
    case nvidia
    case amd
    case intel

    public var description: String { rawValue }
}

/// How far the catalogue's figures of one model can be relied on.
public enum CatalogueConfidence: String, CaseIterable, Hashable, Sendable {
    case high
    case medium
    case low
}

/// NVIDIA's version of a GPU's instruction set, such as 8.6; other vendors have none.
public struct ComputeCapability: Hashable, Comparable, Sendable, CustomStringConvertible {
    public static let partMax = 99

    public let major: Int
    public let minor: Int

    /// `nil` unless both parts lie within 0 … 99.
    public init?(major: Int, minor: Int) {
        guard (0...Self.partMax).contains(major), (0...Self.partMax).contains(minor) else { return nil }
        self.major = major
        self.minor = minor
    }

    /// Reads `major.minor`, or `major` alone as `major.0`.
    public init?(text: some StringProtocol) {
        let parts = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
        guard let first = parts.first, parts.count <= 2, let major = Self.part(first) else { return nil }
        guard parts.count == 2 else {
            self.init(major: major, minor: 0)
            return
        }
        guard let minor = Self.part(parts[1]) else { return nil }
        self.init(major: major, minor: minor)
    }

    private static func part(_ text: some StringProtocol) -> Int? {
        guard text.utf8.count <= 2, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text)
    }

    /// The two parts as one ordered number: major × 100 + minor.
    public var ordinal: Int { major * 100 + minor }

    public static func < (left: ComputeCapability, right: ComputeCapability) -> Bool { left.ordinal < right.ordinal }

    public var description: String { "\(major).\(minor)" }
}
