import Foundation
import TestSupport

extension ForeignPeers {
    /// A program of ours that drives one of them.
    static func script(_ name: String) throws -> String {
        guard let url = Bundle.module.url(forResource: name, withExtension: "py", subdirectory: "Peers") else {
            throw MissingPeer(path: name)
        }
        return url.path
    }
}
