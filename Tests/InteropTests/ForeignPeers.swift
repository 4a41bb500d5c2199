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

/// What a test could not do with a foreign peer.
enum PeerFailure: Error, CustomStringConvertible {
    case missing(String)
    case timedOut(String)
    case ended(String)
    /// The peer said no, in its own words.
    case refused(String)
    case malformed(String)

    var description: String {
        switch self {
        case .missing(let what): "\(what) is missing"
        case .timedOut(let what): "waited in vain for \(what)"
        case .ended(let what): "\(what) ended"
        case .refused(let words): "the peer refused: \(words)"
        case .malformed(let what): "the peer's \(what) cannot be read"
        }
    }
}
