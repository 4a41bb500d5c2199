import Cryptography
import Identity
import Testing

@testable import Node

@Suite struct `Doubt about the clock` {
    private static let hour: Int64 = 3_600_000

    @Test func `begins beyond five minutes, either way, and no sooner`() {
        for step: Int64 in [300_001, -300_001, Self.hour, .max, .min] {
            var doubt = ClockDoubt()
            let isNews = doubt.stepped(by: step, offset: nil)
            #expect(isNews && doubt.isRaised)
        }
        for step: Int64 in [0, 300_000, -300_000] {
            var doubt = ClockDoubt()
            let isNews = doubt.stepped(by: step, offset: nil)
            #expect(!isNews && !doubt.isRaised)
        }
    }

    @Test(arguments: [
        (Int64(119_999), 3, false), (-119_999, 3, false), (120_000, 3, true), (-120_000, 9, true), (0, 2, true),
        (.min, 5, true),
    ])
    func `ends when three peers of our choice agree within two minutes`(offset: Int64, count: Int, isRaised: Bool) {
        var doubt = ClockDoubt()
        _ = doubt.stepped(by: Self.hour, offset: nil)
        let isNews = doubt.stepped(by: 0, offset: (offset, count))
        #expect(isNews == !isRaised)
        #expect(doubt.isRaised == isRaised)
    }

    @Test func `does not begin where the step puts right what was wrong`() {
        var doubt = ClockDoubt()
        let isNews = doubt.stepped(by: Self.hour, offset: (200, 4))
        #expect(!isNews && !doubt.isRaised)
    }

    @Test func `ends by the operator's word`() {
        var doubt = ClockDoubt()
        _ = doubt.stepped(by: Self.hour, offset: nil)
        doubt.settle()
        #expect(!doubt.isRaised)
        let isNews = doubt.stepped(by: 0, offset: nil)
        #expect(!isNews, "it is no news any more")
    }

    @Test func `what peers said counts against the new time after a step`() {
        var clocks = PeerClocks()
        let peer = PeerID(publicKey: Ed25519.PrivateKey(seed: [UInt8](repeating: 1, count: 32)).publicKey)
        clocks.heard(1_000, from: peer, at: 900)
        clocks.stepped(by: Self.hour)
        #expect(clocks.median(of: [peer])?.milliseconds == 100 - Self.hour)
        clocks.stepped(by: -Self.hour)
        #expect(clocks.median(of: [peer])?.milliseconds == 100)
        clocks.stepped(by: .min)
        #expect(clocks.median(of: [peer])?.milliseconds == .max)
    }
}
