internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import Node
internal import Primitives

/// Sends records whose signature is broken to everybody that listens.
struct Forger: Sendable {
    private static let lifeMilliseconds: Int64 = 30 * 60_000

    private(set) var pace: Pace
    private let key: Ed25519.PrivateKey
    private let network: String
    private var sequence: UInt64 = 0

    init(key: Ed25519.PrivateKey, network: String, perSecond: Int, begins: Instant) {
        (self.key, self.network) = (key, network)
        pace = Pace(perSecond: perSecond, from: begins)
    }

    mutating func wake(tap: GossipTap, at now: Instant, unixMilliseconds: Int64) -> AdversaryActions {
        guard pace.take(at: now), let forged = forgery(unixMilliseconds: unixMilliseconds) else {
            return AdversaryActions()
        }
        let rpc = GossipRPC(messages: [forged])
        return AdversaryActions(outputs: tap.peers.compactMap { tap.sending(rpc, to: $0) })
    }

    /// A presence as it should be, but for one bit of its signature.
    private mutating func forgery(unixMilliseconds: Int64) -> WireMessage? {
        sequence = max(sequence + 1, UInt64(clamping: unixMilliseconds))
        let body = PresenceBody(
            marketClass: .amdConsumer,
            highSequence: 0,
            offerCount: 0,
            offerDigest: [],
            addresses: []
        )
        let record = Record(
            network: network,
            sequence: sequence,
            issuedAt: unixMilliseconds,
            expiresAt: unixMilliseconds + Self.lifeMilliseconds,
            body: .presence(body)
        )
        guard let signed = try? SignedRecord(signing: record, by: key),
            let topic = Topic(MarketProfile.first.topic(of: signed, network: network))
        else { return nil }
        var envelope = signed.envelope
        // The signature is the envelope's last field.
        envelope[envelope.count - 1] ^= 1
        return WireMessage(data: envelope, topic: topic)
    }
}
