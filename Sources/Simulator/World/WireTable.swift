internal import Identity
internal import Primitives

/// All connections of a run in one array; places of ended ones are used again.
struct WireTable: Sendable {
    private(set) var wires: [Wire] = []
    private var free: [UInt32] = []

    /// Makes a connection whose ends are both opening, and gives the dialer's.
    mutating func open(
        dialer: (life: NodeLife, peer: PeerID),
        listener: (life: NodeLife, peer: PeerID),
        at now: Instant
    ) -> WireEnd {
        var wire = Wire(
            dialer: Wire.Side(node: dialer.life.node, life: dialer.life.life, peer: dialer.peer),
            listener: Wire.Side(node: listener.life.node, life: listener.life.life, peer: listener.peer)
        )
        (wire.openedAt, wire.isUsed) = (now, true)
        guard let slot = free.popLast() else {
            wire.generation = 1
            wires.append(wire)
            return WireEnd(slot: UInt32(wires.count - 1), generation: 1, isDialer: true)
        }
        wire.generation = wires[Int(slot)].generation &+ 1
        wires[Int(slot)] = wire
        return WireEnd(slot: slot, generation: wire.generation, isDialer: true)
    }

    /// Frees the place once both ends know.
    mutating func releaseIfEnded(_ end: WireEnd) {
        guard isValid(end), wires[end.slot].dialer.phase == .ended, wires[end.slot].listener.phase == .ended else {
            return
        }
        wires[end.slot].isUsed = false
        wires[end.slot].streams = []
        wires[end.slot].dialer.held = []
        wires[end.slot].listener.held = []
        free.append(UInt32(end.slot))
    }

    /// How many connections have begun at both ends and ended at neither.
    var upCount: Int { wires.count { $0.isUsed && $0.dialer.phase == .up && $0.listener.phase == .up } }

    /// Whether the end's connection still is the one that its place holds.
    func isValid(_ end: WireEnd) -> Bool {
        end.slot < wires.count && wires[end.slot].isUsed
            && wires[end.slot].generation & 0x3FFF_FFFF == end.generation
    }

    func isUp(_ end: WireEnd) -> Bool { isValid(end) && phase(of: end) == .up }

    // Field by field and never the whole connection: a copy of it would cost more than all that is done with it.

    /// The node at an end, whether or not the connection still exists.
    func nodeNumber(at end: WireEnd) -> UInt32 {
        end.isDialer ? wires[end.slot].dialer.node : wires[end.slot].listener.node
    }

    func node(at end: WireEnd) -> Int { Int(nodeNumber(at: end)) }

    func life(at end: WireEnd) -> UInt32 {
        end.isDialer ? wires[end.slot].dialer.life : wires[end.slot].listener.life
    }

    /// Who the node at an end was when the connection was made.
    func peer(at end: WireEnd) -> PeerID {
        end.isDialer ? wires[end.slot].dialer.peer : wires[end.slot].listener.peer
    }

    func phase(of end: WireEnd) -> Wire.Phase {
        end.isDialer ? wires[end.slot].dialer.phase : wires[end.slot].listener.phase
    }

    /// When everything that is under way to this end will have arrived.
    func arrival(at end: WireEnd) -> Instant {
        end.isDialer ? wires[end.slot].dialer.arrival : wires[end.slot].listener.arrival
    }

    /// Whether something for this end waits until the way is open again.
    func holdsBack(from end: WireEnd) -> Bool {
        end.isDialer ? !wires[end.slot].dialer.held.isEmpty : !wires[end.slot].listener.held.isEmpty
    }

    func openedAt(_ end: WireEnd) -> Instant { wires[end.slot].openedAt }

    func place(of stream: UInt32, on end: WireEnd) -> Int? {
        wires[end.slot].streams.firstIndex { $0.id == stream }
    }

    func place(of stream: UInt32, knownAt end: WireEnd) -> Int? {
        wires[end.slot].streams.firstIndex { $0.id == stream && $0.isKnown(at: end) }
    }

    subscript(end: WireEnd) -> Wire {
        _read { yield wires[end.slot] }
        _modify { yield &wires[end.slot] }
    }

    /// The dialers' ends of all connections that are there, by place.
    var all: [WireEnd] {
        wires.indices.filter { wires[$0].isUsed }
            .map { WireEnd(slot: UInt32($0), generation: wires[$0].generation, isDialer: true) }
    }
}

/// Who has which peer id, past identities included.
struct PeerDirectory: Sendable {
    /// Keyed by the id's last eight bytes, which are bytes of the public key.
    private var nodes: [UInt64: UInt32] = [:]

    mutating func add(_ peer: PeerID, node: Int) {
        nodes[Self.key(of: peer)] = UInt32(node)
    }

    /// The node that has or had this id.
    func node(of peer: PeerID) -> Int? { nodes[Self.key(of: peer)].map(Int.init) }

    private static func key(of peer: PeerID) -> UInt64 {
        peer.bytes.suffix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}
