internal import Identity
internal import OrderedCollections
public import Primitives

extension GossipsubMachine {
    /// Checks what must hold between two steps; free in release builds.
    public func checkInvariants(at now: Instant) {
        assert(outbox.isEmpty && peers.count <= config.peerCountMax && fanout.count <= config.fanoutTopicCountMax)
        for (topic, joined) in topics {
            assert(
                joined.mesh.allSatisfy { joined.subscribers.contains($0) && peers[$0]?.isReachable == true },
                "\(topic)"
            )
            assert(joined.choked.allSatisfy(joined.mesh.contains) && joined.choking.allSatisfy(joined.mesh.contains))
            assert(joined.subscribers.allSatisfy { peers[$0]?.topics.contains(topic) == true })
            assert(fanout[topic] == nil)
        }
        for state in peers.values {
            assert(state.topics.count <= config.topicsPerPeerMax && state.unwanted.count <= UnwantedMessages.countMax)
            assert(state.queue.count <= config.queueCountMax && state.queue.byteCount <= config.queueByteCountMax)
            assert(state.stream != .flowing || state.queue.parts.isEmpty)
            assert(state.recommendedAt.count <= topics.count)
        }
        assert(fanout.values.allSatisfy { $0.peers.allSatisfy { peers[$0] != nil } })
        backoffs.checkInvariants(at: now, durationMax: .seconds(RPCLimits.backoffSecondsMax))
        scores.checkInvariants()
        assert(scores.isInStep(with: peers.keys))
        log.checkInvariants()
        assert(Set(peers.values.map(\.place)).count == peers.count)
        assert(peers.values.allSatisfy { takenPlaces.contains($0.place) })
        recent.checkInvariants()
        pending.checkInvariants()
        promises.checkInvariants()
    }
}
