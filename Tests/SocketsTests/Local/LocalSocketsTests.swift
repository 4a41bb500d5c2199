import Foundation
import Primitives
import Swarm
import Testing

@testable import Sockets

/// Two ends on one loop, on the test's own thread.
final class LocalBench {
    let loop = UVLoop()
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("local-\(UUID().uuidString.prefix(8))")
        .path
    private(set) var sockets: LocalSockets?
    private(set) var inputs: [LocalInput] = []
    private(set) var received: [LocalStreamID: [UInt8]] = [:]
    let client = LocalStreamID(rawValue: 2)
    let server = LocalStreamID(rawValue: 1)

    init(limits: LocalLimits = LocalLimits()) {
        sockets = LocalSockets(on: loop, limits: limits) { [weak self] input in
            guard let self else { return }
            if case .received(let id, let bytes) = input {
                received[id, default: []] += bytes
            } else {
                inputs.append(input)
            }
        }
    }

    func perform(_ outputs: LocalOutput...) {
        for output in outputs { sockets?.perform(output) }
    }

    /// Turns the loop until `condition` holds.
    func run(until condition: () -> Bool) {
        let end = ContinuousClock.now.advanced(by: .seconds(20))
        let waker = LoopTimer(on: loop) {}
        waker.arm(after: .milliseconds(20), every: .milliseconds(20))
        while !condition(), ContinuousClock.now < end { loop.runOnce() }
        waker.close()
        #expect(condition(), "waited in vain: \(inputs)")
    }

    /// Listens at the path and connects with itself.
    func meet() throws {
        _ = try #require(sockets).listen(at: .path(path))
        perform(.connect(client, .path(path)))
        run { inputs.contains(.accepted(server)) && inputs.contains(.connected(client)) }
    }

    deinit {
        sockets?.shutDown()
        loop.close()
    }
}

@Suite struct `Local sockets` {
    @Test func `bytes pass both ways, and half an end leaves the other half`() throws {
        let bench = LocalBench()
        try bench.meet()
        let large = [UInt8](repeating: 7, count: 300_000)
        bench.perform(.send(bench.client, [1, 2]), .send(bench.client, large), .closeWrite(bench.client))
        bench.run { bench.inputs.contains(.remoteClosedWrite(bench.server)) }
        #expect(bench.received[bench.server] == [1, 2] + large)
        bench.perform(.send(bench.server, [3]), .close(bench.server))
        bench.run { bench.inputs.contains(.ended(bench.client)) && bench.inputs.contains(.ended(bench.server)) }
        #expect(bench.received[bench.client] == [3])
    }

    @Test func `a stream that is not read congests its writer, and drains when it is`() throws {
        var limits = LocalLimits()
        (limits.highWaterByteCount, limits.lowWaterByteCount) = (100_000, 50_000)
        let bench = LocalBench(limits: limits)
        try bench.meet()
        bench.perform(.pauseReading(bench.server))
        bench.perform(.send(bench.client, [UInt8](repeating: 1, count: 4 << 20)))
        bench.run { bench.inputs.contains(.congested(bench.client)) }
        bench.perform(.resumeReading(bench.server))
        bench.run { bench.received[bench.server]?.count == 4 << 20 }
        #expect(bench.inputs.contains(.drained(bench.client)))
    }

    @Test func `a program that goes away behind its end is noticed`() throws {
        var limits = LocalLimits()
        limits.goneInterval = .milliseconds(10)
        let bench = LocalBench(limits: limits)
        try bench.meet()
        bench.perform(.closeWrite(bench.client))
        bench.run { bench.inputs.contains(.remoteClosedWrite(bench.server)) }
        bench.perform(.close(bench.client))
        bench.run { bench.inputs.contains(.ended(bench.server)) }
    }

    @Test func `nobody at a path is a failure, and a path that is left behind is taken over`() throws {
        let bench = LocalBench()
        bench.perform(.connect(bench.client, .path(bench.path)))
        #expect(bench.inputs.count == 1)
        guard case .connectFailed(bench.client, _) = bench.inputs.first else {
            Issue.record("\(bench.inputs)")
            return
        }
        let other = LocalBench()
        _ = try other.sockets?.listen(at: .path(other.path))
        #expect(throws: TransportFailure.addressInUse) { try bench.sockets?.listen(at: .path(other.path)) }
    }

    @Test func `more programs than the limit are closed at once`() throws {
        var limits = LocalLimits()
        limits.streamCountMax = 2
        let bench = LocalBench(limits: limits)
        try bench.meet()
        let second = LocalStreamID(rawValue: 4)
        let other = LocalBench()
        other.perform(.connect(second, .path(bench.path)))
        bench.run {
            other.loop.runOnceWithoutWaiting()
            return other.inputs.contains(.ended(second))
        }
        #expect(!bench.inputs.contains(.accepted(LocalStreamID(rawValue: 3))))
    }

    @Test func `TCP on loopback serves as well, at a port of the system's choice`() throws {
        let bench = LocalBench()
        let any = LocalAddress.endpoint(Endpoint(address: IPAddress(127, 0, 0, 1), port: 0))
        let bound = try #require(try bench.sockets?.listen(at: any))
        #expect(bound != any)
        bench.perform(.connect(bench.client, bound), .send(bench.client, [5]))
        bench.run { bench.received[bench.server] == [5] }
    }
}
