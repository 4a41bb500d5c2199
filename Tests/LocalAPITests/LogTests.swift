import Foundation
import Identity
import Market
import Node
import Primitives
import Testing

@testable import LocalAPI
@testable import Swarm

@Suite struct `The log` {
    private let at: Int64 = 1_800_000_000_123
    private let peer = SampleState.peer(2)

    private func second(_ count: Int) -> Instant { Instant.zero.advanced(by: .seconds(count)) }

    @Test func `one object a line, with time, level, component, code and message`() throws {
        let line = LogLine(.info, "swarm", code: "connected", "inbound", peer: "P", address: "203.0.113.7:5000")
        #expect(
            line.text(.json, unixMilliseconds: at)
                == #"{"address":"203.0.113.7:5000","code":"connected","component":"swarm","level":"info","message":"inbound","peer":"P","time":"2027-01-15T08:00:00.123Z"}"#
        )
        #expect(
            line.text(.text, unixMilliseconds: at)
                == "2027-01-15T08:00:00.123Z info swarm connected peer=P address=203.0.113.7:5000 inbound"
        )
    }

    @Test(arguments: LogFormat.allCases)
    func `no stranger's words end a line or begin another`(format: LogFormat) throws {
        let hostile = "x\n2027-01-15 error\r\u{1b}[2J \" \\ \u{202e}\u{2028}\u{0}"
        var line = LogLine(.warning, "gossip", code: "misbehaving_peer", hostile, peer: hostile, address: hostile)
        line.suppressed = 3
        let text = line.text(format, unixMilliseconds: at)
        #expect(!text.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7f })
        if format == .text { #expect(!text.unicodeScalars.contains { [0x202e, 0x2028].contains($0.value) }) }
        guard format == .json else { return }
        let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
        #expect(object["message"] as? String == hostile)
        #expect(object["suppressed"] as? Int == 3)
    }

    @Test func `a message is cut`() {
        let line = LogLine(.info, "node", code: "x", String(repeating: "é", count: 10_000))
        #expect(line.message.utf8.count <= LogLine.messageByteCountMax + 6)
    }

    @Test func `the canonical line of a misbehaving peer has peer, address, component and reason`() throws {
        var log = EventLog()
        _ = log.line(for: .connected(SampleState.connection(peer)), at: .zero)
        let spam = log.line(for: .peerMisbehaved(peer, "gossip: brokenPromise"), at: .zero)
        let line = try #require(spam)
        #expect(
            line.text(.text, unixMilliseconds: at)
                == "2027-01-15T08:00:00.123Z warning gossip misbehaving_peer peer=\(peer) address=203.0.113.7 gossip: brokenPromise"
        )
        let refusal = log.line(for: .recordRefused(peer, .reject(.malformed(.notCanonical))), at: .zero)
        let record = try #require(refusal)
        #expect(record.code == EventLog.misbehaviourCode)
        #expect(record.message == "invalid record: it is written in another way than the one way there is")
        _ = log.line(for: .disconnected(peer), at: .zero)
        let stranger = log.line(for: .peerMisbehaved(peer, "gossip: other"), at: second(20))
        let later = try #require(stranger)
        #expect(later.address == "-", "an address is remembered no longer than the connection")
    }

    @Test func `whoever is of another network is named with its network, once in a while`() {
        var log = EventLog()
        let line = log.line(for: .otherNetwork(peer, "other", isSeed: false), at: .zero)
        #expect(line?.level == .info && line?.code == "other_network" && line?.peer == "\(peer)")
        #expect(line?.message == "let go: the peer is of the network 'other'")
        #expect(log.line(for: .otherNetwork(peer, "another", isSeed: false), at: .zero) == nil)
    }

    @Test func `a seed of another network is a mistake that the operator hears of`() {
        var log = EventLog()
        let line = log.line(for: .otherNetwork(peer, "other", isSeed: true), at: .zero)
        #expect(line?.level == .warning && line?.code == "other_network")
        #expect(
            line?.message == "this seed is of the network 'other': name one of ours, or start with --network other"
        )
    }

    @Test func `a host that comes too fast gets the canonical line, a full house does not`() {
        var log = EventLog()
        let endpoint = Endpoint(address: IPAddress(203, 0, 113, 7), port: 5_000)
        let fast = log.line(for: .connectionRefused(endpoint, .limit(.tooFast)), at: .zero)
        #expect(fast?.code == EventLog.misbehaviourCode && fast?.address == "203.0.113.7" && fast?.peer == "-")
        let full = log.line(for: .connectionRefused(endpoint, .limit(.tooMany)), at: .zero)
        #expect(full?.code == "connection_refused" && full?.level == .debug)
    }

    @Test func `a flood of one peer is one line in ten seconds, which says how many were left out`() {
        var log = EventLog()
        var written: [Int] = []
        for tenth in 0..<250 {
            let now = Instant.zero.advanced(by: .milliseconds(tenth * 100))
            if let line = log.line(for: .peerMisbehaved(peer, "gossip: spam"), at: now) {
                written.append(line.suppressed)
            }
        }
        #expect(written == [0, 99, 99])
    }

    @Test func `a peer that varies its mischief gets no more lines, and a thousand peers no more than a hundred`() {
        var log = EventLog()
        var lines: [LogLine] = []
        for number in 0..<500 {
            let event = NodeEvent.peerMisbehaved(peer, "gossip: oversizedRPC(byteCount: \(number))")
            if let line = log.line(for: event, at: .zero) { lines.append(line) }
        }
        #expect(lines.count == 1)
        for number in 0..<1_000 {
            let address = IPAddress(198, 51, UInt8(number / 256), UInt8(number % 256))
            let event = NodeEvent.connectionRefused(Endpoint(address: address, port: 1), .limit(.tooFast))
            if let line = log.line(for: event, at: .zero) { lines.append(line) }
        }
        #expect(lines.count == LogThrottle.burst)
        let later = log.line(for: .peerMisbehaved(SampleState.peer(3), "gossip: malformedRPC"), at: second(1))
        #expect(later?.suppressed == 901, "what was left out is told")
    }

    @Test func `a flood of ever new peers keeps the table at its size`() {
        var throttle = LogThrottle()
        for number in 0..<(3 * LogThrottle.keyCountMax) {
            let suppressed = throttle.admit("key \(number)", at: second(number))
            #expect(suppressed == 0)
        }
        #expect(throttle.keyCount == LogThrottle.keyCountMax)
    }

    private func line(_ event: NodeEvent) -> LogLine? {
        var log = EventLog()
        return log.line(for: event, at: .zero)
    }

    @Test func `rows of the market and ignored records are no lines`() {
        #expect(line(.listingsChanged([])) == nil)
        #expect(line(.recordRefused(peer, .ignore(.duplicate))) == nil)
    }

    @Test func `what concerns the node alone says what to do`() {
        #expect(line(.signingStopped)?.message.contains("rialto key resume") == true)
        #expect(line(.storeFailed(.diskFull))?.message == "nothing can be written: the disk is full")
        #expect(line(.ready(knowsPeers: false))?.message.contains("no peer is known") == true)
        #expect(line(.ready(knowsPeers: true))?.message == "ready")
    }
}
