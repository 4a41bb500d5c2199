public import Primitives

/// One thing that a fault does at an instant.
public struct FaultEvent: Hashable, Sendable {
    public let at: Instant
    public let action: FaultAction
}

/// What the world must do to its network, its nodes or their disks; nodes are numbered and ascend.
public enum FaultAction: Hashable, Sendable {
    /// Nothing passes between `side` and the rest; if it is one-way, only what `side` sends is lost.
    case partition(fault: Int, side: [Int], isOneWay: Bool)
    case heal(fault: Int)
    /// Ask `FaultSchedule.clogs(of:links:)` with the pairs of nodes that are connected now.
    case swizzle(fault: Int)
    case clog(fault: Int, Int, Int)
    case unclog(fault: Int, Int, Int)
    case crash([Int], losesUnsynced: Bool)
    case restart([Int])
    case depart([Int])
    case arrive(count: Int)
    /// Every connection of these nodes is cut.
    case disconnect([Int])
    /// Delays from and to these nodes are multiplied; by 1 when it ends.
    case slow([Int], factor: Int)
    case stepClock([Int], by: Duration)
    case diskFull([Int], isFull: Bool)
    case pause([Int], isPaused: Bool)
    /// Of a thousand sends so many arrive with one byte changed; 0 when it ends.
    case corrupt(perMille: Int)
}

/// The faults of a scenario with the nodes that they hit.
///
/// Each fault draws from a random stream of its own, which is named by its kind and its instant and not by its place in the list: a
/// fault that is taken out leaves all others as they were, so that a failing scenario can be made smaller fault by fault.
public struct FaultSchedule: Sendable {
    /// By instant; what happens at one instant stands in the order of the list.
    public let events: [FaultEvent]
    private let faults: [PlannedFault]
    private let streams: RandomStreams
    private let buildUp: Duration

    /// Draws who is hit.
    ///
    /// `candidates` are the nodes that may crash, depart, pause, lose their disk or their clock: all but those that the others need to
    /// find anybody. Networks break for everyone.
    public init(scenario: Scenario, candidates: [Int], streams: RandomStreams) {
        faults = scenario.faults
        self.streams = streams
        buildUp = scenario.buildUp
        let everyone = Array(0..<scenario.nodeCount)
        var events: [FaultEvent] = []
        for index in faults.indices {
            var random = Self.random(of: index, in: faults, streams)
            let start = Instant.zero.advanced(by: buildUp + faults[index].at)
            events += Self.events(
                of: faults[index].fault,
                index: index,
                from: start,
                everyone: everyone,
                candidates: candidates,
                random: &random
            )
        }
        self.events = events.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
            .map(\.element)
    }

    /// The links that a swizzle stops one by one and lets go one by one in another order (FoundationDB's "swizzle-clogging").
    ///
    /// `links` are the connected pairs of nodes when it begins, each once.
    public func clogs(of fault: Int, links: [(Int, Int)]) -> [FaultEvent] {
        guard case .swizzle(let share, let within, let hold) = faults[fault].fault else { return [] }
        var random = Self.random(of: fault, in: faults, streams)
        let start = Instant.zero.advanced(by: buildUp + faults[fault].at)
        var chosen = links.map { (min($0.0, $0.1), max($0.0, $0.1)) }.sorted { $0 < $1 }
        random.shuffle(&chosen)
        chosen = Array(chosen.prefix(share.of(links.count)))
        var events = chosen.enumerated().map { index, link in
            let at = start.advanced(by: within * index / max(1, chosen.count))
            return FaultEvent(at: at, action: .clog(fault: fault, link.0, link.1))
        }
        random.shuffle(&chosen)
        events += chosen.enumerated().map { index, link in
            let at = start.advanced(by: within + hold + within * index / max(1, chosen.count))
            return FaultEvent(at: at, action: .unclog(fault: fault, link.0, link.1))
        }
        return events
    }

    private static func random(
        of index: Int,
        in faults: [PlannedFault],
        _ streams: RandomStreams
    ) -> SimulationRandom {
        let fault = faults[index]
        // Equal faults at one instant are told apart by their number among themselves.
        let twins = faults[..<index].count { $0.at == fault.at && $0.fault.kindNumber == fault.fault.kindNumber }
        let name =
            UInt64(bitPattern: fault.at.saturatedNanoseconds) ^ fault.fault.kindNumber << 56 ^ UInt64(twins) << 48
        return streams.fast(.faults, node: Int(truncatingIfNeeded: SplitMix64.finalised(name) >> 1))
    }

    private static func events(
        of fault: Fault,
        index: Int,
        from start: Instant,
        everyone: [Int],
        candidates: [Int],
        random: inout SimulationRandom
    ) -> [FaultEvent] {
        let end = start.advanced(by: fault.length)
        func span(_ first: FaultAction, _ last: FaultAction) -> [FaultEvent] {
            [FaultEvent(at: start, action: first), FaultEvent(at: end, action: last)]
        }
        func draw(_ quota: Quota) -> [Int] { chosen(quota.of(everyone.count), of: candidates, random: &random) }
        switch fault {
        case .partition(let split, _):
            let side = chosen(split.of(everyone.count), of: everyone, random: &random)
            return span(.partition(fault: index, side: side, isOneWay: false), .heal(fault: index))
        case .onewayPartition(let split, _):
            let side = chosen(split.of(everyone.count), of: everyone, random: &random)
            return span(.partition(fault: index, side: side, isOneWay: true), .heal(fault: index))
        case .swizzle: return [FaultEvent(at: start, action: .swizzle(fault: index))]
        case .crash(let quota, let losesUnsynced, _):
            let nodes = draw(quota)
            return span(.crash(nodes, losesUnsynced: losesUnsynced), .restart(nodes))
        case .departure(let quota): return [FaultEvent(at: start, action: .depart(draw(quota)))]
        case .flashCrowd(let quota, let within):
            let count = quota.ofArrivals(among: everyone.count)
            return (0..<count).map { arrival in
                FaultEvent(at: start.advanced(by: within * arrival / count), action: .arrive(count: 1))
            }
        case .disconnect(let quota): return [FaultEvent(at: start, action: .disconnect(draw(quota)))]
        case .slowLinks(let quota, let factor, _):
            let nodes = draw(quota)
            return span(.slow(nodes, factor: factor), .slow(nodes, factor: 1))
        case .clockStep(let quota, let by): return [FaultEvent(at: start, action: .stepClock(draw(quota), by: by))]
        case .diskFull(let quota, _):
            let nodes = draw(quota)
            return span(.diskFull(nodes, isFull: true), .diskFull(nodes, isFull: false))
        case .pause(let quota, _):
            let nodes = draw(quota)
            return span(.pause(nodes, isPaused: true), .pause(nodes, isPaused: false))
        case .corrupt(let perMille, _): return span(.corrupt(perMille: perMille), .corrupt(perMille: 0))
        }
    }

    private static func chosen(_ count: Int, of nodes: [Int], random: inout SimulationRandom) -> [Int] {
        var shuffled = nodes
        random.shuffle(&shuffled)
        return shuffled.prefix(count).sorted()
    }
}
