internal import Foundation
internal import Glibc
internal import LocalAPI

/// What the kernel knows of this process (proc(5)).
enum ProcessFacts {
    private static let start = Double(ShellClock.unixMilliseconds) / 1_000

    /// Notes when the process began; called once, at its beginning.
    static func begin() { _ = start }

    static func fill(_ facts: inout ShellFacts) {
        facts.processStart = start
        facts.residentByteCount = residentByteCount
        facts.descriptorCount = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").count) ?? 0
        facts.descriptorCountMax = descriptorCountMax
        facts.processorTime = processorTime
    }

    static var descriptorCountMax: Int {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 0 }
        return Int(clamping: limit.rlim_cur)
    }

    /// The second number of `statm`: pages in memory.
    private static var residentByteCount: Int {
        let text = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8)) ?? ""
        let words = text.split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * Int(getpagesize()) : 0
    }

    private static var processorTime: Duration {
        var usage = rusage()
        guard unsafe getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage) == 0 else { return .zero }
        let seconds = Int64(usage.ru_utime.tv_sec) + Int64(usage.ru_stime.tv_sec)
        return .seconds(seconds) + .microseconds(Int64(usage.ru_utime.tv_usec) + Int64(usage.ru_stime.tv_usec))
    }

    /// When the file was last written, Unix time in seconds.
    static func changed(ofFile path: String) -> Int64? {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int64(status.st_mtim.tv_sec) : nil
    }

    static func size(ofFile path: String) -> Int {
        var status = stat()
        return unsafe stat(path, &status) == 0 ? Int(status.st_size) : 0
    }
}
