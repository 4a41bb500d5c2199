public import Foundation

/// Where the foreign libp2p peers are, which `bootstrap/peers` fetches.
public enum ForeignPeers {
    /// `RIALTO_PEERS`, or `.build/peers` of this package.
    private static let folder: URL? = {
        if let path = ProcessInfo.processInfo.environment["RIALTO_PEERS"] { return URL(fileURLWithPath: path) }
        var folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        while folder.pathComponents.count > 1 {
            folder.deleteLastPathComponent()
            let package = folder.appendingPathComponent("Package.swift").path
            if FileManager.default.fileExists(atPath: package) { return folder.appendingPathComponent(".build/peers") }
        }
        return nil
    }()

    /// Why a test that needs them is skipped.
    public static let absence = "go-libp2p and py-libp2p are not here; run bootstrap/peers to fetch them"
    public static let areInstalled = folder.map { exists($0.appendingPathComponent("ready")) } ?? false

    /// One of their programs.
    public static func program(_ path: String) throws -> URL {
        guard let folder else { throw MissingPeer(path: path) }
        return folder.appendingPathComponent(path)
    }

    private static func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }
}

/// There is no package around the tests in which the foreign peers could be.
public struct MissingPeer: Error {
    public let path: String

    public init(path: String) { self.path = path }
}
