public import Primitives

/// What becomes of a message that is sent.
public enum Delivery: Hashable, Sendable {
    case arrives(Instant)
    /// A cut lies between the two: nothing passes now.
    case dropped
}

/// What lies between the nodes: delays, access lines, loss, routers that translate addresses, cuts.
///
/// A node is its number. Each node draws from streams of its own for its place and for what it sends, so that one node more, or one message
/// more of another, changes nothing for it. The order of messages on a connection is the caller's: one that was stalled holds back
/// what follows it, as TCP does.
public struct VirtualNetwork: Sendable {
    /// The shortest time after which a lost segment is sent again (Linux's floor; RFC 6298 asks for a second).
    public static let retransmissionFloor = Duration.milliseconds(200)
    /// So often at most one message is lost, each time with a doubled wait; after that the caller's own timeouts have long spoken.
    public static let lossesMax = 6

    private let plan: NetworkPlan
    private let streams: RandomStreams
    private var latency: LatencyModel
    private var translation: AddressTranslation
    private var cuts = NetworkCuts()
    private var randoms: [SimulationRandom] = []
    /// Empty where the line is unlimited.
    private var uplinks: [AccessLine] = []
    private var downlinks: [AccessLine] = []
    /// Empty until somebody is slow.
    private var slowness: [Int] = []

    public private(set) var nodeCount = 0

    public init(plan: NetworkPlan, nodeCount: Int, streams: RandomStreams) {
        precondition((plan.upload ?? 1) > 0 && (plan.download ?? 1) > 0, "a line without any rate")
        (self.plan, self.streams) = (plan, streams)
        latency = LatencyModel(plan: plan.latency)
        translation = AddressTranslation(mix: plan.nat)
        randoms.reserveCapacity(nodeCount)
        for _ in 0..<nodeCount { addNode() }
    }

    /// Takes in one node more and answers its number.
    @discardableResult public mutating func addNode() -> Int {
        defer { nodeCount += 1 }
        var placement = streams.fast(.placement, node: nodeCount)
        translation.addNode(using: &placement)
        latency.addNode(using: &placement)
        randoms.append(streams.fast(.network, node: nodeCount))
        if plan.upload != nil { uplinks.append(AccessLine()) }
        if plan.download != nil { downlinks.append(AccessLine()) }
        if !slowness.isEmpty { slowness.append(1) }
        return nodeCount
    }

    /// When a message that is sent at `now` arrives; `now` must not run backwards for one sender.
    public mutating func send(from sender: Int, to receiver: Int, byteCount: Int, at now: Instant) -> Delivery {
        if cuts.blocks(sender, receiver) { return .dropped }
        var departure = now.nanoseconds
        if let rate = plan.upload {
            let busy = AccessLine.transmission(byteCount: byteCount, bitsPerSecond: rate)
            departure = uplinks[sender].pass(at: departure, busy: busy)
        }
        var arrival = departure + Int64(delay(from: sender, to: receiver))
        if let rate = plan.download {
            let busy = AccessLine.transmission(byteCount: byteCount, bitsPerSecond: rate)
            arrival = downlinks[receiver].pass(at: arrival, busy: busy)
        }
        return .arrives(Instant(nanoseconds: arrival))
    }

    /// The time between two nodes, jitter, slowness and losses included, the lines' rates not.
    private mutating func delay(from sender: Int, to receiver: Int) -> Int {
        var delay = latency.oneWay(from: sender, to: receiver, using: &randoms[sender])
        let jitter = plan.jitter.millionths
        if jitter > 0 { delay = delay * (1_000_000 - jitter + randoms[sender].below(2 * jitter + 1)) / 1_000_000 }
        if !slowness.isEmpty { delay *= max(slowness[sender], slowness[receiver]) }
        if plan.loss > .zero { delay += stall(of: sender, oneWay: delay) }
        return delay
    }

    /// How long a message waits to be sent again, for each time that it is lost; a loss under TCP is a stall, never a gap.
    ///
    /// The timeout is a round trip and four times its deviation (RFC 6298 §2), and the deviation of a uniform jitter is half of it.
    private mutating func stall(of sender: Int, oneWay: Int) -> Int {
        let smoothed = 2 * oneWay + 4 * oneWay * plan.jitter.millionths / 1_000_000
        var timeout = max(Int(Self.retransmissionFloor.saturatedNanoseconds), smoothed)
        var (stalled, losses) = (0, 0)
        while losses < Self.lossesMax, randoms[sender].chance(plan.loss) {
            stalled += timeout
            timeout *= 2
            losses += 1
        }
        return stalled
    }
}

// MARK: - Who can dial whom

extension VirtualNetwork {
    public func reachability(of node: Int) -> Reachability { translation.reachability(of: node) }

    /// Overrides the drawn kind: a seed must be open, whatever was drawn.
    public mutating func setReachability(_ reachability: Reachability, of node: Int) {
        translation.set(reachability, of: node)
    }

    /// Whether the callee's router lets the caller in; cuts are another matter.
    public func canDial(from caller: Int, to callee: Int) -> Bool { translation.canDial(from: caller, to: callee) }

    /// Remembers a dial, whether or not it succeeded: it opens the caller's router for the callee.
    public mutating func noteDial(from caller: Int, to callee: Int) {
        translation.noteDial(from: caller, to: callee)
    }
}

// MARK: - Faults

extension VirtualNetwork {
    /// Cuts a group off the rest; what heals it is the answer.
    public mutating func cut(_ group: [Int], _ direction: CutDirection = .both) -> CutID {
        cuts.cut(group, direction)
    }

    public mutating func heal(_ id: CutID) {
        cuts.heal(id)
    }

    /// Stops one direction of one link.
    public mutating func clog(from sender: Int, to receiver: Int) {
        cuts.clog(from: sender, to: receiver)
    }

    public mutating func unclog(from sender: Int, to receiver: Int) {
        cuts.unclog(from: sender, to: receiver)
    }

    /// Whether nothing passes from one node to the other now.
    public func isCut(from sender: Int, to receiver: Int) -> Bool { cuts.blocks(sender, receiver) }

    /// Multiplies all delays to and from these nodes until the factor is 1 again; of two slow nodes the slower counts.
    public mutating func slow(_ nodes: [Int], factor: Int) {
        precondition((1...10_000).contains(factor), "a factor of \(factor)")
        if slowness.isEmpty { slowness = [Int](repeating: 1, count: nodeCount) }
        for node in nodes { slowness[node] = factor }
    }
}
