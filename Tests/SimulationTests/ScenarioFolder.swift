import Foundation
import Laboratory
import Simulator

/// The files under `Simulations/`, found from this source file.
enum ScenarioFolder {
    static let path = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Simulations").path(percentEncoded: false)

    /// The YAML files of one folder, in alphabetical order, as paths below `Simulations/`.
    static func files(in folder: String) -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/" + folder)) ?? []
        return names.filter { $0.hasSuffix(".yaml") }.sorted().map { folder.isEmpty ? $0 : folder + "/" + $0 }
    }

    static func load(_ file: String) throws -> ScenarioFile { try ScenarioFile.load(path: path + "/" + file) }
}
