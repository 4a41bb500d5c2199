internal import Multistream
internal import Primitives
import Testing

@Suite struct `Multistream listener` {
    @Test func `sends its header at once and echoes a name that it supports`() {
        var (machine, outputs) = MultistreamMachine.started(.listener(supported: ["/a", "/b"]))
        #expect(outputs == [.send(wire(header))])

        #expect(machine.receive(wire(header)) == [])
        #expect(
            machine.receive(wire("/b")) == [.send(wire("/b")), .negotiated(protocolName: "/b", remainder: [])]
        )
    }

    @Test func `answers na to unknown names and to ls, and goes on`() {
        var (machine, _) = MultistreamMachine.started(.listener(supported: ["/a"]))
        #expect(machine.receive(wire(header, "/x", "ls", "")) == Array(repeating: .send(wire("na")), count: 3))
        #expect(
            machine.receive(wire("/a")) == [.send(wire("/a")), .negotiated(protocolName: "/a", remainder: [])]
        )
    }

    @Test func `parses header, name and first message out of one piece`() {
        var (machine, _) = MultistreamMachine.started(.listener(supported: ["/a"]))
        let message: [UInt8] = Array("first message".utf8)
        #expect(
            machine.receive(wire(header, "/a") + message)
                == [.send(wire("/a")), .negotiated(protocolName: "/a", remainder: message)]
        )
    }

    @Test func `refuses sixteen names and ends at the seventeenth`() {
        var (machine, _) = MultistreamMachine.started(.listener(supported: ["/a"]))
        _ = machine.receive(wire(header))
        for _ in 0..<MultistreamMachine.proposalCountMax { #expect(machine.receive(wire("/x")) == [.send(wire("na"))]) }
        #expect(machine.receive(wire("/x")) == [.failed(.tooManyProposals)])
    }

    @Test func `accepts a known name after sixteen refusals`() {
        var (machine, _) = MultistreamMachine.started(.listener(supported: ["/a"]))
        _ = machine.receive(wire(header))
        for _ in 0..<MultistreamMachine.proposalCountMax { _ = machine.receive(wire("/x")) }
        #expect(machine.receive(wire("/a")).last == .negotiated(protocolName: "/a", remainder: []))
    }

    @Test func `supports nothing when its list is empty`() {
        var (machine, _) = MultistreamMachine.started(.listener(supported: []))
        #expect(machine.receive(wire(header, "/a")) == [.send(wire("na"))])
    }

    @Test func `ignores what comes after the end`() {
        var (machine, _) = MultistreamMachine.started(.listener(supported: ["/a"]))
        _ = machine.receive(wire(header, "/a"))
        #expect(machine.receive(wire("/a")) == [])
    }
}
