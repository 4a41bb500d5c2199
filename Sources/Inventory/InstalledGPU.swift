public import Market

/// One GPU of this machine, as its driver describes it.
public struct InstalledGPU: Hashable, Sendable {
    /// The driver's number, from zero; also the slot that an offer names.
    public let index: Int
    /// The driver's name for this very card.
    ///
    /// It is never published; a machine record commits to it.
    public let uuid: String
    public let name: String
    public let memoryMiB: Int
    public let driver: String
    public let computeCapability: ComputeCapability?
    /// Domain, bus, device and function, such as `00000000:01:00.0`; empty if the driver does not say.
    public let pciBus: String
    /// The limit that is set now, not the card's largest.
    public let powerLimitWatts: Int?
    /// The catalogue's model; `nil` if it lists none with this name and size, so that the card's class is `other`.
    public let model: GPUModel?
}

/// Where the list of GPUs comes from.
public enum InventorySource: Hashable, Sendable {
    case nvml
    case nvidiaSMI
    /// Neither answered; the reason names both attempts.
    case none(reason: String)
}

/// What was found on this machine, and what to do if that is not everything.
public struct InventoryReport: Hashable, Sendable {
    public let source: InventorySource
    public let gpus: [InstalledGPU]
    /// What went wrong on the way, one sentence each: a card that does not answer, a line that makes no sense.
    public let problems: [String]
    /// What to do next where nothing, or only unknown cards, were found.
    public let hint: String?
}
