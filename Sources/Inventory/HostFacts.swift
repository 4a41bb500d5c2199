internal import Foundation
internal import Glibc
public import Market

/// What a machine record says of the host around the GPUs; a fact that the system does not tell is empty or zero.
public struct HostFacts: Hashable, Sendable {
    public var cpuModel = ""
    /// Logical processors that are switched on.
    public var coreCount = 0
    public var memoryGiB = 0
    /// What an ordinary user may still write at the path that was asked about.
    public var diskFreeGiB = 0
    public var operatingSystem = ""
    public var architecture = ""
    /// The memory without rounding, for the record.
    public var memoryMiB = 0

    /// Reads the facts from `/proc`, `/etc/os-release` and the file system that holds `diskPath`.
    public static func read(diskPath: String) -> HostFacts {
        read(
            diskPath: diskPath,
            processorPath: "/proc/cpuinfo",
            memoryPath: "/proc/meminfo",
            releasePath: "/etc/os-release"
        )
    }

    static func read(diskPath: String, processorPath: String, memoryPath: String, releasePath: String) -> HostFacts {
        var facts = HostFacts()
        facts.cpuModel = value(of: "model name", separator: ":", in: processorPath) ?? ""
        facts.coreCount = max(0, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
        facts.memoryMiB = mebibytes(value(of: "MemTotal", separator: ":", in: memoryPath))
        facts.memoryGiB = facts.memoryMiB / 1_024
        facts.diskFreeGiB = freeGibibytes(at: diskPath)
        facts.operatingSystem = value(of: "PRETTY_NAME", separator: "=", in: releasePath) ?? ""
        facts.architecture = machineArchitecture()
        return facts
    }

    /// The facts as a record states them: cut to the record's bounds.
    public var claim: MachineBody.Host {
        typealias Bounds = MachineBody.Bounds
        var host = MachineBody.Host()
        host.cpuModel = Self.cut(cpuModel, byteCountMax: Bounds.cpuModelByteCountMax)
        host.coreCount = min(max(0, coreCount), Bounds.coreCountMax)
        host.memoryMebibytes = min(max(0, memoryMiB), Bounds.hostMemoryMebibytesMax)
        host.diskGibibytes = min(max(0, diskFreeGiB), Bounds.diskGibibytesMax)
        host.operatingSystem = Self.cut(operatingSystem, byteCountMax: Bounds.systemByteCountMax)
        host.architecture = Self.cut(architecture, byteCountMax: Bounds.systemByteCountMax)
        return host
    }

    /// The files are short, or begin with what is sought: a processor's entry has about 1.5 KiB.
    private static let fileByteCountMax = 64 * 1_024

    /// The value of the first line that begins with `key`, without quotes.
    private static func value(of key: String, separator: Character, in path: String) -> String? {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let data = try? file.read(upToCount: fileByteCountMax) else { return nil }
        for line in String(decoding: data, as: UTF8.self).split(separator: "\n") {
            let parts = line.split(separator: separator, maxSplits: 1)
            guard parts.count == 2, parts[0].trimmingCharacters(in: .whitespaces) == key else { continue }
            return parts[1].trimmingCharacters(in: CharacterSet(charactersIn: " \t\""))
        }
        return nil
    }

    /// Reads `65536 kB`.
    private static func mebibytes(_ text: String?) -> Int {
        guard let number = text?.split(separator: " ").first, let kibibytes = Int(number), kibibytes > 0 else {
            return 0
        }
        return kibibytes / 1_024
    }

    private static func freeGibibytes(at path: String) -> Int {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return 0 }
        let (bytes, overflow) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return overflow ? Int.max : Int(bytes / 1_073_741_824)
    }

    private static func machineArchitecture() -> String {
        var names = utsname()
        guard unsafe uname(&names) == 0 else { return "" }
        return unsafe withUnsafeBytes(of: names.machine) { bytes in
            unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// Cuts between characters and drops control characters, which a record refuses.
    private static func cut(_ text: String, byteCountMax: Int) -> String {
        var kept = ""
        for character in text
        where !character.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            guard kept.utf8.count + character.utf8.count <= byteCountMax else { break }
            kept.append(character)
        }
        return kept
    }
}
