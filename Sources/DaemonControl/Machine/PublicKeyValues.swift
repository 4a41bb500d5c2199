internal import Cryptography
internal import Identity
package import Kademlia

/// The namespace `/pk`: a peer's public key under its id (libp2p/go-libp2p-record, `PublicKeyValidator`).
///
/// It never becomes wrong, so every copy is as good as any other; it is forgotten after a day unless somebody stores it again.
package struct PublicKeyValues: ValueValidator {
    private static let prefix = Array("/pk/".utf8)
    private static let lifetimeMilliseconds: Int64 = 24 * 3_600_000

    package init() {}

    package func judge(_ value: KademliaValue, unixMilliseconds: Int64) -> ValueStanding? {
        guard value.key.starts(with: Self.prefix),
            let named = try? PeerID(bytes: Array(value.key.dropFirst(Self.prefix.count))),
            let key = try? KeyCodec.decodePublicKey(value.value), PeerID(publicKey: key) == named
        else { return nil }
        let (expiry, overflow) = unixMilliseconds.addingReportingOverflow(Self.lifetimeMilliseconds)
        return overflow ? nil : ValueStanding(rank: 0, expiresAtUnixMilliseconds: expiry)
    }
}
