internal import Foundation

/// What this process holds in memory, as the kernel counts it.
public enum ProcessMemory {
    /// Resident bytes now; 0 where the kernel does not say.
    public static var resident: Int { kilobytes("VmRSS:") << 10 }

    /// The most since the last reset.
    public static var peak: Int { kilobytes("VmHWM:") << 10 }

    /// Lets the peak begin anew (Linux, proc(5): `clear_refs`, value 5), so that each run of a process is measured alone.
    public static func resetPeak() {
        guard let file = FileHandle(forWritingAtPath: "/proc/self/clear_refs") else { return }
        try? file.write(contentsOf: Data("5".utf8))
        try? file.close()
    }

    private static func kilobytes(_ name: String) -> Int {
        guard let text = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix(name) })
        else { return 0 }
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) } ?? 0
    }
}
