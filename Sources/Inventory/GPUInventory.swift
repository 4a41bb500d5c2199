internal import Market

/// Finds the GPUs of this machine: through NVML, opened at run time, else by asking `nvidia-smi`.
///
/// Nothing is linked, so one binary runs with and without a driver. Both interfaces are foreign code whose answers are
/// bounded and checked like a peer's.
public struct GPUInventory: Sendable {
    /// No machine has more cards; a larger count is nonsense and is cut.
    public static let deviceCountMax = 64

    private let libraryPath: String
    private let programPath: String
    private let programTimeout: Duration
    private let catalogue: Catalogue

    /// By default the driver's own library and program, wherever the system finds them; `nvidia-smi` may take ten seconds
    /// because it wakes sleeping cards.
    public init(
        libraryPath: String = "libnvidia-ml.so.1",
        programPath: String = "nvidia-smi",
        programTimeout: Duration = .seconds(10)
    ) {
        self.libraryPath = libraryPath
        self.programPath = programPath
        self.programTimeout = programTimeout
        catalogue = .standard
    }

    /// Asks the driver; blocks until it answers or the time is up.
    public func detect() -> InventoryReport {
        let reasons: (library: String, program: String)
        do throws(DriverFailure) {
            return report(try NVMLLibrary.devices(libraryPath: libraryPath), source: .nvml)
        } catch {
            reasons.library = error.reason
        }
        do throws(DriverFailure) {
            let program = NvidiaSMI(path: programPath, timeout: programTimeout)
            return report(try program.devices(), source: .nvidiaSMI)
        } catch {
            reasons.program = error.reason
        }
        let reason = "\(reasons.library); \(reasons.program)"
        return InventoryReport(source: .none(reason: reason), gpus: [], problems: [], hint: Self.declarationHint)
    }

    private static let declarationHint =
        "no GPU was found by the driver; name one yourself: rialto offer publish --gpu rtx-4090:2"

    private func report(_ found: DriverReport, source: InventorySource) -> InventoryReport {
        let gpus = found.devices.map { device in
            InstalledGPU(
                index: device.index,
                uuid: device.uuid,
                name: device.name,
                memoryMiB: device.memoryMiB,
                driver: device.driver,
                computeCapability: device.computeCapability.flatMap { ComputeCapability(text: $0) },
                pciBus: device.pciBus,
                powerLimitWatts: device.powerLimitWatts,
                model: catalogue.model(driverName: device.name, memoryMiB: device.memoryMiB)
            )
        }
        return InventoryReport(source: source, gpus: gpus, problems: found.problems, hint: Self.hint(gpus))
    }

    private static func hint(_ gpus: [InstalledGPU]) -> String? {
        guard !gpus.isEmpty else { return declarationHint }
        guard let stranger = gpus.first(where: { $0.model == nil }) else { return nil }
        return
            "the catalogue has no '\(stranger.name)' with \(stranger.memoryMiB) MiB: it is offered in the class 'other'"
    }
}
