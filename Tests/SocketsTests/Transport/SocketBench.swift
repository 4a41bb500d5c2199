import Primitives
import Swarm
import Testing

@testable import Sockets

/// One transport and everything that it told.
final class Station {
    private(set) var transport: TCPTransport
    private(set) var inputs: [TransportInput] = []
    /// Called for every input, before the test sees it.
    var react: (TransportInput, Station) -> Void = { _, _ in }
    /// Bytes that arrived, by connection; they are not kept in `inputs`.
    private(set) var received: [ConnectionID: [UInt8]] = [:]

    init(on loop: UVLoop, limits: TCPLimits) {
        weak var station: Station?
        transport = TCPTransport(on: loop, limits: limits) { station?.note($0) }
        station = self
        transport.start()
    }

    private func note(_ input: TransportInput) {
        if case .received(let id, let bytes) = input {
            received[id, default: []] += bytes
        } else {
            inputs.append(input)
        }
        react(input, self)
    }

    func perform(_ output: TransportOutput) {
        transport.perform(output)
    }

    var accepted: [ConnectionID] {
        inputs.compactMap { if case .accepted(let id, _, _) = $0 { id } else { nil } }
    }

    var dialed: [ConnectionID] {
        inputs.compactMap { if case .dialed(let id, _, _) = $0 { id } else { nil } }
    }

    /// How each connection that ended did so.
    var ended: [(id: ConnectionID, failure: TransportFailure?)] {
        inputs.compactMap { if case .disconnected(let id, let failure) = $0 { (id, failure) } else { nil } }
    }

    var listening: Endpoint? {
        inputs.lazy.compactMap { if case .listening(_, let endpoint) = $0 { endpoint } else { nil } }.last
    }
}

/// One loop on the test's own thread, with stations that talk to each other over the loopback interface.
final class SocketBench {
    let loop = UVLoop()
    private var stations: [Station] = []

    func station(limits: TCPLimits = TCPLimits()) -> Station {
        let station = Station(on: loop, limits: limits)
        stations.append(station)
        return station
    }

    /// A station that listens at `address` on a port of the system's choice.
    func listener(
        at address: IPAddress,
        limits: TCPLimits = TCPLimits()
    ) throws -> (station: Station, endpoint: Endpoint) {
        let station = station(limits: limits)
        station.perform(.listen(ListenerID(rawValue: 0), Endpoint(address: address, port: 0)))
        return (station, try #require(station.listening))
    }

    /// Turns the loop until `condition` holds; a failure of the test if that takes longer than `limit`.
    func run(
        limit: Duration = .seconds(20),
        sourceLocation: SourceLocation = #_sourceLocation,
        until condition: () -> Bool
    ) {
        let end = ContinuousClock.now.advanced(by: limit)
        let waker = LoopTimer(on: loop) {}
        waker.arm(after: .milliseconds(20), every: .milliseconds(20))
        while !condition(), ContinuousClock.now < end { loop.runOnce() }
        waker.close()
        #expect(condition(), "waited in vain", sourceLocation: sourceLocation)
    }

    /// Closes everything; that the loop ends is part of every test.
    func close() {
        for station in stations { station.transport.shutDown() }
        loop.close()
    }

    deinit { close() }
}

extension IPAddress {
    static func loopback(isIPv4: Bool) throws -> IPAddress {
        try #require(IPAddress(isIPv4 ? [127, 0, 0, 1] : [UInt8](repeating: 0, count: 15) + [1]))
    }
}

extension ConnectionID {
    /// The machine's numbers are even.
    static func dial(_ number: UInt64) -> ConnectionID { ConnectionID(rawValue: number * 2) }
}

/// Bytes in which a lost, doubled or displaced piece shows.
func pattern(_ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8 &+ $0 >> 16) }
}
