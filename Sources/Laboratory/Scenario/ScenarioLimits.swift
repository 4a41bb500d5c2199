/// What a scenario may ask for: above this a file is a mistake, or needs another machine.
public enum ScenarioLimits {
    /// Ten times the largest network that fits into 8 GiB.
    public static let nodeCountMax = 1_000_000
    /// A scenario is short; a larger file is something else.
    public static let fileByteCountMax = 256 * 1_024
    /// A matrix of the largest place count, as text.
    public static let dataFileByteCountMax = 256 << 20
    /// The largest public matrix (King) has 1,740 places.
    public static let placeCountMax = 4_096
    public static let traceCountMax = 1_000_000
    /// As many runs as one file may name; more belong into a sweep.
    public static let seedCountMax = 10_000
    public static let faultCountMax = 1_000
    /// Events per second of one node: a hundred times what gossip allows.
    public static let perSecondMax = 100_000
    public static let offersPerProviderMax = 1_000
    public static let connectionCountMax = 10_000
    public static let slownessMax = 10_000
}
