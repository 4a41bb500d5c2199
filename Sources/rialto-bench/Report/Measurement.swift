import Foundation

/// All that was measured of one row.
struct Measurement: Codable {
    let row: Row
    var go: [Double] = []
    var rialto: [Double] = []
    var limits: [Double] = []

    /// Ours over go's of the same round, as a gain: above 1 is better, whatever the row counts.
    var gains: [Double] {
        zip(go, rialto).map { go, rialto in row.isRate ? rialto / go : go / rialto }
    }

    /// How near to the limit: 1 is at it.
    var shareOfLimit: Double? {
        guard !limits.isEmpty, !rialto.isEmpty else { return nil }
        let (limit, value) = (median(limits), median(rialto))
        let share = row.isRate ? value / limit : limit / value
        return share.isFinite ? share : nil
    }
}

/// A run of the benchmarks and where it was made.
struct BenchReport: Codable {
    let date: String
    let machine: String
    let rounds: Int
    let measurements: [Measurement]
}

/// The middle of some numbers; the mean of the two middle ones of an even count.
func median(_ numbers: [Double]) -> Double {
    let sorted = numbers.sorted()
    guard !sorted.isEmpty else { return .nan }
    let middle = sorted.count / 2
    return sorted.count.isMultiple(of: 2) ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}

extension BenchReport {
    /// The processor's name, how many there are, the memory and the kernel.
    static var machine: String {
        let information = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
        let model =
            information.split(separator: "\n").first { $0.hasPrefix("model name") }?.split(separator: ":").last
            .map { $0.trimmingCharacters(in: .whitespaces) } ?? "unknown processor"
        let gibibytes = Double(ProcessInfo.processInfo.physicalMemory) / Double(1 << 30)
        let count = ProcessInfo.processInfo.activeProcessorCount
        return
            "\(model), \(count) processors, \(Int(gibibytes.rounded())) GiB, \(ProcessInfo.processInfo.operatingSystemVersionString)"
    }
}
