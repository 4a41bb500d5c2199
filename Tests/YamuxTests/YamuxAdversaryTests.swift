import Primitives
import Testing

@testable import Yamux

/// What a stranger can try: attacks 19 to 22 of the threat model, and the rules that a header can break.
@Suite struct `Yamux against a hostile peer` {
    var server = LoneServer()

    private func end(_ error: YamuxProtocolError) -> [YamuxMachine.Output] {
        [.send(frame(3, 0, 0, 1)), .ended(.protocolError(error))]
    }

    /// S-15, CVE-2026-32314.
    @Test mutating func `a stream that opens with more than its window registers nothing`() {
        #expect(server.receive(frame(0, syn, 1, 262_145)) == end(.windowExceeded(1)))
        #expect(server.machine.streamCount == 0)
    }

    @Test mutating func `a whole window is legal and one byte more is not`() {
        let full = Array(repeating: UInt8(1), count: 262_144)
        #expect(server.receive(data(syn, 1, full)).contains(.data(1, full)))
        #expect(server.receive(data(0, 1, [1])) == end(.windowExceeded(1)))
    }

    /// S-16, CVE-2026-31814: 2³² − 1 twice.
    ///
    /// The first passes 32 bits already, beside the initial window.
    @Test mutating func `credit beyond 32 bits ends the session`() {
        _ = server.receive(windowUpdate(syn, 1))
        #expect(server.receive(windowUpdate(0, 1, .max), windowUpdate(0, 1, .max)) == end(.windowOverflow(1)))
    }

    /// py-libp2p's bursts; the odd sizes were measured.
    @Test mutating func `odd credit is added up and never refused`() {
        _ = server.receive(windowUpdate(syn, 1))
        for credit: UInt32 in [262_145, 524_307, 1, 4 << 20, .max - (16 << 20)] {
            #expect(server.receive(windowUpdate(0, 1, credit)).isEmpty)
        }
        _ = server.receive(windowUpdate(rst, 1))
        #expect(server.receive(windowUpdate(syn, 3, .max - 262_144)).contains(.opened(3)))
    }

    @Test mutating func `wrong parity and a second SYN end the session`() {
        #expect(server.receive(windowUpdate(syn, 2)) == end(.parity(2)))
        server = LoneServer()
        _ = server.receive(windowUpdate(syn, 1))
        #expect(server.receive(windowUpdate(syn, 1)) == end(.streamReused(1)))
        server = LoneServer()
        _ = server.receive(windowUpdate(syn, 1), windowUpdate(rst, 1))
        #expect(server.receive(windowUpdate(syn, 1)) == end(.streamReused(1)))
    }

    /// Each event costs the layers above as much as a message does.
    @Test mutating func `ten thousand tiny frames that take turns are one event for each stream`() {
        _ = server.receive(windowUpdate(syn, 1), windowUpdate(syn, 3))
        var frames: [UInt8] = []
        for number in 0..<5_000 { frames += data(0, 1, [UInt8(number & 255)]) + data(0, 3, [UInt8(number >> 8)]) }
        let (first, second) = ((0..<5_000).map { UInt8($0 & 255) }, (0..<5_000).map { UInt8($0 >> 8) })
        #expect(server.receive(frames) == [.data(1, first), .data(3, second)])
        // What happens to one comes behind what both had before it.
        let end = data(0, 1, [1]) + data(0, 3, [2]) + data(0, 1, [3]) + windowUpdate(rst, 1) + data(0, 3, [4])
        #expect(server.receive(end) == [.data(1, [1, 3]), .data(3, [2]), .resetByRemote(1), .data(3, [4])])
    }

    @Test mutating func `bytes behind the end of a stream end the session`() {
        _ = server.receive(data(syn | fin, 1, [1]))
        #expect(server.receive(data(0, 1, [2])) == end(.dataAfterClose(1)))
    }

    @Test mutating func `credit behind the end of a stream is ordinary`() {
        _ = server.receive(windowUpdate(syn | fin, 1))
        #expect(server.receive(windowUpdate(0, 1, 5), windowUpdate(fin, 1)).isEmpty)
    }

    @Test mutating func `frames of streams that are gone or never were are read and dropped`() {
        _ = server.receive(windowUpdate(syn, 1))
        #expect(server.feed(.reset(1)) == [.send(windowUpdate(rst, 1))])
        let late = data(0, 1, [1, 2, 3]) + windowUpdate(0, 1, 9) + windowUpdate(fin, 1) + windowUpdate(rst, 1)
        let strange = data(ack, 8, [4]) + data(fin, 77, [5, 6])
        #expect(server.receive(late, strange, data(syn, 3, [7])).contains(.data(3, [7])))
    }

    @Test mutating func `a stream that is reset in the middle of a frame loses only its own bytes`() {
        let bytes = data(syn, 1, [1, 2, 3, 4])
        _ = server.feed(.received(Array(bytes[..<13])))
        _ = server.feed(.reset(1))
        #expect(server.feed(.received(Array(bytes[13...]) + data(syn, 3, [9]))).contains(.data(3, [9])))
    }

    /// S-17: the connection survives a thousand streams at once.
    @Test(arguments: [300, 1_000])
    func `of many streams at once 64 stay and the rest are reset`(_ count: UInt32) throws {
        var server = LoneServer()
        let outputs = server.feed(.received((0..<count).flatMap { windowUpdate(syn, 2 * $0 + 1) }))
        #expect(outputs.count == 65)
        guard case .send(let bytes) = try #require(outputs.last) else {
            Issue.record("no frames")
            return
        }
        let answers: [[UInt8]] = (0..<count).map { windowUpdate($0 < 64 ? ack : rst, 2 * $0 + 1) }
        #expect(bytes == Array(answers.joined()))
        #expect(server.machine.inboundStreamCount == 64)
    }

    @Test func `three hundred streams in succession succeed`() throws {
        var pair = YamuxPair()
        for _ in 0..<300 {
            let stream = try pair.open(\.client).get()
            pair.feed(.write(stream, [1]), to: \.client)
            pair.feed(.closeWrite(stream), to: \.client)
            pair.settle()
            pair.feed(.closeWrite(stream), to: \.server)
            pair.settle()
            #expect(pair.server.arrived[stream] == [1])
        }
        #expect(pair.server.machine.streamCount == 0 && pair.client.machine.streamCount == 0)
    }

    /// Attack 21, the "rapid reset".
    @Test mutating func `ten thousand streams a second end the session`() {
        var outputs: [YamuxMachine.Output] = []
        for index in UInt32(0)..<10_000 where outputs.last.map({ if case .ended = $0 { false } else { true } }) ?? true
        {
            server.now = Instant.zero.advanced(by: .microseconds(Int64(index) * 100))
            outputs += server.receive(windowUpdate(syn, 2 * index + 1), windowUpdate(rst, 2 * index + 1))
        }
        #expect(outputs.last == .ended(.flooded(.streams)))
        #expect(server.now < Instant.zero.advanced(by: .milliseconds(200)))
    }

    @Test mutating func `a hundred streams a second go on for ever`() {
        for index in UInt32(0)..<3_000 {
            server.now = Instant.zero.advanced(by: .milliseconds(Int64(index) * 10))
            _ = server.receive(windowUpdate(syn, 2 * index + 1), windowUpdate(rst, 2 * index + 1))
        }
        #expect(server.machine.nextDeadline != nil)
    }

    @Test mutating func `pings are answered with their own value, up to a rate`() {
        #expect(server.receive(frame(2, syn, 0, 0xdead_beef)) == [.send(frame(2, ack, 0, 0xdead_beef))])
        #expect(server.receive(frame(2, ack, 0, 1), frame(2, 0, 0, 2)).isEmpty)
        let pings = (0..<256).flatMap { frame(2, syn, 0, $0) }
        #expect(server.feed(.received(pings)).last == .ended(.flooded(.pings)))
    }

    /// CVE-2024-32984: whoever asks without reading fills our queue, not our memory.
    @Test mutating func `answers before a full socket are bounded`() {
        _ = server.feed(.transportCongested)
        let pings = (0..<200).flatMap { frame(2, syn, 0, $0) }
        #expect(server.feed(.received(pings)).isEmpty)
        let streams = (0..<56).flatMap { windowUpdate(syn, 2 * $0 + 1) }
        #expect(server.feed(.received(streams)).count == 56)
        #expect(server.receive(frame(2, syn, 0, 1)).last == .ended(.flooded(.answers)))
    }

    @Test mutating func `unread bytes of a connection are capped and the stream that overflows is reset`() {
        let full = Array(repeating: UInt8(1), count: 262_144)
        for stream: UInt32 in [1, 3, 5, 7] { _ = server.receive(data(syn, stream, full)) }
        #expect(server.machine.unreadByteCount == 1 << 20)
        _ = server.receive(windowUpdate(syn, 9))
        #expect(server.receive(data(0, 9, [1])) == [.resetLocally(9, .unreadBytesFull), .send(windowUpdate(rst, 9))])
        #expect(server.receive(data(syn, 11, [1])) == [.send(windowUpdate(rst, 11))])
        _ = server.feed(.consumed(1, 1))
        #expect(server.receive(data(syn, 13, [1])).contains(.data(13, [1])))
        #expect(server.machine.unreadByteCount == 1 << 20)
    }

    @Test(arguments: [
        (UInt32(0), YamuxEnd.remoteGoAway(.normal)),
        (1, .remoteGoAway(.protocolError)),
        (2, .remoteGoAway(.internalError)),
        (77, .remoteGoAway(.other(77))),
    ])
    func `every go-away has its end`(_ code: UInt32, _ end: YamuxEnd) {
        var server = LoneServer()
        #expect(server.receive(frame(3, 0, 0, code)) == [.ended(end)])
    }

    @Test mutating func `an error of the peer's ends the session although streams are open`() {
        _ = server.receive(windowUpdate(syn, 1))
        #expect(server.receive(frame(3, 0, 0, 0)).isEmpty)
        #expect(server.receive(frame(3, 0, 0, 1)) == [.ended(.remoteGoAway(.protocolError))])
    }

    @Test mutating func `after our go-away new streams are reset`() {
        _ = server.receive(windowUpdate(syn, 1))
        #expect(server.feed(.goAway) == [.send(frame(3))])
        #expect(server.receive(data(syn, 3, [1, 2])) == [.send(windowUpdate(rst, 3))])
        #expect(server.receive(windowUpdate(rst, 1)) == [.resetByRemote(1), .ended(.goneAway)])
        #expect(server.receive(windowUpdate(syn, 5)).isEmpty)
    }
}
