import DaemonControl
import Foundation
import Gossipsub

/// One daemon publishes, another is subscribed; no more than eight messages are under way, and none may be lost.
struct GossipPairWorkload: Workload {
    static let byteCount = 512
    static let inFlightMax = 8

    let rows = [Row.gossipPair, .gossipCPU]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let publisher = try BenchDaemon(side, programs, number: 1, hasPubsub: true)
        let subscriber = try BenchDaemon(side, programs, number: 2, hasPubsub: true)
        defer {
            publisher.stop()
            subscriber.stop()
        }
        let topic: Topic = "bench"
        let own = try publisher.client.subscribe(topic)
        let messages = try subscriber.client.subscribe(topic)
        try publisher.client.connect(to: subscriber.address)
        let session = try ControlSession(control: publisher.client.control)
        try GossipPayload.warmUp(session, topic, until: messages)
        try own.drop(within: .milliseconds(50))
        let processor = try publisher.processorSeconds() + subscriber.processorSeconds()
        let duration = try seconds {
            var (sent, received) = (0, 0)
            while received < count {
                while sent < count, sent - received < Self.inFlightMax {
                    try session.send(.publish(topic, GossipPayload.bytes(sent, Self.byteCount)))
                    sent += 1
                }
                // A message that is lost lets this wait in vain: the measurement then fails.
                while try GossipPayload.number(of: messages.next().data) == nil {}
                _ = try own.next()
                try session.answer()
                received += 1
            }
        }
        let spent = try publisher.processorSeconds() + subscriber.processorSeconds() - processor
        let crypto = CryptoSpeed.measured
        return Figures(
            values: [.gossipPair: Double(count) / duration, .gossipCPU: spent / Double(count) * 1e6],
            limits: [
                .gossipPair: crypto.verificationsPerSecond,
                .gossipCPU: (1 / crypto.signaturesPerSecond + 1 / crypto.verificationsPerSecond) * 1e6,
            ]
        )
    }
}

/// Messages that say which one they are.
enum GossipPayload {
    private static let mark: UInt8 = 0xb5

    static func bytes(_ number: Int, _ byteCount: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: number &* 31), count: byteCount)
        bytes[0] = mark
        for index in 0..<4 { bytes[1 + index] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
        return bytes
    }

    /// `nil` for a message of the warming up.
    static func number(of bytes: [UInt8]) -> Int? {
        guard bytes.count > 4, bytes[0] == mark else { return nil }
        return (0..<4).reduce(0) { $0 | Int(bytes[1 + $1]) << (8 * $1) }
    }

    /// Publishes until a message has come through: only that tells that the mesh stands.
    static func warmUp(_ session: ControlSession, _ topic: Topic, until subscription: TopicSubscription) throws {
        for _ in 0..<100 {
            try session.send(.publish(topic, [0]))
            try session.answer()
            if (try? subscription.next(before: .within(.milliseconds(200)))) != nil { return settle(subscription) }
        }
        throw BenchFailure("no message came through")
    }

    /// Takes what is still on its way.
    private static func settle(_ subscription: TopicSubscription) {
        while (try? subscription.next(before: .within(.milliseconds(300)))) != nil {}
    }
}
