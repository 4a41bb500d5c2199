internal import Foundation
internal import Identity

/// `networks/<name>.yaml`: the seed peers of a network, so that `--network NAME` is enough to join it.
struct NetworkFile {
    /// More seeds than any network needs, and fewer than a node dials at once without harm.
    static let seedCountMax = 64
    private static let keys = ["network", "seeds"]

    let path: String
    let seeds: [Multiaddr]

    /// The first file of that name: in the home, beside the program's sources, or where a package would install it.
    static func find(_ network: String, home: String) throws -> NetworkFile? {
        for folder in [home + "/networks"] + besideProgram + installed {
            let path = "\(folder)/\(network).yaml"
            if FileManager.default.fileExists(atPath: path) { return try NetworkFile(path: path, network: network) }
        }
        return nil
    }

    init(path: String, network: String) throws {
        self.path = path
        let entries = try YAMLMapping.read(path: path).entries
        if let stranger = entries.first(where: { !Self.keys.contains($0.key) }) {
            throw YAMLMapping.unknown(stranger.key, path: path, known: Self.keys)
        }
        guard let named = entries.first(where: { $0.key == "network" })?.values, named == [network] else {
            throw CommandFailure(
                .usage,
                "\(path) is not about network '\(network)'",
                hint: "it needs: network: \(network)"
            )
        }
        let texts = entries.first { $0.key == "seeds" }?.values ?? []
        guard texts.count <= Self.seedCountMax else {
            throw CommandFailure(.usage, "\(path) has more than \(Self.seedCountMax) seeds")
        }
        do {
            seeds = try texts.map(NodeSettings.bootstrap)
        } catch let failure as CommandFailure {
            throw CommandFailure(.usage, "\(path): \(failure.message)", hint: failure.hint)
        }
    }

    private static let installed = ["/usr/local/share/rialto/networks", "/usr/share/rialto/networks"]

    /// `bootstrap/networks` of the folders above the program, as in a checkout.
    private static var besideProgram: [String] {
        var folder = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        var folders: [String] = []
        while folder.pathComponents.count > 1 {
            folder.deleteLastPathComponent()
            folders.append(folder.appendingPathComponent("bootstrap/networks").path)
        }
        return folders
    }
}
