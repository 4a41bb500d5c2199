internal import Identity
internal import OrderedCollections
internal import Primitives

/// Peers that turned out to be of other networks: they are not sought again soon, however often the LAN names them.
struct OtherNetworks: Sendable {
    static let restTime = Duration.seconds(3_600)
    /// More than one LAN holds; the longest unseen is forgotten first.
    static let peerCountMax = 256

    private var metAt: OrderedDictionary<PeerID, Instant> = [:]

    mutating func met(_ peer: PeerID, at now: Instant) {
        metAt[peer] = nil
        if metAt.count >= Self.peerCountMax { metAt.removeFirst() }
        metAt[peer] = now
    }

    /// It may have changed its network since.
    func rests(_ peer: PeerID, at now: Instant) -> Bool {
        metAt[peer].map { $0.advanced(by: Self.restTime) > now } ?? false
    }

    func checkInvariants() {
        precondition(metAt.count <= Self.peerCountMax)
    }
}
