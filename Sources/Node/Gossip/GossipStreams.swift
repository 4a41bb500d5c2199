internal import OrderedCollections
internal import Identity
internal import Primitives
internal import Swarm

/// The two one-way streams of every gossip peer: we write on the one that we opened and read on the one that was opened to us
/// (gossipsub 1.0), and every RPC has its length in front.
struct GossipStreams: Sendable {
    private struct Streams: Sendable {
        var opening: StreamRequestID?
        var outbound: StreamHandle?
        var inbound: StreamHandle?
        var frames: LengthPrefixedFrames
    }

    private var peers: OrderedDictionary<PeerID, Streams> = [:]
    private var owners: OrderedDictionary<StreamHandle, PeerID> = [:]
    private var requests: OrderedDictionary<StreamRequestID, PeerID> = [:]
    private let rpcByteCountMax: Int
    private let requestIDs: ClosedRange<UInt64>
    private var nextRequestID: UInt64

    init(rpcByteCountMax: Int, requestIDs: ClosedRange<UInt64>) {
        self.rpcByteCountMax = rpcByteCountMax
        self.requestIDs = requestIDs
        nextRequestID = requestIDs.lowerBound
    }

    func owns(_ stream: StreamHandle) -> Bool { owners[stream] != nil }

    func owns(_ request: StreamRequestID) -> Bool { requestIDs.contains(request.rawValue) }

    func outbound(of peer: PeerID) -> StreamHandle? {
        // In place: a value that is merely asked for would be copied, with what waits in its frames.
        peers.index(forKey: peer).flatMap { peers.values[$0].outbound }
    }

    func peer(of stream: StreamHandle) -> PeerID? { owners[stream] }

    func isOutbound(_ stream: StreamHandle) -> Bool {
        guard let peer = owners[stream] else { return false }
        return peers[peer]?.outbound == stream
    }

    /// The id under which to ask for our stream to `peer`; `nil` if it exists or is asked for already.
    mutating func open(to peer: PeerID) -> StreamRequestID? {
        var streams = peers[peer] ?? Streams(frames: LengthPrefixedFrames(byteCountMax: rpcByteCountMax))
        guard streams.opening == nil, streams.outbound == nil else { return nil }
        let request = StreamRequestID(rawValue: nextRequestID)
        nextRequestID = nextRequestID == requestIDs.upperBound ? requestIDs.lowerBound : nextRequestID + 1
        streams.opening = request
        peers[peer] = streams
        requests[request] = peer
        return request
    }

    /// Our stream is open: to whom; `nil` if nobody wants it any more.
    mutating func opened(_ request: StreamRequestID, _ stream: StreamHandle) -> PeerID? {
        guard let peer = requests.removeValue(forKey: request), peers[peer]?.opening == request else { return nil }
        peers[peer]?.opening = nil
        peers[peer]?.outbound = stream
        owners[stream] = peer
        return peer
    }

    mutating func failed(_ request: StreamRequestID) -> PeerID? {
        guard let peer = requests.removeValue(forKey: request), peers[peer]?.opening == request else { return nil }
        peers[peer]?.opening = nil
        return peer
    }

    /// Takes a stream that the peer opened and returns the one that it replaces: a second one resets the first, as in go.
    mutating func accepted(_ stream: StreamHandle, from peer: PeerID) -> StreamHandle? {
        let fresh = LengthPrefixedFrames(byteCountMax: rpcByteCountMax)
        var streams = peers[peer] ?? Streams(frames: fresh)
        let replaced = streams.inbound
        if let replaced { owners[replaced] = nil }
        (streams.inbound, streams.frames) = (stream, fresh)
        peers[peer] = streams
        owners[stream] = peer
        return replaced
    }

    /// The whole RPCs that these bytes complete; throws if the peer announced one that is too long.
    ///
    /// Without empty ones, of which a packet could bring a hundred thousand.
    mutating func received(
        _ bytes: [UInt8],
        on stream: StreamHandle
    ) throws(LengthPrefixedFrames.Failure) -> [[UInt8]] {
        guard let peer = owners[stream], peers[peer]?.inbound == stream else { return [] }
        var messages: [[UInt8]] = []
        // In place: a copy for every packet would let a long message that trickles cost its square.
        peers[peer]?.frames.append(bytes)
        while let message = try peers[peer]?.frames.next() {
            if !message.isEmpty { messages.append(message) }
        }
        return messages
    }

    /// Bytes of an RPC whose rest is still to come.
    func keptByteCount(of stream: StreamHandle) -> Int {
        // In place, as above.
        guard let peer = owners[stream], let index = peers.index(forKey: peer),
            peers.values[index].inbound == stream
        else { return 0 }
        return peers.values[index].frames.pendingByteCount
    }

    /// Forgets a stream; says whose it was and whether it was the one that we write on.
    mutating func closed(_ stream: StreamHandle) -> (peer: PeerID, wasOutbound: Bool)? {
        guard let peer = owners.removeValue(forKey: stream), var streams = peers[peer] else { return nil }
        let wasOutbound = streams.outbound == stream
        if wasOutbound { streams.outbound = nil } else { streams.inbound = nil }
        peers[peer] = streams
        return (peer, wasOutbound)
    }

    mutating func disconnected(_ peer: PeerID) {
        guard let streams = peers.removeValue(forKey: peer) else { return }
        if let opening = streams.opening { requests[opening] = nil }
        if let outbound = streams.outbound { owners[outbound] = nil }
        if let inbound = streams.inbound { owners[inbound] = nil }
    }
}
