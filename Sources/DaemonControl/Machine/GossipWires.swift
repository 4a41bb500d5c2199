internal import Gossipsub
internal import Identity
internal import OrderedCollections
internal import Primitives
internal import Swarm

/// The two one-way streams of every gossip peer: we write on the one that we opened and read on the one that was opened to us
/// (gossipsub 1.0).
struct GossipWires: Sendable {
    private struct Wire: Sendable {
        var isOpening = false
        var outbound: StreamHandle?
        var inbound: StreamHandle?
        var frames: LengthPrefixedFrames
    }

    private let byteCountMax: Int
    private var wires: [PeerID: Wire] = [:]
    private var owners: [StreamHandle: PeerID] = [:]
    /// What this step says on each stream; empty between steps.
    private var unsent: OrderedDictionary<StreamHandle, [UInt8]> = [:]
    /// The last RPC and its frame: a message goes to many peers, one behind the other.
    private var last: (rpc: GossipRPC, frame: [UInt8])?

    init(rpcByteCountMax: Int) {
        byteCountMax = rpcByteCountMax
    }

    func outbound(to peer: PeerID) -> StreamHandle? { wires[peer]?.outbound }

    func peer(of stream: StreamHandle) -> PeerID? { owners[stream] }

    /// Whether a stream must be opened now: there is none, and none on its way.
    mutating func beginOpening(to peer: PeerID) -> Bool {
        var wire = wires[peer] ?? Wire(frames: LengthPrefixedFrames(byteCountMax: byteCountMax))
        guard !wire.isOpening, wire.outbound == nil else { return false }
        wire.isOpening = true
        wires[peer] = wire
        return true
    }

    /// The stream that was to be opened is there, or not to be had; `false` if the peer has gone.
    mutating func opened(_ stream: StreamHandle?, to peer: PeerID) -> Bool {
        guard wires[peer]?.isOpening == true else { return false }
        wires[peer]?.isOpening = false
        wires[peer]?.outbound = stream
        if let stream { owners[stream] = peer }
        return true
    }

    /// Takes a stream that the peer opened and returns the one that it replaces: a second one resets the first, as in go.
    mutating func accepted(_ stream: StreamHandle, from peer: PeerID) -> StreamHandle? {
        var wire = wires[peer] ?? Wire(frames: LengthPrefixedFrames(byteCountMax: byteCountMax))
        let replaced = wire.inbound
        if let replaced { owners[replaced] = nil }
        (wire.inbound, wire.frames) = (stream, LengthPrefixedFrames(byteCountMax: byteCountMax))
        wires[peer] = wire
        owners[stream] = peer
        return replaced
    }

    // MARK: Sending

    /// Adds an RPC to what this step says to a peer: many of them share one frame of the session and one of its encryption.
    mutating func send(_ rpc: GossipRPC, to peer: PeerID) {
        guard let stream = outbound(to: peer) else { return }
        let frame: [UInt8]
        if let last, last.rpc == rpc {
            frame = last.frame
        } else {
            frame = LengthPrefixedFrames.framed(rpc.encoded)
            last = (rpc, frame)
        }
        unsent[stream, default: []] += frame
    }

    /// What is to be written now, and forgets it.
    mutating func takeUnsent() -> OrderedDictionary<StreamHandle, [UInt8]>.Elements {
        last = nil
        defer { unsent = [:] }
        return unsent.elements
    }

    /// What is to be written on a stream that is about to be closed.
    mutating func takeUnsent(on stream: StreamHandle) -> [UInt8]? {
        unsent.removeValue(forKey: stream)
    }

    // MARK: Receiving

    /// Bytes of an RPC whose rest is still to come.
    func keptByteCount(of stream: StreamHandle, with peer: PeerID) -> Int {
        guard let wire = wires[peer], wire.inbound == stream else { return 0 }
        return wire.frames.pendingByteCount
    }

    /// The whole RPCs that these bytes complete; throws if the peer announced one that is too long.
    ///
    /// Without empty ones, of which a packet could bring a hundred thousand.
    mutating func received(
        _ bytes: [UInt8],
        on stream: StreamHandle,
        of peer: PeerID
    ) throws(LengthPrefixedFrames.Failure) -> [[UInt8]] {
        guard wires[peer]?.inbound == stream else { return [] }
        var messages: [[UInt8]] = []
        // In place: a copy for every packet would let a long message that trickles cost its square.
        wires[peer]?.frames.append(bytes)
        while let message = try wires[peer]?.frames.next() {
            if !message.isEmpty { messages.append(message) }
        }
        return messages
    }

    /// Forgets a stream; whether it was the one that we write on.
    mutating func closed(_ stream: StreamHandle) -> Bool {
        guard let peer = owners.removeValue(forKey: stream) else { return false }
        if wires[peer]?.outbound == stream {
            wires[peer]?.outbound = nil
            return true
        }
        if wires[peer]?.inbound == stream { wires[peer]?.inbound = nil }
        return false
    }

    mutating func disconnected(_ peer: PeerID) {
        guard let wire = wires.removeValue(forKey: peer) else { return }
        if let outbound = wire.outbound { owners[outbound] = nil }
        if let inbound = wire.inbound { owners[inbound] = nil }
    }
}
