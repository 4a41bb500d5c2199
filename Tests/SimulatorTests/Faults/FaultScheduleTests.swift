import Primitives
import Testing

@testable import Simulator

@Suite struct `Fault schedule` {
    static func schedule(_ faults: [PlannedFault], nodes: Int = 20, seed: UInt64 = 1) -> FaultSchedule {
        var scenario = Scenario(
            name: "faults",
            purpose: "Faults.",
            nodeCount: nodes,
            buildUp: .seconds(10),
            measured: .seconds(300)
        )
        scenario.faults = faults
        return FaultSchedule(
            scenario: scenario,
            candidates: Array(1..<nodes),
            streams: RandomStreams(seed: seed)
        )
    }

    static let every: [PlannedFault] = [
        PlannedFault(at: .seconds(20), fault: .partition(split: Share(percent: 50), for: .seconds(30))),
        PlannedFault(at: .seconds(25), fault: .onewayPartition(split: Share(percent: 30), for: .seconds(5))),
        PlannedFault(
            at: .seconds(25),
            fault: .crash(.share(Share(percent: 20)), losesUnsynced: true, down: .seconds(9))
        ),
        PlannedFault(at: .seconds(30), fault: .departure(.count(3))),
        PlannedFault(at: .seconds(40), fault: .flashCrowd(.share(Share(percent: 50)), within: .seconds(5))),
        PlannedFault(at: .seconds(41), fault: .disconnect(.count(2))),
        PlannedFault(at: .seconds(42), fault: .slowLinks(.count(4), factor: 10, for: .seconds(8))),
        PlannedFault(at: .seconds(43), fault: .clockStep(.count(4), by: .seconds(-90))),
        PlannedFault(at: .seconds(44), fault: .diskFull(.count(1), for: .seconds(8))),
        PlannedFault(at: .seconds(45), fault: .pause(.count(1), for: .seconds(8))),
        PlannedFault(at: .seconds(46), fault: .corrupt(perMille: 3, for: .seconds(8))),
        PlannedFault(at: .seconds(60), fault: .swizzle(links: .all, within: .seconds(10), hold: .seconds(5))),
    ]

    @Test func `events come in order, behind the build-up, and every breakage is mended`() {
        let events = Self.schedule(Self.every).events
        #expect(events.map(\.at) == events.map(\.at).sorted())
        #expect(events.first?.at == .second(30))
        let begun = events.count { event in
            switch event.action {
            case .partition, .crash, .slow(_, factor: 10), .diskFull(_, isFull: true), .pause(_, isPaused: true),
                .corrupt(perMille: 3):
                true
            default: false
            }
        }
        let mended = events.count { event in
            switch event.action {
            case .heal, .restart, .slow(_, factor: 1), .diskFull(_, isFull: false), .pause(_, isPaused: false),
                .corrupt(perMille: 0):
                true
            default: false
            }
        }
        #expect(begun == 7)
        #expect(mended == 7)
        #expect(events.count { if case .arrive = $0.action { true } else { false } } == 10)
    }

    @Test func `the seed node is never hit, but it stands on a side of a partition`() {
        for seed in 1...20 {
            for event in Self.schedule(Self.every, seed: UInt64(seed)).events {
                switch event.action {
                case .crash(let hit, _), .restart(let hit), .depart(let hit), .disconnect(let hit), .slow(let hit, _),
                    .stepClock(let hit, _), .diskFull(let hit, _), .pause(let hit, _):
                    #expect(!hit.contains(0))
                    #expect(hit == hit.sorted())
                case .partition(_, let side, _): #expect(side.allSatisfy { (0..<20).contains($0) })
                case .heal, .swizzle, .clog, .unclog, .arrive, .corrupt: break
                }
            }
        }
    }

    @Test func `a fault that is taken out leaves all others as they were`() {
        let whole = Self.schedule(Self.every).events
        for index in Self.every.indices {
            var fewer = Self.every
            fewer.remove(at: index)
            let left = Self.schedule(fewer).events.map(Self.stripped)
            let kept = Set(left)
            #expect(left.allSatisfy { whole.map(Self.stripped).contains($0) })
            #expect(kept.count < Set(whole.map(Self.stripped)).count)
        }
    }

    /// The number of a fault is its place in the list; what it does is not.
    private static func stripped(_ event: FaultEvent) -> FaultEvent {
        switch event.action {
        case .partition(_, let side, let isOneWay):
            FaultEvent(at: event.at, action: .partition(fault: 0, side: side, isOneWay: isOneWay))
        case .heal: FaultEvent(at: event.at, action: .heal(fault: 0))
        case .swizzle: FaultEvent(at: event.at, action: .swizzle(fault: 0))
        default: event
        }
    }

    @Test func `equal faults at one instant hit different nodes, and seeds differ`() {
        let twin = PlannedFault(at: .seconds(5), fault: .disconnect(.count(5)))
        let events = Self.schedule([twin, twin]).events
        #expect(events.count == 2)
        #expect(events[0].action != events[1].action)
        #expect(Self.schedule([twin], seed: 1).events != Self.schedule([twin], seed: 2).events)
    }

    @Test func `a swizzle stops links one by one and lets them go in another order`() {
        let fault = PlannedFault(
            at: .seconds(60),
            fault: .swizzle(links: Share(percent: 50), within: .seconds(10), hold: .seconds(5))
        )
        let links = (0..<20).flatMap { left in (left + 1..<20).map { (left, $0) } }
        let events = Self.schedule([fault]).clogs(of: 0, links: links)
        let stopped = events.filter { if case .clog = $0.action { true } else { false } }
        let released = events.filter { if case .unclog = $0.action { true } else { false } }
        #expect(stopped.count == 95)
        #expect(released.count == 95)
        #expect(stopped.map(\.at) == stopped.map(\.at).sorted())
        #expect(stopped.first?.at == .second(70))
        #expect(released.first?.at == .second(85))
        #expect(released.allSatisfy { $0.at < .second(95) })
        let pairs: [[Int]] = stopped.map {
            if case .clog(_, let one, let other) = $0.action { [one, other] } else { [] }
        }
        let freed: [[Int]] = released.map {
            if case .unclog(_, let one, let other) = $0.action { [one, other] } else { [] }
        }
        #expect(Set(pairs) == Set(freed))
        #expect(pairs != freed)
        #expect(
            Self.schedule([fault]).clogs(of: 0, links: links.reversed()) == events,
            "the order of the list is nothing"
        )
    }

    @Test func `the last fault ends when its last breakage is mended`() {
        var scenario = Scenario(name: "ends", purpose: "Ends.", nodeCount: 9, buildUp: .zero, measured: .seconds(99))
        #expect(scenario.lastFaultEnd == .zero)
        scenario.faults = Self.every
        #expect(scenario.lastFaultEnd == .seconds(85))
        #expect(scenario.nodeCountMax == 9 + 4, "half as many nodes again arrive")
    }
}
