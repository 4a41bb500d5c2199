internal import Cryptography
public import Simulator

/// A scenario on the disk, with what was changed of it on the command line.
public struct ScenarioFile: Sendable {
    public let path: String
    public let scenario: Scenario
    public let changes: [ScenarioChange]
    /// SHA-256 in hexadecimal of the file's bytes, followed by those of the matrices and traces that it names, in order.
    public let hash: String

    /// Reads and checks a file; its data files are looked for beside it.
    public static func load(path: String, changes: [ScenarioChange] = []) throws(ScenarioProblems) -> ScenarioFile {
        guard let bytes = TextFile.bytes(of: path, countMax: ScenarioLimits.fileByteCountMax) else {
            let limit = ScenarioLimits.fileByteCountMax >> 10
            throw ScenarioProblems([
                ScenarioProblem(path: path, message: "the file cannot be read, or has more than \(limit) KiB")
            ])
        }
        let folder = path.contains("/") ? String(path[...(path.lastIndex(of: "/") ?? path.startIndex)]) : ""
        var material = bytes
        let scenario = try ScenarioReader.read(
            String(decoding: bytes, as: UTF8.self),
            path: path,
            changes: changes,
            loadFile: { name in
                let dataPath = name.hasPrefix("/") ? name : folder + name
                guard let data = TextFile.bytes(of: dataPath, countMax: ScenarioLimits.dataFileByteCountMax) else {
                    return nil
                }
                material += data
                return String(decoding: data, as: UTF8.self)
            }
        )
        return ScenarioFile(path: path, scenario: scenario, changes: changes, hash: Self.hash(material))
    }

    /// What the scenario in a file with this path is called.
    public static func name(of path: String) -> String { ScenarioReader.name(of: path) }

    private static func hash(_ bytes: [UInt8]) -> String {
        SHA256.hash(bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
