import DaemonControl
import Foundation

/// Where the foreign libp2p peers are, which `bootstrap/peers` fetches.
enum ForeignPeers {
    /// `RIALTO_PEERS`, or `.build/peers` of this package.
    static let folder: URL? = {
        if let path = ProcessInfo.processInfo.environment["RIALTO_PEERS"] { return URL(fileURLWithPath: path) }
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        while folder.pathComponents.count > 1 {
            folder.deleteLastPathComponent()
            let package = folder.appendingPathComponent("Package.swift").path
            if FileManager.default.fileExists(atPath: package) { return folder.appendingPathComponent(".build/peers") }
        }
        return nil
    }()

    static let areInstalled = folder.map { exists($0.appendingPathComponent("ready")) } ?? false

    static func program(_ path: String) throws -> URL {
        guard let folder else { throw PeerFailure.missing(path) }
        return folder.appendingPathComponent(path)
    }

    static func script(_ name: String) throws -> String {
        guard let url = Bundle.module.url(forResource: name, withExtension: "py", subdirectory: "Peers") else {
            throw PeerFailure.missing(name)
        }
        return url.path
    }

    private static func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }
}
