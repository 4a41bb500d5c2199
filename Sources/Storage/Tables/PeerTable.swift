internal import Foundation
internal import GRDB
internal import Identity
internal import Node

/// Peers that were reached once, to be tried again after a restart.
enum PeerTable {
    static let name = "peers"

    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE peers (peer BLOB NOT NULL PRIMARY KEY, addresses BLOB NOT NULL, last_seen INTEGER NOT NULL)
                STRICT
                """
        )
    }

    static func put(_ database: Database, _ peer: StoredPeer) throws {
        try database.run(
            "INSERT OR REPLACE INTO peers (peer, addresses, last_seen) VALUES (?, ?, ?)",
            [peer.peer.bytes.blob, encode(peer.addresses).blob, peer.lastSeen]
        )
    }

    /// Forgets all but those who were seen last.
    static func trim(_ database: Database, countMax: Int) throws {
        try database.run(
            """
            DELETE FROM peers WHERE peer IN (SELECT peer FROM peers ORDER BY last_seen DESC, peer LIMIT -1 OFFSET ?)
            """,
            [countMax]
        )
    }

    static func delete(_ database: Database, _ peer: PeerID) throws {
        try database.run("DELETE FROM peers WHERE peer = ?", [peer.bytes.blob])
    }

    static func load(_ database: Database, countMax: Int) throws -> (elements: [StoredPeer], leftOutCount: Int) {
        try database.load(
            "SELECT peer, addresses, last_seen FROM peers ORDER BY last_seen DESC, peer LIMIT ?",
            countMax: countMax
        ) { row in
            guard
                let peer = row.bytes(0, max: StoreLimits.peerByteCountMax).flatMap({ try? PeerID(bytes: $0) }),
                let addresses = row.bytes(1, max: addressesByteCountMax).flatMap(decode),
                let lastSeen = row.integer(2)
            else { return nil }
            return StoredPeer(peer: peer, addresses: addresses, lastSeen: lastSeen)
        }
    }

    private static let addressesByteCountMax = StoreLimits.addressCountMax * (2 + Multiaddr.byteCountMax)

    /// Each address behind its length as two bytes, big-endian.
    private static func encode(_ addresses: [Multiaddr]) -> [UInt8] {
        addresses.prefix(StoreLimits.addressCountMax).flatMap { address in
            [UInt8(address.bytes.count >> 8), UInt8(address.bytes.count & 0xFF)] + address.bytes
        }
    }

    private static func decode(_ bytes: [UInt8]) -> [Multiaddr]? {
        var addresses: [Multiaddr] = []
        var rest = bytes[...]
        while let high = rest.popFirst() {
            guard let low = rest.popFirst() else { return nil }
            let count = Int(high) << 8 | Int(low)
            guard rest.count >= count, let address = try? Multiaddr(bytes: Array(rest.prefix(count))) else {
                return nil
            }
            addresses.append(address)
            rest = rest.dropFirst(count)
        }
        return addresses
    }
}
