import Node
import Primitives
import Testing

@testable import LocalAPI

@Suite struct `Health` {
    private func health(
        _ state: SampleState = SampleState(),
        sinceTurn: Duration = .zero,
        reconciled: Duration? = nil,
        outboundMin: Int = 4
    ) -> HealthView {
        var state = state
        state.sinceReconciled = reconciled
        var shell = ShellFacts()
        shell.sinceLastTurn = sinceTurn
        return NodeHealth(
            status: state.status,
            shell: shell,
            outboundPeerCountMin: outboundMin
        ).view
    }

    private let fresh = Duration.seconds(200)

    @Test func `a node that works is ready, without a reason`() {
        #expect(health(reconciled: fresh) == HealthView(live: true, ready: true, reasons: []))
    }

    @Test func `a loop that has not turned for two seconds is not alive`() {
        #expect(health(sinceTurn: .seconds(2), reconciled: fresh).live)
        let stuck = health(sinceTurn: .milliseconds(2_001), reconciled: fresh)
        #expect(!stuck.live)
        #expect(stuck.reasons.map(\.code) == ["loop_stuck"])
    }

    @Test func `too few outbound peers are named with their number, which is a setting`() {
        var state = SampleState()
        state.outbound = 3
        let few = health(state, reconciled: fresh)
        #expect(!few.ready)
        #expect(few.reasons.map(\.message) == ["3 outbound peers of 4 (setting ready_peers)"])
        #expect(health(state, reconciled: fresh, outboundMin: 3).ready)
    }

    @Test(arguments: [
        (NodeStatus.Signing.catchingUp, "catching_up"), (.stopped, "signing_stopped"),
        (.clockDoubted, "clock_doubted"),
    ])
    func `a node that does not sign is not ready`(signing: NodeStatus.Signing, code: String) {
        var state = SampleState()
        state.signing = signing
        #expect(health(state, reconciled: fresh).reasons.map(\.code) == [code])
    }

    @Test func `a store that fails says why`() {
        var state = SampleState()
        state.storeFailure = .diskFull
        #expect(health(state, reconciled: fresh).reasons.map(\.message) == ["nothing can be written: the disk is full"])
    }

    @Test func `ten minutes without a comparison count once there was time and somebody to compare with`() {
        #expect(health().reasons.map(\.code) == ["not_reconciled"])
        #expect(
            health(reconciled: .seconds(601)).reasons.map(\.message) == [
                "no peer has confirmed /rialto/main/p/1 for ten minutes"
            ]
        )
        #expect(health(reconciled: .seconds(600)).ready)
        var young = SampleState()
        young.uptime = .seconds(60)
        #expect(health(young).ready)
    }

    @Test(arguments: [(31, 3, true), (-31, 3, true), (30, 3, false), (31, 2, false), (-3_600, 9, true)])
    func `a clock that differs from the median of three peers or more is told`(seconds: Int, peers: Int, isOff: Bool) {
        var state = SampleState()
        (state.clockOffset, state.clockSampleCount) = (.seconds(seconds), peers)
        #expect(health(state, reconciled: fresh).reasons.map(\.code) == (isOff ? ["clock_off"] : []))
    }
}
