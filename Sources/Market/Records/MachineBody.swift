/// What a provider says about one machine's GPUs of one class and about the host around them.
///
/// A field that is empty or zero was not stated. All of it is a claim.
public struct MachineBody: Hashable, Sendable {
    public enum Bounds {
        /// Thirty-two GPUs fill a 4 KiB record; larger hosts write several machine records.
        public static let deviceCountMax = 32
        public static let slotMax = 255
        public static let commitmentByteCount = 32
        public static let catalogueIDByteCountMax = 48
        public static let rawNameByteCountMax = 96
        public static let driverByteCountMax = 32
        public static let computeCapabilityByteCountMax = 16
        /// 16 TiB.
        public static let deviceMemoryMebibytesMax = 1 << 24
        public static let cpuModelByteCountMax = 96
        public static let coreCountMax = 65_536
        /// 64 TiB.
        public static let hostMemoryMebibytesMax = 1 << 26
        /// 16 PiB.
        public static let diskGibibytesMax = 1 << 24
        public static let diskMegabytesPerSecondMax = 10_000_000
        public static let systemByteCountMax = 32
        public static let networkMegabitsPerSecondMax = 10_000_000
        public static let portCountMax = 65_535
        public static let cityByteCountMax = 64
        public static let wattsMax = 10_000
        public static let gramsPerKilowattHourMax = 10_000
        public static let energySourceByteCountMax = 32
        public static let runtimeCountMax = 16
        public static let runtimeByteCountMax = 32
    }

    public struct Device: Hashable, Sendable {
        /// The device's number on its machine, 0…255; leases name slots.
        public var slot: Int
        /// Salted SHA-256 of the GPU's UUID, 32 bytes: it names the device without telling which it is.
        public var commitment: [UInt8]
        /// The catalogue's id (`rtx-4090`); empty if the catalogue does not know the device.
        public var catalogueID: String
        /// What the driver calls the device.
        public var rawName: String
        public var memoryMebibytes: Int
        public var driver: String
        /// `8.9` for CUDA, `gfx942` for ROCm.
        public var computeCapability: String

        public init(
            slot: Int,
            commitment: [UInt8],
            catalogueID: String = "",
            rawName: String = "",
            memoryMebibytes: Int = 0,
            driver: String = "",
            computeCapability: String = ""
        ) {
            self.slot = slot
            self.commitment = commitment
            self.catalogueID = catalogueID
            self.rawName = rawName
            self.memoryMebibytes = memoryMebibytes
            self.driver = driver
            self.computeCapability = computeCapability
        }
    }

    public struct Host: Hashable, Sendable {
        public var cpuModel = ""
        public var coreCount = 0
        public var memoryMebibytes = 0
        public var diskGibibytes = 0
        public var diskMegabytesPerSecond = 0
        public var operatingSystem = ""
        public var architecture = ""

        public init() {}
    }

    /// How a renter reaches the machine.
    public enum Reach: UInt8, Hashable, Sendable, CaseIterable {
        case `public` = 1
        case punchable = 2
        case relayed = 3
    }

    public struct Network: Hashable, Sendable {
        public var downMegabitsPerSecond = 0
        public var upMegabitsPerSecond = 0
        /// How many ports a renter can have forwarded.
        public var portCount = 0
        /// `nil` if not stated.
        public var reach: Reach?

        public init() {}
    }

    public struct Place: Hashable, Sendable {
        /// ISO 3166-1 alpha-2, upper case; empty if not stated.
        public var country = ""
        /// `AF`, `AN`, `AS`, `EU`, `NA`, `OC`, `SA`; empty if not stated.
        public var continent = ""
        public var city = ""

        public init() {}
    }

    public struct Power: Hashable, Sendable {
        /// Watts that one GPU draws under load.
        public var wattsPerDevice = 0
        /// Grams of CO2 for each kWh.
        public var gramsPerKilowattHour = 0
        /// Where the energy comes from, in the provider's words (`hydro`).
        public var source = ""

        public init() {}
    }

    public var machine: MachineID
    public var marketClass: MarketClass
    /// Ascending by slot; 1…32.
    public var devices: [Device]
    public var host = Host()
    public var network = Network()
    public var place = Place()
    public var power = Power()
    /// Ascending by bytes, unique (`docker`, `podman`).
    public var runtimes: [String] = []

    public init(machine: MachineID, marketClass: MarketClass, devices: [Device]) {
        self.machine = machine
        self.marketClass = marketClass
        self.devices = devices
    }
}
