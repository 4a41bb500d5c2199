import Cryptography
import Gossipsub
import Identity
import Market
import Primitives

/// Records that look right to the last byte but one: each fails only when its signature is computed.
struct Forgeries {
    let hello: GossipRPC
    private let topic: Topic
    private let envelopes: [[UInt8]]

    init(count: Int, at unixMilliseconds: Int64) throws {
        let key = Ed25519.PrivateKey(seed: Array(repeating: 77, count: 32))
        let profile = MarketProfile.first
        var topicName = ""
        envelopes = try (0..<count).map { number in
            let offer = OfferID(SHA256.hash(Array("forged \(number)".utf8)).prefix(16))
            guard let offer else { preconditionFailure("sixteen bytes") }
            let record = Record(
                network: "main",
                sequence: UInt64(unixMilliseconds) + UInt64(number),
                issuedAt: unixMilliseconds,
                expiresAt: unixMilliseconds + 3_600_000,
                body: .withdrawal(WithdrawalBody(subject: .offer(offer), marketClass: .nvidiaConsumer, reason: 1))
            )
            let signed = try SignedRecord(signing: record, by: key)
            topicName = profile.topic(of: signed, network: "main")
            var bytes = signed.envelope
            bytes[bytes.count - 1] ^= 1
            return bytes
        }
        topic = Topic(topicName) ?? "none"
        hello = GossipRPC(subscriptions: [Subscription(topic: topic, isSubscribed: true)])
    }

    /// So many forgeries, each with a last byte of its own, so that none is known by its bytes.
    func rpc(from start: Int, count: Int) -> GossipRPC {
        let messages = (0..<count).map { number in
            var bytes = envelopes[(start + number) % envelopes.count]
            let variant = UInt8(truncatingIfNeeded: (start + number) / envelopes.count)
            bytes[bytes.count - 2] ^= variant
            return WireMessage(data: bytes, topic: topic)
        }
        return GossipRPC(messages: messages)
    }
}

extension GossipRPC {
    /// Every topic of the market's profile.
    static var subscribingToEverything: GossipRPC {
        let topics = MarketProfile.first.topics(network: "main").compactMap(Topic.init)
        return GossipRPC(subscriptions: topics.map { Subscription(topic: $0, isSubscribed: true) })
    }
}
