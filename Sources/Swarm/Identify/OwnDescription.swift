internal import Cryptography
internal import Identity
internal import Primitives

/// What we say of ourselves, apart from the protocols: our addresses, and the record of them that we sign.
struct OwnDescription: Sendable {
    /// Addresses that we name; a machine with more has lost count itself.
    static let addressCountMax = 32

    private(set) var addresses: [Multiaddr] = []
    /// Counts changes, so that each peer is told each change once.
    private(set) var revision = 1
    private var sequence: UInt64 = 0
    private var envelope: [UInt8]?

    /// Takes new addresses; `false` if they are the old ones.
    mutating func setAddresses(_ new: [Multiaddr]) -> Bool {
        guard new != addresses else { return false }
        addresses = new
        envelope = nil
        return true
    }

    /// Something that peers should hear of has changed.
    mutating func changed() {
        revision += 1
    }

    /// The signed record of our addresses, sealed when it is first needed.
    ///
    /// Its sequence is wall time where that is later than the last one, so that it rises over restarts too; before the first
    /// `clock` there is none, since a number that may be too low would be ignored everywhere.
    mutating func signedRecord(of peer: PeerID, by key: Ed25519.PrivateKey, unixMilliseconds: Int64?) -> [UInt8]? {
        if let envelope { return envelope }
        guard let unixMilliseconds, !addresses.isEmpty else { return nil }
        sequence = max(sequence + 1, UInt64(max(0, unixMilliseconds)))
        let sealed = PeerRecord(peer: peer, sequence: sequence, addresses: addresses).seal(by: key).bytes
        envelope = sealed
        return sealed
    }
}
