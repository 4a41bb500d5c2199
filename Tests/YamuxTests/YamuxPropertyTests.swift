import Primitives
import Testing

@testable import Yamux

@Suite struct `Yamux under random operations` {
    /// Every byte arrives once and in order, and no cap is passed, whatever the order of writes, reads, closes, splits and
    /// full sockets.
    ///
    /// `YamuxPair` checks the invariants after every step.
    @Test(arguments: UInt8(1)...8)
    func `every byte arrives in order exactly once`(_ seed: UInt8) throws {
        var random = SeededRandom(seed: Array(repeating: seed, count: 32))
        var pair = YamuxPair(seed: seed)
        pair.client.consumesAtOnce = false
        pair.server.consumesAtOnce = false
        var model = Model()
        for _ in 0..<400 {
            try step(&pair, &model, &random)
            for side in Self.sides {
                #expect(pair[keyPath: side].end == nil)
                #expect(pair[keyPath: side].machine.unreadByteCount <= 1 << 20)
            }
        }
        for side in Self.sides { pair.feed(.transportDrained, to: side) }
        drain(&pair, &model)
        for (key, written) in model.written {
            // Compared outside the macro, which would search a million bytes for their differences.
            let isWhole = pair[keyPath: key.receiver].arrived[key.stream] ?? [] == written
            #expect(isWhole, "stream \(key.stream)")
        }
        #expect(!model.written.isEmpty)
        #expect(pair.client.machine.queuedByteCount == 0 && pair.server.machine.queuedByteCount == 0)
    }

    private static let sides = [\YamuxPair.client, \YamuxPair.server]

    private struct Flow: Hashable {
        let isByClient: Bool
        let stream: YamuxStreamID
        var receiver: WritableKeyPath<YamuxPair, YamuxPair.End> { isByClient ? \.server : \.client }
    }

    private struct Model {
        var streams: [YamuxStreamID] = []
        var written: [Flow: [UInt8]] = [:]
        var consumed: [Flow: Int] = [:]
        var closed: Set<Flow> = []
    }

    private func step(_ pair: inout YamuxPair, _ model: inout Model, _ random: inout SeededRandom) throws {
        let isByClient = random.chance(1, in: 2)
        let side: WritableKeyPath<YamuxPair, YamuxPair.End> = isByClient ? \.client : \.server
        switch random.below(10) {
        case 0 where model.streams.count < 3:
            model.streams.append(try pair.open(side).get())
            pair.settle()
        case 1...4:
            guard !model.streams.isEmpty else { return }
            let flow = Flow(isByClient: isByClient, stream: model.streams[random.below(model.streams.count)])
            guard pair[keyPath: side].machine.contains(flow.stream), !model.closed.contains(flow),
                model.written[flow, default: []].count < 300_000
            else { return }
            let bytes =
                random.bytes(random.below(8)) + Array(repeating: UInt8(random.below(256)), count: random.below(40_000))
            model.written[flow, default: []] += bytes
            pair.feed(.write(flow.stream, bytes), to: side)
        case 5:
            guard random.chance(1, in: 8), let stream = model.streams.last else { return }
            guard pair[keyPath: side].machine.contains(stream) else { return }
            model.closed.insert(Flow(isByClient: isByClient, stream: stream))
            pair.feed(.closeWrite(stream), to: side)
        case 6: pair.feed(random.chance(1, in: 2) ? .transportCongested : .transportDrained, to: side)
        case 7: consume(&pair, &model, share: 1 + random.below(3))
        default: pair.deliver(to: side, pieceMax: 1 + random.below(random.chance(1, in: 4) ? 20 : 90_000))
        }
    }

    private func consume(_ pair: inout YamuxPair, _ model: inout Model, share: Int) {
        for stream in model.streams {
            for isByClient in [true, false] {
                let flow = Flow(isByClient: isByClient, stream: stream)
                let arrived = pair[keyPath: flow.receiver].arrived[stream]?.count ?? 0
                let count = (arrived - model.consumed[flow, default: 0]) / share
                model.consumed[flow, default: 0] += count
                pair.feed(.consumed(stream, count), to: flow.receiver)
            }
        }
    }

    private func drain(_ pair: inout YamuxPair, _ model: inout Model) {
        for _ in 0..<20 {
            pair.settle()
            consume(&pair, &model, share: 1)
        }
    }

    /// Random frames with plausible fields, and flips in them: the machine may end the session and never traps.
    @Test(arguments: UInt8(1)...40)
    func `no bytes of a peer trap the machine`(_ seed: UInt8) {
        var random = SeededRandom(seed: Array(repeating: seed, count: 32))
        for _ in 0..<6 {
            var server = LoneServer()
            for _ in 0..<60 {
                var bytes = (0..<1 + random.below(6)).flatMap { _ in randomFrame(&random) }
                if random.chance(1, in: 12) { bytes[random.below(bytes.count)] ^= UInt8(1 << random.below(8)) }
                if random.chance(1, in: 12) { bytes.removeLast(random.below(bytes.count)) }
                let outputs = server.feed(.received(bytes))
                use(outputs, &server, &random)
                server.now = server.now.advanced(by: .milliseconds(Int64(random.below(3_000))))
                if random.chance(1, in: 10) { _ = server.feed(.deadlineReached) }
                if random.chance(1, in: 10) {
                    _ = server.feed(random.chance(1, in: 2) ? .transportCongested : .transportDrained)
                }
            }
        }
    }

    private func randomFrame(_ random: inout SeededRandom) -> [UInt8] {
        let kind = UInt8(random.chance(1, in: 40) ? random.below(256) : [0, 0, 1, 1, 1, 2][random.below(6)])
        let flags = UInt16(
            [0, 0, 1, 1, 1, 2, 4, 5, 8, 9, random.chance(1, in: 8) ? random.below(65_536) : 0][random.below(11)]
        )
        let stream = kind == 2 ? 0 : UInt32(2 * random.below(12) + (random.chance(1, in: 30) ? 0 : 1))
        if kind == 0 { return data(flags, stream, random.bytes(random.below(40))) }
        let length = random.chance(1, in: 40) ? UInt32(truncatingIfNeeded: random.next()) : UInt32(random.below(70_000))
        return frame(kind, flags, stream, length)
    }

    private func use(_ outputs: [YamuxMachine.Output], _ server: inout LoneServer, _ random: inout SeededRandom) {
        for output in outputs {
            switch output {
            case .data(let stream, let bytes): _ = server.feed(.consumed(stream, random.below(bytes.count + 1)))
            case .opened(let stream): _ = server.feed(.write(stream, random.bytes(random.below(50))))
            case .remoteClosedWrite(let stream): _ = server.feed(.closeWrite(stream))
            case .send, .acknowledged, .resetByRemote, .resetLocally, .congested, .drained, .roundTrip, .ended: break
            }
        }
    }
}
