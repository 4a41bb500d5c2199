internal import Glibc

/// NVML, the driver's library, opened for one question and closed again.
///
/// Names, argument order and sizes follow NVIDIA's NVML API reference ("Device Queries", "System Queries"). The library is
/// foreign code in our process: only documented calls, every return code checked, every buffer of the documented size.
@safe
struct NVMLLibrary {
    private typealias Device = OpaquePointer
    private typealias Plain = @convention(c) () -> Int32
    private typealias GetCount = @convention(c) (UnsafeMutablePointer<UInt32>) -> Int32
    private typealias GetHandle = @convention(c) (UInt32, UnsafeMutablePointer<Device?>) -> Int32
    private typealias GetSystemText = @convention(c) (UnsafeMutablePointer<CChar>, UInt32) -> Int32
    private typealias GetText = @convention(c) (Device, UnsafeMutablePointer<CChar>, UInt32) -> Int32
    private typealias GetMemory = @convention(c) (Device, UnsafeMutablePointer<UInt64>) -> Int32
    private typealias GetPair =
        @convention(c) (Device, UnsafeMutablePointer<Int32>, UnsafeMutablePointer<Int32>) -> Int32
    private typealias GetNumber = @convention(c) (Device, UnsafeMutablePointer<UInt32>) -> Int32
    private typealias GetBytes = @convention(c) (Device, UnsafeMutablePointer<UInt8>) -> Int32

    /// `NVML_DEVICE_NAME_V2_BUFFER_SIZE`, `NVML_DEVICE_UUID_V2_BUFFER_SIZE` and the driver version's 80 fit.
    private static let textByteCount = 96
    /// `nvmlPciInfo_t`: 16 characters, five 32-bit numbers, then the bus id in 32 characters.
    private static let busByteCount = 68
    private static let busTextOffset = 36
    /// `nvmlMemory_t`: total, free and used bytes.
    private static let memoryFieldCount = 3
    private static let success: Int32 = 0

    private let handle: UnsafeMutableRawPointer
    private let libraryPath: String

    /// Asks the library at a path, or of a name that the system's loader knows, about all devices.
    static func devices(libraryPath: String) throws(DriverFailure) -> DriverReport {
        guard let handle = unsafe dlopen(libraryPath, RTLD_NOW | RTLD_LOCAL) else {
            throw DriverFailure(reason: "\(libraryPath) cannot be opened")
        }
        let library = unsafe NVMLLibrary(handle: handle, libraryPath: libraryPath)
        defer { unsafe dlclose(handle) }
        return try library.devices()
    }

    private func devices() throws(DriverFailure) -> DriverReport {
        let start = try function("nvmlInit_v2", as: Plain.self)
        let stop = try function("nvmlShutdown", as: Plain.self)
        try check(start(), "nvmlInit_v2")
        defer { _ = stop() }
        let getCount = unsafe try function("nvmlDeviceGetCount_v2", as: GetCount.self)
        let getVersion = unsafe try function("nvmlSystemGetDriverVersion", as: GetSystemText.self)
        var count: UInt32 = 0
        try check(unsafe getCount(&count), "nvmlDeviceGetCount_v2")
        let driver = unsafe try text("nvmlSystemGetDriverVersion") { buffer, size in unsafe getVersion(buffer, size) }

        var report = DriverReport()
        let countMax = GPUInventory.deviceCountMax
        if count > countMax { report.problems.append("the driver counts \(count) GPUs; only \(countMax) are asked") }
        for index in 0..<min(Int(count), countMax) {
            do throws(DriverFailure) {
                report.devices.append(try device(at: index, driver: driver))
            } catch {
                report.problems.append("GPU \(index) does not answer: \(error.reason)")
            }
        }
        return report
    }

    /// Name, UUID and memory must be there; the rest is left out where a card does not support it.
    private func device(at index: Int, driver: String) throws(DriverFailure) -> DriverReport.Device {
        let getHandle = unsafe try function("nvmlDeviceGetHandleByIndex_v2", as: GetHandle.self)
        let getName = unsafe try function("nvmlDeviceGetName", as: GetText.self)
        let getUUID = unsafe try function("nvmlDeviceGetUUID", as: GetText.self)
        let getMemory = unsafe try function("nvmlDeviceGetMemoryInfo", as: GetMemory.self)

        var handle: Device?
        try check(unsafe getHandle(UInt32(index), &handle), "nvmlDeviceGetHandleByIndex_v2")
        guard let handle = unsafe handle else { throw failure("nvmlDeviceGetHandleByIndex_v2 gave no handle") }
        let name = unsafe try text("nvmlDeviceGetName") { buffer, size in unsafe getName(handle, buffer, size) }
        let uuid = unsafe try text("nvmlDeviceGetUUID") { buffer, size in unsafe getUUID(handle, buffer, size) }
        var memory = [UInt64](repeating: 0, count: Self.memoryFieldCount)
        try check(unsafe getMemory(handle, &memory), "nvmlDeviceGetMemoryInfo")
        return DriverReport.Device(
            index: index,
            uuid: uuid,
            name: name,
            memoryMiB: Int(memory[0] / 1_048_576),
            driver: driver,
            computeCapability: unsafe computeCapability(of: handle),
            pciBus: unsafe pciBus(of: handle),
            powerLimitWatts: unsafe powerLimit(of: handle)
        )
    }

    private func computeCapability(of device: Device) -> String? {
        guard let get = unsafe try? function("nvmlDeviceGetCudaComputeCapability", as: GetPair.self) else { return nil }
        var (major, minor) = (Int32(0), Int32(0))
        return unsafe get(device, &major, &minor) == Self.success ? "\(major).\(minor)" : nil
    }

    private func powerLimit(of device: Device) -> Int? {
        guard let get = unsafe try? function("nvmlDeviceGetPowerManagementLimit", as: GetNumber.self) else {
            return nil
        }
        var milliwatts: UInt32 = 0
        return unsafe get(device, &milliwatts) == Self.success ? Int(milliwatts / 1_000) : nil
    }

    private func pciBus(of device: Device) -> String {
        guard let get = unsafe try? function("nvmlDeviceGetPciInfo_v3", as: GetBytes.self) else { return "" }
        var bytes = [UInt8](repeating: 0, count: Self.busByteCount)
        guard unsafe get(device, &bytes) == Self.success else { return "" }
        return String(validating: bytes[Self.busTextOffset...].prefix { $0 != 0 }, as: UTF8.self) ?? ""
    }

    private func function<Function>(_ name: String, as type: Function.Type) throws(DriverFailure) -> Function {
        guard let symbol = unsafe dlsym(handle, name) else { throw failure("\(name) is missing") }
        return unsafe unsafeBitCast(symbol, to: type)
    }

    private func text(
        _ name: String,
        read: (UnsafeMutablePointer<CChar>, UInt32) -> Int32
    ) throws(DriverFailure) -> String {
        var buffer = [CChar](repeating: 0, count: Self.textByteCount)
        let size = UInt32(buffer.count)
        let code = unsafe buffer.withUnsafeMutableBufferPointer { pointer in
            unsafe pointer.baseAddress.map { unsafe read($0, size) } ?? -1
        }
        try check(code, name)
        let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
        guard !bytes.isEmpty, let text = String(validating: bytes, as: UTF8.self) else {
            throw failure("\(name) gave no text")
        }
        return text
    }

    private func check(_ code: Int32, _ name: String) throws(DriverFailure) {
        guard code == Self.success else { throw failure("\(name) failed with code \(code)\(Self.meaning(code))") }
    }

    private func failure(_ reason: String) -> DriverFailure {
        DriverFailure(reason: "\(libraryPath): \(reason)")
    }

    /// The return codes that a person can act on (NVML API reference, `nvmlReturn_t`).
    private static func meaning(_ code: Int32) -> String {
        switch code {
        case 3: " (not supported)"
        case 4: " (no permission)"
        case 9: " (the driver is not loaded)"
        case 15: " (the GPU has fallen off the bus)"
        case 18: " (driver and library have different versions)"
        default: ""
        }
    }
}
