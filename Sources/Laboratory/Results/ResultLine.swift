internal import Foundation

/// What is read back of a line of `result.jsonl`, to compare runs and to skip those that are done.
public struct ResultLine: Decodable, Hashable, Sendable {
    public struct Finding: Decodable, Hashable, Sendable {
        public let name: String
        public let passed: Bool
    }

    public let scenario: String
    public let seed: UInt64
    public let verdict: String
    public let scenarioHash: String
    public let changes: [String]
    public let programVersion: String
    public let traceHash: String
    /// Whether every signature was computed, instead of once per record.
    public let signaturesComputed: Bool
    public let verdicts: [Finding]
    /// `nil`: not a finite number.
    public let metrics: [String: Double?]
    public let messagesPerSecond: Double
    public let eventsPerSecond: Double
    public let bytesPerNode: Double

    enum CodingKeys: String, CodingKey {
        case scenario, seed, verdict, changes, verdicts, metrics
        case scenarioHash = "scenario_sha256"
        case programVersion = "program_version"
        case traceHash = "trace_hash"
        case signaturesComputed = "signatures_computed"
        case messagesPerSecond = "messages_per_second"
        case eventsPerSecond = "events_per_second"
        case bytesPerNode = "bytes_per_node"
    }

    /// The scenario and what was changed of it: what two sides of a comparison have in common.
    ///
    /// Which seeds were run is no change of it.
    public var variant: String {
        ([scenario] + changes.filter { !$0.hasPrefix("seeds=") }).joined(separator: " ")
    }

    public init(_ line: String) throws {
        self = try JSONDecoder().decode(ResultLine.self, from: Data(line.utf8))
    }
}

/// Files of result lines.
public enum ResultFiles {
    public static let name = "result.jsonl"

    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// The lines of a file, or of every `result.jsonl` below a directory in the order of their paths; equal lines count once.
    public static func lines(at path: String) throws(Problem) -> [ResultLine] {
        var seen: Set<String> = []
        var lines: [ResultLine] = []
        for file in try files(at: path) {
            guard let text = try? String(contentsOfFile: file, encoding: .utf8) else {
                throw Problem(description: "\(file) cannot be read")
            }
            for (index, line) in text.split(separator: "\n").enumerated() where seen.insert(String(line)).inserted {
                do {
                    lines.append(try ResultLine(String(line)))
                } catch {
                    throw Problem(description: "\(file):\(index + 1): no line of a result")
                }
            }
        }
        return lines
    }

    private static func files(at path: String) throws(Problem) -> [String] {
        var isDirectory: ObjCBool = false
        let exists = unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory)
        guard exists else {
            throw Problem(description: "\(path) does not exist")
        }
        guard isDirectory.boolValue else { return [path] }
        let names = FileManager.default.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []
        let files = names.filter { $0 == name || $0.hasSuffix("/" + name) }.sorted().map { path + "/" + $0 }
        guard !files.isEmpty else { throw Problem(description: "\(path) holds no \(name)") }
        return files
    }

    /// Takes away what an earlier run wrote into a directory, which the files of this one might not cover; nothing else there.
    public static func removeOwn(in directory: String) throws(Problem) {
        for file in (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? [] where isOwn(file) {
            do {
                try FileManager.default.removeItem(atPath: "\(directory)/\(file)")
            } catch {
                throw Problem(description: "\(directory)/\(file) is of an earlier run and cannot be removed")
            }
        }
    }

    /// Whether a run writes a file of this name: its line, its tables, and a page or the last events of each seed.
    static func isOwn(_ file: String) -> Bool {
        if file == name || CSVTables.names.contains(file) { return true }
        let pages = [("report", ".html"), ("failure", ".txt")]
        return pages.contains { head, tail in
            guard file.hasPrefix(head), file.hasSuffix(tail), file.count >= head.count + tail.count else {
                return false
            }
            let seed = file.dropFirst(head.count).dropLast(tail.count)
            return seed.isEmpty || seed.hasPrefix("-") && UInt64(seed.dropFirst()) != nil
        }
    }
}

/// A file that is seen whole or not at all.
public enum WholeFile {
    public struct Problem: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// Writes beside the place, or in `work` if that is on the same disk, and renames; makes the directories on the way.
    public static func write(_ text: String, to path: String, work: String? = nil) throws(Problem) {
        let url = URL(fileURLWithPath: path)
        let temporary = URL(fileURLWithPath: work ?? url.deletingLastPathComponent().path)
            .appendingPathComponent(".\(url.lastPathComponent).\(ProcessInfo.processInfo.processIdentifier)")
        do {
            for folder in [url, temporary] {
                try FileManager.default.createDirectory(
                    at: folder.deletingLastPathComponent(),
                    withIntermediateDirectories: true
                )
            }
            try Data(text.utf8).write(to: temporary)
            let renamed = unsafe rename(temporary.path, path)
            guard renamed == 0 else {
                throw Problem(description: "\(path) cannot be written: renaming failed")
            }
        } catch {
            try? FileManager.default.removeItem(at: temporary)
            if let problem = error as? Problem { throw problem }
            throw Problem(description: "\(path) cannot be written: \(error.localizedDescription)")
        }
    }
}
