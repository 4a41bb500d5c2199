import Identity
import Primitives
import Swarm
import TestSupport
import Testing

@testable import Node

@Suite struct `Record exchange` {
    private let peer = TestNetwork(seed: 1).peer(TestNetwork.firstIndex)
    private let stream = StreamHandle(connection: ConnectionID(rawValue: 2), stream: 1)
    private var machine = RecordExchangeMachine(requestIDs: 100...199)
    private var outputs: [RecordExchangeMachine.Output] = []
    private let request = RecordsRequest(
        network: "main",
        digests: [TopicDigest(topic: "/rialto/main/p/1", count: 3, fingerprint: Array(repeating: 7, count: 32))]
    )

    private mutating func feed(_ input: RecordExchangeMachine.Input, at now: Instant = .zero) {
        outputs = []
        machine.handle(input, at: now, into: &outputs)
        machine.checkInvariants()
    }

    private mutating func beginAsking() {
        feed(.ask(peer, request))
        feed(.streamOpened(StreamRequestID(rawValue: 100), stream))
    }

    private mutating func beginServing(_ envelopes: [[UInt8]]) {
        feed(.inboundStream(stream, peer))
        feed(.data(stream, LengthPrefixedFrames.framed(request.encoded)))
        feed(.serve(stream, envelopes))
    }

    private func page(in output: RecordExchangeMachine.Output?) throws -> RecordsPage {
        guard case .write(stream, let bytes)? = output else { throw Unexpected() }
        var frames = LengthPrefixedFrames(byteCountMax: RecordExchangeLimits.pageByteCountMax)
        frames.append(bytes)
        let frame = try #require(try frames.next())
        return try RecordsPage(parsing: frame.span)
    }

    private struct Unexpected: Error {}

    @Test mutating func `a question carries the digests of every topic`() throws {
        beginAsking()
        #expect(outputs == [.write(stream, LengthPrefixedFrames.framed(request.encoded))])
        let bytes = request.encoded
        #expect(try RecordsRequest(parsing: bytes.span) == request)
    }

    @Test mutating func `one run per peer and four in all`() {
        for index in 0..<6 { feed(.ask(TestNetwork(seed: 1).peer(TestNetwork.index(index)), request)) }
        #expect(machine.askedCount == 4)
        feed(.ask(peer, request))
        #expect(outputs.isEmpty)
        feed(.peerDisconnected(peer))
        #expect(
            outputs.contains(
                .openStream(StreamRequestID(rawValue: 104), TestNetwork(seed: 1).peer(TestNetwork.index(4)))
            )
        )
    }

    @Test mutating func `a question that waits is not replaced by a later one`() {
        let others = (1...4).map { TestNetwork(seed: 1).peer(TestNetwork.index($0)) }
        for other in others { feed(.ask(other, request)) }
        let first = RecordsRequest(network: "main", author: Array(repeating: 3, count: 32), digests: [])
        feed(.ask(peer, first))
        feed(.ask(peer, request))
        feed(.peerDisconnected(others[0]))
        feed(.streamOpened(StreamRequestID(rawValue: 104), stream))
        #expect(outputs == [.write(stream, LengthPrefixedFrames.framed(first.encoded))])
    }

    @Test mutating func `the next page is asked for only when the last is judged`() {
        beginAsking()
        let answer = RecordsPage(envelopes: [[1], [2, 3]], hasMore: true)
        feed(.data(stream, LengthPrefixedFrames.framed(answer.encoded)))
        #expect(outputs.last == .received(peer, [[1], [2, 3]]))
        feed(.pageJudged(peer))
        #expect(outputs == [.write(stream, [0])])
        feed(.data(stream, LengthPrefixedFrames.framed(RecordsPage(envelopes: [[4]], hasMore: false).encoded)))
        feed(.pageJudged(peer))
        #expect(outputs == [.closeWrite(stream), .finished(peer, .complete(recordCount: 3))])
    }

    @Test mutating func `a request that ends the asker's words is answered with one page`() throws {
        feed(.inboundStream(stream, peer))
        feed(.data(stream, LengthPrefixedFrames.framed(request.encoded)))
        feed(.remoteClosedWrite(stream))
        #expect(outputs.isEmpty)
        feed(.serve(stream, (0..<200).map { [UInt8($0)] }))
        let answer = try page(in: outputs.first)
        #expect(answer.envelopes.count == 160 && answer.hasMore)
        #expect(outputs.dropFirst() == [.closeWrite(stream)])
        #expect(machine.nextDeadline == nil)
    }

    @Test mutating func `words that end before the request are answered with nothing`() {
        feed(.inboundStream(stream, peer))
        feed(.remoteClosedWrite(stream))
        #expect(outputs == [.closeWrite(stream)])
        feed(.serve(stream, [[1]]))
        #expect(outputs.isEmpty)
    }

    @Test mutating func `a page that nobody asked for ends the run`() {
        beginAsking()
        let answer = LengthPrefixedFrames.framed(RecordsPage(envelopes: [[1]], hasMore: true).encoded)
        feed(.data(stream, answer))
        feed(.data(stream, answer))
        #expect(outputs.last == .finished(peer, .malformed))
    }

    @Test mutating func `a length beyond the page bound ends the run before anything is kept`() {
        beginAsking()
        var bomb: [UInt8] = []
        UnsignedVarint.append(RecordExchangeLimits.pageByteCountMax + 1, to: &bomb)
        feed(.data(stream, bomb))
        #expect(outputs.contains(.reset(stream)))
        #expect(outputs.last == .finished(peer, .malformed))
    }

    @Test mutating func `a silent server is given up after fifteen seconds`() throws {
        beginAsking()
        let deadline = try #require(machine.nextDeadline)
        #expect(deadline == .zero.advanced(by: .seconds(15)))
        feed(.deadlineReached, at: deadline)
        #expect(outputs == [.reset(stream), .finished(peer, .timedOut)])
        #expect(machine.nextDeadline == nil)
    }

    @Test mutating func `pages are bounded in bytes and records`() throws {
        beginServing(Array(repeating: [UInt8](repeating: 1, count: 4_000), count: 60))
        let first = try page(in: outputs.last)
        #expect(first.hasMore)
        #expect(first.envelopes.count == 24)
        feed(.data(stream, [0]))
        let second = try page(in: outputs.last)
        #expect(second.envelopes.count == 24)
        feed(.data(stream, [0]))
        let third = try page(in: outputs.last)
        #expect(third.envelopes.count == 12 && !third.hasMore)
    }

    @Test mutating func `a second request on one stream costs the stream`() {
        beginServing([])
        feed(.data(stream, LengthPrefixedFrames.framed(request.encoded)))
        #expect(outputs.last == .reset(stream))
    }

    @Test mutating func `a peer is served four times at once and again after ten seconds`() {
        var resets = 0
        for index in 0..<6 {
            let stream = StreamHandle(connection: ConnectionID(rawValue: 2), stream: UInt32(2 * index + 1))
            feed(.inboundStream(stream, peer))
            resets += outputs.count { $0 == .reset(stream) }
        }
        #expect(resets == 2)
        let later = StreamHandle(connection: ConnectionID(rawValue: 2), stream: 21)
        feed(.inboundStream(later, peer), at: .zero.advanced(by: .seconds(10)))
        #expect(outputs == [.reset(later)], "four are under way, and no peer may hold every place")
        feed(.streamReset(stream), at: .zero.advanced(by: .seconds(10)))
        feed(.inboundStream(later, peer), at: .zero.advanced(by: .seconds(20)))
        #expect(outputs.isEmpty)
    }

    @Test mutating func `an asker that dawdles loses its place after two minutes`() throws {
        beginServing(Array(repeating: [UInt8](repeating: 1, count: 4_000), count: 600))
        for seconds in stride(from: 10, to: 120, by: 10) {
            feed(.data(stream, [0]), at: .zero.advanced(by: .seconds(seconds)))
        }
        #expect(machine.nextDeadline == .zero.advanced(by: .seconds(120)))
    }

    @Test mutating func `a question for more that overtakes its page costs the stream, so nothing piles up`() {
        beginServing(Array(repeating: [UInt8](repeating: 1, count: 4_000), count: 60))
        feed(.data(stream, Array(repeating: 0, count: 1_000)))
        #expect(outputs.last == .reset(stream))
        feed(.inboundStream(stream, peer))
        feed(.data(stream, LengthPrefixedFrames.framed(request.encoded) + [0]))
        #expect(outputs.last == .reset(stream))
    }

    @Test mutating func `there is nothing to ask for behind the last page`() {
        beginServing([[1]])
        feed(.data(stream, [0]))
        #expect(outputs == [.consumed(stream, 1), .reset(stream)])
    }

    @Test mutating func `a request that comes byte by byte must be whole within fifteen seconds`() throws {
        feed(.inboundStream(stream, peer))
        let bytes = LengthPrefixedFrames.framed(request.encoded)
        for second in 0..<14 {
            feed(.data(stream, [bytes[second]]), at: .zero.advanced(by: .seconds(second)))
        }
        let deadline = try #require(machine.nextDeadline)
        #expect(deadline == .zero.advanced(by: .seconds(15)))
        feed(.deadlineReached, at: deadline)
        #expect(outputs == [.reset(stream)])
    }

    @Test mutating func `bytes behind a page end the run`() {
        beginAsking()
        let answer = LengthPrefixedFrames.framed(RecordsPage(envelopes: [[1]], hasMore: true).encoded)
        feed(.data(stream, answer + answer))
        #expect(outputs.last == .finished(peer, .malformed))
    }

    @Test mutating func `a page without records that promises more ends the run`() {
        beginAsking()
        feed(.data(stream, LengthPrefixedFrames.framed(RecordsPage(envelopes: [], hasMore: true).encoded)))
        #expect(outputs.suffix(2) == [.reset(stream), .finished(peer, .malformed)])
    }

    @Test mutating func `a server that trickles pages is given up after two minutes`() {
        beginAsking()
        let answer = LengthPrefixedFrames.framed(RecordsPage(envelopes: [[1]], hasMore: true).encoded)
        for seconds in stride(from: 10, to: 120, by: 10) {
            feed(.data(stream, answer), at: .zero.advanced(by: .seconds(seconds)))
            feed(.pageJudged(peer), at: .zero.advanced(by: .seconds(seconds)))
        }
        #expect(machine.nextDeadline == .zero.advanced(by: .seconds(120)))
        feed(.deadlineReached, at: .zero.advanced(by: .seconds(120)))
        #expect(outputs == [.reset(stream), .finished(peer, .timedOut)])
    }

    @Test mutating func `a server that closes early leaves no half-open stream behind`() {
        beginAsking()
        feed(.remoteClosedWrite(stream))
        #expect(outputs == [.reset(stream), .finished(peer, .disconnected)])
    }

    @Test(arguments: 1...40)
    mutating func `noise never traps and never grows`(seed: UInt64) {
        var random = SeededRandom(testSeed: seed)
        beginAsking()
        let other = StreamHandle(connection: ConnectionID(rawValue: 2), stream: 2)
        feed(.inboundStream(other, peer))
        for _ in 0..<60 {
            let bytes = random.bytes(random.below(64))
            feed(.data(random.chance(1, in: 2) ? stream : other, bytes))
        }
        let valid = RecordsPage(envelopes: [[1, 2, 3], []], hasMore: true).encoded + request.encoded
        for _ in 0..<200 {
            var mutated = valid
            mutated[random.below(mutated.count)] = UInt8(random.below(256))
            let cut = Array(mutated.prefix(random.below(mutated.count + 1)))
            _ = try? RecordsPage(parsing: cut.span)
            _ = try? RecordsRequest(parsing: cut.span)
        }
    }
}

extension TestNetwork {
    static func index(_ number: Int) -> NodeIndex {
        var network = TestNetwork(seed: 0)
        return (0...number).map { _ in network.addNode() }[number]
    }

    static var firstIndex: NodeIndex { index(0) }
}
