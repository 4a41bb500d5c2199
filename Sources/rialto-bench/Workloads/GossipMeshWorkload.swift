import DaemonControl
import Foundation
import Glibc
import Gossipsub

/// Eight daemons, each connected with each; they publish in turn, sixteen messages are under way, and all must reach everybody.
struct GossipMeshWorkload: Workload {
    static let nodeCount = 8
    static let inFlightMax = 16
    /// Messages count as lost when for so long none has come: heartbeats and their gossip had their chances.
    private static let silenceMax = Duration.seconds(15)

    let rows = [Row.gossipMesh]
    let count: Int

    func run(_ side: Side, _ programs: DaemonPrograms) throws -> Figures {
        let daemons = try (0..<Self.nodeCount).map {
            try BenchDaemon(side, programs, number: $0 + 1, hasPubsub: true)
        }
        defer { for daemon in daemons { daemon.stop() } }
        let topic: Topic = "bench"
        let subscriptions = try daemons.map { try $0.client.subscribe(topic) }
        for (index, daemon) in daemons.enumerated() {
            for other in daemons[(index + 1)...] { try daemon.client.connect(to: other.address) }
        }
        let sessions = try daemons.map { try ControlSession(control: $0.client.control) }
        // Meshes form at heartbeats, one each second.
        usleep(3_500_000)
        for (index, session) in sessions.enumerated() {
            try GossipPayload.warmUp(session, topic, until: subscriptions[(index + 1) % Self.nodeCount])
        }
        for subscription in subscriptions { try subscription.drop(within: .milliseconds(50)) }
        let duration = try seconds { try exchange(topic, sessions, subscriptions) }
        let crypto = CryptoSpeed.measured
        let work = 1 / crypto.signaturesPerSecond + Double(Self.nodeCount - 1) / crypto.verificationsPerSecond
        let processors = Double(ProcessInfo.processInfo.activeProcessorCount)
        return Figures(
            values: [.gossipMesh: Double(count) / duration],
            limits: [.gossipMesh: processors / work]
        )
    }

    private func exchange(_ topic: Topic, _ sessions: [ControlSession], _ subscriptions: [TopicSubscription]) throws {
        // A publisher hears itself, so a message is through after as many deliveries as there are daemons.
        var missing: [Int: Int] = [:]
        var (sent, done) = (0, 0)
        var deadline = ContinuousClock.now + Self.silenceMax
        while done < count {
            while sent < count, missing.count < Self.inFlightMax {
                let bytes = GossipPayload.bytes(sent, GossipPairWorkload.byteCount)
                try sessions[sent % Self.nodeCount].send(.publish(topic, bytes))
                missing[sent] = Self.nodeCount
                sent += 1
            }
            guard ContinuousClock.now < deadline else { throw BenchFailure("\(missing.count) messages were lost") }
            for subscription in try TopicSubscription.readable(subscriptions, before: deadline) {
                try subscription.fill()
                while let message = try subscription.takeNext() {
                    guard let number = GossipPayload.number(of: message.data), let rest = missing[number] else {
                        continue
                    }
                    missing[number] = rest == 1 ? nil : rest - 1
                    if rest == 1 { done += 1 }
                    deadline = ContinuousClock.now + Self.silenceMax
                }
            }
        }
        for session in sessions { try session.dropAnswers() }
    }
}
