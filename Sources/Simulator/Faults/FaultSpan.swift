internal import Primitives

extension Fault {
    /// How long it lasts; zero for what happens once and is never undone.
    public var length: Duration {
        switch self {
        case .partition(_, let length), .onewayPartition(_, let length), .slowLinks(_, _, let length),
            .diskFull(_, let length), .pause(_, let length), .corrupt(_, let length), .flashCrowd(_, let length),
            .crash(_, _, let length):
            length
        case .swizzle(_, let within, let hold): within + hold + within
        case .departure, .disconnect, .clockStep: .zero
        }
    }

    /// Tells kinds apart in the random streams; never renumbered, so that old seeds keep their faults.
    var kindNumber: UInt64 {
        switch self {
        case .partition: 1
        case .onewayPartition: 2
        case .swizzle: 3
        case .crash: 4
        case .departure: 5
        case .flashCrowd: 6
        case .disconnect: 7
        case .slowLinks: 8
        case .clockStep: 9
        case .diskFull: 10
        case .pause: 11
        case .corrupt: 12
        }
    }
}

extension Scenario {
    /// When the last fault is over, counted from the end of the build-up; zero if there are none.
    public var lastFaultEnd: Duration {
        faults.map { $0.at + $0.fault.length }.max() ?? .zero
    }

    /// How many nodes there are once everybody has arrived that the faults bring.
    public var nodeCountMax: Int {
        faults.reduce(nodeCount) { count, planned in
            guard case .flashCrowd(let quota, _) = planned.fault else { return count }
            return count + quota.ofArrivals(among: nodeCount)
        }
    }
}

extension Quota {
    /// A crowd may be larger than those who were there before.
    func ofArrivals(among count: Int) -> Int {
        switch self {
        case .count(let arrivals): arrivals
        case .share(let share): share.of(count)
        }
    }
}
