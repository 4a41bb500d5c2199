internal import Cryptography
internal import Identity
internal import Kademlia
internal import Market

/// The values of our hash table: where a provider can be found, signed by it, under its peer id.
///
/// Key `/rialto-storefront/` and the peer id's bytes; behind them, for all replicas but the first, the replica's number in one byte.
/// Whoever grinds twenty peer ids to lie around one key still leaves the others (security: "content censorship"), which are all asked.
struct StorefrontValues: ValueValidator {
    static let replicaCount = 4
    private static let prefix = Array("/rialto-storefront/".utf8)

    let network: String
    let own: PeerID
    /// Whose storefronts this node neither keeps nor takes from others.
    let bans: BanBook

    static func key(of peer: PeerID, replica: Int) -> [UInt8] {
        prefix + peer.bytes + (replica == 0 ? [] : [UInt8(replica)])
    }

    /// Whose storefront a key names; `nil` for keys of no storefront.
    static func peer(of key: [UInt8]) -> PeerID? {
        guard key.starts(with: prefix) else { return nil }
        let name = Array(key.dropFirst(prefix.count))
        if let peer = try? PeerID(bytes: name) { return peer }
        guard let replica = name.last, (1..<replicaCount).contains(Int(replica)) else { return nil }
        return try? PeerID(bytes: name.dropLast())
    }

    func shuns(_ key: [UInt8], unixMilliseconds: Int64) -> Bool {
        guard let peer = Self.peer(of: key), peer != own else { return false }
        return bans.shutsOut(peer, at: unixMilliseconds)
    }

    func judge(_ value: KademliaValue, unixMilliseconds: Int64) -> ValueStanding? {
        guard let peer = Self.peer(of: value.key), let record = try? SignedRecord(envelope: value.value),
            record.kind == .storefront, record.record.network == network, PeerID(publicKey: record.author) == peer
        else { return nil }
        let (latest, overflow) = unixMilliseconds.addingReportingOverflow(RecordGate.clockToleranceMilliseconds)
        guard !overflow, record.record.issuedAt <= latest, record.record.expiresAt > unixMilliseconds,
            record.signatureChecks.allSatisfy(\.holds)
        else { return nil }
        return ValueStanding(
            rank: record.record.sequence,
            expiresAtUnixMilliseconds: record.record.expiresAt
        )
    }
}
