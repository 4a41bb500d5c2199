internal import Gossipsub
internal import Identity
internal import Node
internal import OrderedCollections
internal import Primitives
internal import Swarm

/// Finds the gossip RPCs among what a node does, whether they travel typed or as bytes on streams.
struct GossipTap: Sendable {
    private let isTyped: Bool
    private var requests: [StreamRequestID: PeerID] = [:]
    private var streams: OrderedDictionary<PeerID, StreamHandle> = [:]
    private var owners: [StreamHandle: PeerID] = [:]

    init(isTyped: Bool) { self.isTyped = isTyped }

    /// Peers that listen to our gossip.
    var peers: [PeerID] { Array(streams.keys) }

    mutating func see(_ outputs: [NodeMachine.Output]) {
        for case .swarm(.openStream(let request, let peer, let protocols)) in outputs
        where protocols.contains(where: { GossipsubVersion(protocolName: $0) != nil }) {
            requests[request] = peer
        }
    }

    mutating func hear(_ input: NodeMachine.Input) {
        guard case .swarm(let word) = input else { return }
        switch word {
        case .streamOpened(let request, let stream, _):
            guard let peer = requests.removeValue(forKey: request) else { return }
            forget(peer)
            streams[peer] = stream
            owners[stream] = peer
        case .streamFailed(let request, _): requests[request] = nil
        case .streamReset(let stream):
            if let peer = owners[stream] { forget(peer) }
        case .disconnected(let peer, _): forget(peer)
        default: break
        }
    }

    private mutating func forget(_ peer: PeerID) {
        if let stream = streams.removeValue(forKey: peer) { owners[stream] = nil }
    }

    /// Whether the stream carries our gossip; all others are of reconciliation.
    func isGossip(_ stream: StreamHandle) -> Bool { owners[stream] != nil }

    /// Puts another RPC in the place of each, or none.
    func rewrite(_ outputs: inout [NodeMachine.Output], _ change: (PeerID, GossipRPC) -> GossipRPC?) {
        var kept: [NodeMachine.Output] = []
        kept.reserveCapacity(outputs.count)
        for output in outputs {
            switch output {
            case .rpc(let stream, let rpc):
                guard let peer = owners[stream] else { continue }
                if let changed = change(peer, rpc) { kept.append(.rpc(stream, changed)) }
            case .swarm(.write(let stream, let bytes)):
                guard let peer = owners[stream], let rpc = Self.unframed(bytes) else {
                    kept.append(output)
                    continue
                }
                if let changed = change(peer, rpc) { kept.append(.swarm(.write(stream, Self.framed(changed)))) }
            default: kept.append(output)
            }
        }
        outputs = kept
    }

    /// What the driver must do so that this RPC reaches a peer; `nil` if there is no stream to it.
    func sending(_ rpc: GossipRPC, to peer: PeerID) -> NodeMachine.Output? {
        guard let stream = streams[peer] else { return nil }
        return isTyped ? .rpc(stream, rpc) : .swarm(.write(stream, Self.framed(rpc)))
    }

    private static func framed(_ rpc: GossipRPC) -> [UInt8] { LengthPrefixedFrames.framed(rpc.encoded) }

    private static func unframed(_ bytes: [UInt8]) -> GossipRPC? {
        let limits = RPCLimits()
        var frames = LengthPrefixedFrames(byteCountMax: limits.byteCountMax)
        frames.append(bytes)
        guard let message = try? frames.next() else { return nil }
        return try? GossipRPC(decoding: message, limits: limits)
    }
}
