import Simulator
import Testing

@testable import Laboratory

@Suite struct `Shrinking` {
    private static func scenario() -> Scenario {
        var scenario = Scenario(
            name: "big",
            purpose: "It fails.",
            nodeCount: 100,
            buildUp: .seconds(60),
            measured: .seconds(600)
        )
        let partition = Fault.partition(split: Share(percent: 50), for: .seconds(10))
        scenario.faults = [
            PlannedFault(at: .seconds(10), fault: .departure(.count(3))),
            PlannedFault(at: .seconds(20), fault: partition), PlannedFault(at: .seconds(30), fault: partition),
            PlannedFault(at: .seconds(40), fault: .disconnect(.count(3))),
        ]
        scenario.adversaries = [
            AdversaryPlan(role: .silent, quota: .share(Share(percent: 40))),
            AdversaryPlan(role: .equivocator, quota: .count(8)),
        ]
        scenario.churn = ChurnPlan(session: .constant(.seconds(60)), downtime: .constant(.seconds(60)))
        scenario.network.loss = Share(percent: 1)
        return scenario
    }

    @Test func `what the failure does not need is left out`() {
        var tried = 0
        var shrinker = Shrinker(Self.scenario()) { scenario in
            tried += 1
            let hasPartition = scenario.faults.contains { $0.at == .seconds(30) && $0.fault.kind == "partition" }
            return hasPartition && scenario.nodeCount >= 13 && scenario.measured >= .seconds(45)
                && scenario.adversaries.contains { $0.role == .equivocator }
        }
        shrinker.shrink(failingAt: .seconds(150))
        let small = shrinker.scenario
        #expect(small.nodeCount == 13)
        #expect(small.measured == .seconds(45))
        #expect(small.buildUp == .seconds(1))
        #expect(small.faults.map(\.fault.kind) == ["partition"])
        #expect(small.faults.map(\.at) == [.seconds(30)])
        #expect(small.adversaries == [AdversaryPlan(role: .equivocator, quota: .count(1))])
        #expect(small.churn == nil)
        #expect(small.network.loss == .zero)
        #expect(tried == shrinker.runCount)
        #expect(!shrinker.isExhausted)
    }

    @Test func `nothing is left that its own file would not be read with`() throws {
        var scenario = Self.scenario()
        scenario.workload.providers = .share(Share(percent: 50))
        scenario.workload.changesPerSecond = 2
        var shrinker = Shrinker(scenario) { smaller in
            (smaller.workload.changesPerSecond != nil || smaller.workload.changeEvery != nil)
                && smaller.faults.contains { $0.fault.kind == "departure" }
        }
        shrinker.shrink(failingAt: nil)
        let small = shrinker.scenario
        #expect(small.workload.changeEvery == .seconds(20), "else forty nodes would be the least")
        #expect(small.nodeCount == 4, "three depart, and one is spared")
        #expect(try ScenarioReader.read(ScenarioWriter.text(small), path: "big.yaml") == small)
    }

    @Test func `a failure that needs everything stays as it is`() {
        let scenario = Self.scenario()
        var shrinker = Shrinker(scenario) { $0 == scenario }
        shrinker.shrink(failingAt: nil)
        #expect(shrinker.scenario == scenario)
        #expect(shrinker.runCount > 0)
    }

    @Test func `the runs are bounded`() {
        var count = 0
        var shrinker = Shrinker(Self.scenario(), runLimit: 5) { _ in
            count += 1
            return true
        }
        shrinker.shrink(failingAt: nil)
        #expect(count == 5)
        #expect(shrinker.isExhausted)
    }

    @Test func `what is left is a file that reads back to the same scenario`() throws {
        var shrinker = Shrinker(Self.scenario()) { $0.nodeCount >= 7 }
        shrinker.shrink(failingAt: .seconds(70))
        let text = ScenarioWriter.text(shrinker.scenario)
        #expect(try ScenarioReader.read(text, path: "big.yaml") == shrinker.scenario)
    }
}
