import Cryptography
import Foundation
import Identity
import Market
import Node
import Primitives
import Testing

/// A directory of the test's own, gone with it.
final class ScratchHome {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(
            atPath: path,
            withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700]
        )
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    func file(_ name: String) -> String { path + "/" + name }

    var names: [String] { (try? FileManager.default.contentsOfDirectory(atPath: path).sorted()) ?? [] }
}

/// Values that differ in every field.
enum Sample {
    static func author(_ number: UInt8) throws -> Ed25519.PublicKey {
        try #require(Ed25519.PublicKey([UInt8](repeating: number, count: 32)))
    }

    static func subject(_ number: UInt8) throws -> SubjectKey {
        SubjectKey(author: try author(number), kind: .offer, id: [UInt8](repeating: number, count: 16))
    }

    static func record(_ number: UInt8, sequence: UInt64 = 5, byteCount: Int = 100) throws -> StoredRecord {
        StoredRecord(
            id: try #require(RecordID([UInt8](repeating: number, count: 31) + [UInt8(truncatingIfNeeded: sequence)])),
            subject: try subject(number),
            sequence: sequence,
            expiresAt: 1_800_000_000_000 + Int64(number),
            receivedAt: 1_700_000_000_000 + Int64(number),
            envelope: [UInt8](repeating: number, count: byteCount)
        )
    }

    static func peer(_ number: UInt8, lastSeen: Int64 = 3) throws -> StoredPeer {
        StoredPeer(
            peer: PeerID(publicKey: try author(number)),
            addresses: [
                try Multiaddr(text: "/ip4/192.0.2.\(number)/tcp/4180"), try Multiaddr(text: "/dns4/a.example/tcp/1"),
            ],
            lastSeen: lastSeen
        )
    }
}
