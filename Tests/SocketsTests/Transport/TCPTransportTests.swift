import Primitives
import Swarm
import Testing

@testable import Sockets

@Suite struct `TCP transport` {
    let bench = SocketBench()

    @Test(arguments: [true, false])
    func `a dial arrives, with both ends' addresses told alike`(isIPv4: Bool) throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: isIPv4))
        let client = bench.station()
        client.perform(.dial(.dial(1), endpoint))
        bench.run { !server.accepted.isEmpty && !client.dialed.isEmpty }

        let told = try #require(
            client.inputs.compactMap { input -> [Endpoint]? in
                if case .dialed(_, let local, let remote) = input { [remote, local] } else { nil }
            }.first
        )
        #expect(server.inputs.last == .accepted(ConnectionID(rawValue: 1), local: told[0], remote: told[1]))
        #expect(told[0] == endpoint)
    }

    @Test func `a dial comes from the port on which the dialler listens`() throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let (client, own) = try bench.listener(at: try #require(IPAddress([0, 0, 0, 0])))
        client.perform(.dial(.dial(1), endpoint))
        bench.run { !server.accepted.isEmpty }
        guard case .accepted(_, _, let remote) = server.inputs.last else {
            Issue.record("nothing was accepted")
            return
        }
        #expect(remote.port == own.port)
    }

    @Test func `a second dial to the same place comes from another port`() throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let (client, own) = try bench.listener(at: .loopback(isIPv4: true))
        client.perform(.dial(.dial(1), endpoint))
        client.perform(.dial(.dial(2), endpoint))
        bench.run { server.accepted.count == 2 }
        let ports = server.inputs.compactMap { if case .accepted(_, _, let remote) = $0 { remote.port } else { nil } }
        #expect(ports.contains(own.port))
        #expect(Set(ports).count == 2)
    }

    @Test func `a dial to the own listener does not connect the socket to itself`() throws {
        let (station, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        station.perform(.dial(.dial(1), endpoint))
        bench.run { station.accepted.count == 1 && station.dialed.count == 1 }
    }

    @Test(arguments: [true, false])
    func `a port that nobody listens on refuses`(isIPv4: Bool) throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: isIPv4))
        server.perform(.stopListening(ListenerID(rawValue: 0)))
        let client = bench.station()
        client.perform(.dial(.dial(1), endpoint))
        bench.run { client.inputs.contains(.dialFailed(.dial(1), .refused)) }
        #expect(client.transport.connectionCount == 0)
    }

    @Test func `a port that is listened on is refused to a second listener`() throws {
        let (_, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let second = bench.station()
        second.perform(.listen(ListenerID(rawValue: 7), endpoint))
        #expect(second.inputs.last == .listenFailed(ListenerID(rawValue: 7), .addressInUse))
    }

    @Test func `a dial that nobody answers times out`() throws {
        var limits = TCPLimits()
        limits.connectTimeout = .milliseconds(50)
        limits.backlog = 0
        // A kernel queue of one that nobody empties: the connections behind it get no answer.
        let socket = try SystemSocket.listening(
            at: Endpoint(address: .loopback(isIPv4: true), port: 0),
            backlog: limits.backlog
        )
        defer { socket.close() }
        let client = bench.station(limits: limits)
        for number in 1...4 { client.perform(.dial(.dial(UInt64(number)), try socket.localEndpoint())) }
        bench.run { client.inputs.contains(.dialFailed(.dial(4), .timedOut)) }
    }

    @Test func `what is dialled and aborted at once fails once`() throws {
        let (_, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let client = bench.station()
        client.perform(.dial(.dial(1), endpoint))
        client.perform(.abort(.dial(1)))
        client.perform(.abort(.dial(1)))
        var turnCount = 0
        bench.run {
            turnCount += 1
            return turnCount > 4
        }
        #expect(client.inputs.dropFirst() == [.dialFailed(.dial(1), .system("ECANCELED"))])
    }

    @Test(arguments: [true, false])
    func `eight megabytes come back as they were sent, through a receiver that pauses`(isIPv4: Bool) throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: isIPv4))
        let client = bench.station()
        let sent = pattern(8 << 20)
        server.react = { input, server in
            if case .received(let id, let bytes) = input { server.perform(.send(id, bytes)) }
        }
        client.perform(.dial(.dial(1), endpoint))
        bench.run { !client.dialed.isEmpty && !server.accepted.isEmpty }
        server.perform(.pauseReading(ConnectionID(rawValue: 1)))
        client.perform(.send(.dial(1), sent))
        bench.run { client.inputs.contains(.congested(.dial(1))) }
        #expect(!client.inputs.contains(.drained(.dial(1))))

        server.perform(.resumeReading(ConnectionID(rawValue: 1)))
        bench.run { client.received[.dial(1)]?.count == sent.count }
        #expect(client.received[.dial(1)] == sent)
        #expect(client.inputs.count { $0 == .drained(.dial(1)) } == 1)
        #expect(client.transport.unsentByteCount == 0)
    }

    @Test func `a peer that never reads costs a bounded amount of memory, then its connection`() throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let client = bench.station()
        client.perform(.dial(.dial(1), endpoint))
        bench.run { !client.dialed.isEmpty && !server.accepted.isEmpty }
        server.perform(.pauseReading(ConnectionID(rawValue: 1)))
        let chunk = [UInt8](repeating: 7, count: 1 << 20)
        bench.run {
            client.perform(.send(.dial(1), chunk))
            #expect(client.transport.unsentByteCount <= TCPLimits().unsentByteCountMax)
            return !client.ended.isEmpty
        }
        #expect(client.inputs.contains(.congested(.dial(1))))
        #expect(client.inputs.last == .disconnected(.dial(1), .system("ENOBUFS")))
    }

    @Test func `two hundred connections at once all work and all end`() throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let client = bench.station()
        server.react = { input, server in
            if case .received(let id, let bytes) = input { server.perform(.send(id, bytes)) }
        }
        client.react = { input, client in
            if case .dialed(let id, _, _) = input { client.perform(.send(id, pattern(100))) }
        }
        for number in 1...200 { client.perform(.dial(.dial(UInt64(number)), endpoint)) }
        bench.run { client.received.count { $0.value == pattern(100) } == 200 }
        for number in 1...200 { client.perform(.close(.dial(UInt64(number)))) }
        bench.run { client.ended.count == 200 && server.ended.count == 200 }
        #expect(client.ended.allSatisfy { $0.failure == nil })
        #expect(server.ended.allSatisfy { $0.failure == nil })
        #expect(client.transport.connectionCount == 0)
        #expect(Set(server.accepted.map(\.rawValue)).allSatisfy { $0 % 2 == 1 })
    }

    @Test func `closing sends what is queued, although the peer's bytes are still unread`() throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let client = bench.station()
        client.perform(.dial(.dial(1), endpoint))
        bench.run { !client.dialed.isEmpty && !server.accepted.isEmpty }
        let sent = pattern(4 << 20)
        client.perform(.pauseReading(.dial(1)))
        server.perform(.send(ConnectionID(rawValue: 1), pattern(100_000)))
        client.perform(.send(.dial(1), sent))
        client.perform(.close(.dial(1)))
        client.perform(.send(.dial(1), [1, 2, 3]))
        bench.run { server.ended.count == 1 && client.ended.count == 1 }
        #expect(server.received[ConnectionID(rawValue: 1)] == sent)
        #expect(server.ended.first?.failure == nil)
        #expect(client.ended.first?.failure == nil)
        #expect(client.received[.dial(1)] == nil)
    }

    @Test func `closing gives up on a peer that does not read`() throws {
        var limits = TCPLimits()
        limits.flushTimeout = .milliseconds(50)
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let client = bench.station(limits: limits)
        client.perform(.dial(.dial(1), endpoint))
        bench.run { !client.dialed.isEmpty && !server.accepted.isEmpty }
        server.perform(.pauseReading(ConnectionID(rawValue: 1)))
        client.perform(.send(.dial(1), [UInt8](repeating: 1, count: 8 << 20)))
        client.perform(.close(.dial(1)))
        bench.run { client.ended.count == 1 }
        #expect(client.ended.first?.failure == .timedOut)
    }

    @Test func `closing does not wait for ever for a peer that keeps its end open`() throws {
        var limits = TCPLimits()
        limits.lingerTimeout = .milliseconds(50)
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let client = bench.station(limits: limits)
        client.perform(.dial(.dial(1), endpoint))
        bench.run { !client.dialed.isEmpty && !server.accepted.isEmpty }
        server.perform(.pauseReading(ConnectionID(rawValue: 1)))
        client.perform(.close(.dial(1)))
        bench.run { client.ended.count == 1 }
        #expect(client.ended.first?.failure == nil)
    }

    @Test func `aborting resets, and tells both sides once`() throws {
        let (server, endpoint) = try bench.listener(at: .loopback(isIPv4: true))
        let client = bench.station()
        client.perform(.dial(.dial(1), endpoint))
        bench.run { !client.dialed.isEmpty && !server.accepted.isEmpty }
        client.perform(.abort(.dial(1)))
        client.perform(.close(.dial(1)))
        bench.run { server.ended.count == 1 }
        #expect(server.ended.first?.failure == .reset)
        #expect(client.ended.count == 1)
        #expect(client.ended.first?.failure == nil)
    }

    @Test func `outputs for connections that are gone have no effect`() {
        let station = bench.station()
        let before = station.inputs
        let gone = ConnectionID.dial(9)
        for output: TransportOutput in [
            .send(gone, [1]), .pauseReading(gone), .resumeReading(gone), .close(gone), .abort(gone),
            .stopListening(ListenerID(rawValue: 3)),
        ] {
            station.perform(output)
        }
        #expect(station.inputs == before)
    }

    @Test func `the addresses of the interfaces come first, and loopback is among them`() throws {
        let station = bench.station()
        guard case .interfaces(let addresses) = station.inputs.first else {
            Issue.record("no addresses were told")
            return
        }
        #expect(addresses.contains(try .loopback(isIPv4: true)))
        #expect(Set(addresses).count == addresses.count)
        #expect(!addresses.contains { !$0.isIPv4 && $0.isLinkLocal || $0.isUnspecified })
    }

    @Test(arguments: [
        (NameQuery.ipv4Addresses("localhost"), true), (.addresses(""), false), (.text("a\u{0}b"), false),
        (.addresses(String(repeating: "a", count: 254)), false),
    ])
    func `names resolve off the loop, and impossible names fail`(query: NameQuery, isFound: Bool) throws {
        let station = bench.station()
        station.perform(.resolve(ResolutionID(rawValue: 5), query))
        var answer: NameAnswer?
        bench.run {
            for case .resolved(ResolutionID(rawValue: 5), let found) in station.inputs { answer = found }
            return answer != nil
        }
        if isFound {
            #expect(answer == .addresses([try .loopback(isIPv4: true)]))
        } else {
            #expect(answer == .failed("no name"))
        }
    }
}
