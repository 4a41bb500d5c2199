internal import Gossipsub
internal import Node
internal import Primitives
internal import Swarm

/// Takes everything and passes nothing on: it joins meshes, keeps its connections alive, and is a hole in the net.
///
/// What it withholds are messages, the advertisement of messages, and every word of reconciliation.
struct Silence: Sendable {
    let from: Instant

    init(from: Instant) { self.from = from }

    /// Takes messages, and word of them, out of all gossip.
    static func mute(_ outputs: inout [NodeMachine.Output], tap: GossipTap) {
        tap.rewrite(&outputs) { _, rpc in
            var muted = rpc
            muted.messages = []
            muted.control.ihave = []
            return muted.subscriptions.isEmpty && muted.control.isEmpty ? nil : muted
        }
    }

    func filter(_ outputs: inout [NodeMachine.Output], tap: GossipTap, at now: Instant) {
        guard now >= from else { return }
        Self.mute(&outputs, tap: tap)
        outputs.removeAll { output in
            guard case .swarm(.write(let stream, _)) = output else { return false }
            return !tap.isGossip(stream)
        }
    }
}
