/// What one driver interface said of all GPUs, before the catalogue is asked.
struct DriverReport {
    /// What a driver says of one GPU.
    struct Device {
        var index: Int
        var uuid: String
        var name: String
        var memoryMiB: Int
        var driver: String
        var computeCapability: String?
        var pciBus = ""
        var powerLimitWatts: Int?
    }

    var devices: [Device] = []
    var problems: [String] = []
}

/// Why a driver interface could not be asked, as a sentence for people.
struct DriverFailure: Error {
    let reason: String
}
