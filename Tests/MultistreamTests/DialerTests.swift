internal import Multistream
internal import Primitives
import Testing

@Suite struct `Multistream dialer` {
    @Test func `sends its header at once and names nothing before the peer's header`() {
        var (machine, outputs) = MultistreamMachine.started(.dialer(proposals: ["/noise"], isLazy: false))
        #expect(outputs == [.send(wire(header))])

        #expect(machine.receive(wire(header)) == [.send(wire("/noise"))])
        #expect(machine.receive(wire("/noise")) == [.negotiated(protocolName: "/noise", remainder: [])])
    }

    @Test func `sends header and first name in one piece when it is lazy`() {
        var (machine, outputs) = MultistreamMachine.started(.dialer(proposals: ["/noise"], isLazy: true))
        #expect(outputs == [.send(wire(header, "/noise"))])

        #expect(machine.receive(wire(header)) == [])
        #expect(machine.receive(wire("/noise")) == [.negotiated(protocolName: "/noise", remainder: [])])
    }

    @Test func `says the words of the specification byte for byte`() {
        #expect(wire("na") == [0x03, 0x6e, 0x61, 0x0a])
        let outputs = MultistreamMachine.started(.dialer(proposals: ["/a"], isLazy: true)).outputs
        #expect(outputs == [.send([0x13] + Array("/multistream/1.0.0\n".utf8) + [0x03] + Array("/a\n".utf8))])
    }

    @Test(arguments: [true, false])
    func `names the next protocol after each refusal`(isLazy: Bool) {
        var (machine, _) = MultistreamMachine.started(.dialer(proposals: ["/a", "/b", "/c"], isLazy: isLazy))
        _ = machine.receive(wire(header))
        #expect(machine.receive(wire("na")) == [.send(wire("/b"))])
        #expect(machine.receive(wire("na")) == [.send(wire("/c"))])
        #expect(machine.receive(wire("/c")) == [.negotiated(protocolName: "/c", remainder: [])])
    }

    @Test func `fails when everything is refused`() {
        var (machine, _) = MultistreamMachine.started(.dialer(proposals: ["/a", "/b"], isLazy: true))
        #expect(machine.receive(wire(header, "na", "na")) == [.send(wire("/b")), .failed(.noCommonProtocol)])
    }

    @Test(arguments: ["/b", "ls", "/multistream/1.0.0", "", "NA", "/a "])
    func `fails at an answer that is neither the name nor na`(answer: String) {
        var (machine, _) = MultistreamMachine.started(.dialer(proposals: ["/a", "/b"], isLazy: false))
        _ = machine.receive(wire(header))
        #expect(machine.receive(wire(answer)) == [.failed(.unexpectedAnswer)])
    }

    @Test func `an agreement to the second name while the first is open is no agreement`() {
        var (machine, _) = MultistreamMachine.started(.dialer(proposals: ["/a", "/b"], isLazy: true))
        #expect(machine.receive(wire(header, "/b")) == [.failed(.unexpectedAnswer)])
    }

    @Test func `hands on exactly the bytes behind the answer`() {
        var (machine, _) = MultistreamMachine.started(.dialer(proposals: ["/a"], isLazy: true))
        let behind: [UInt8] = [0, 0, 0xff, 0x0a, 3]
        #expect(
            machine.receive(wire(header, "/a") + behind) == [.negotiated(protocolName: "/a", remainder: behind)]
        )
    }

    @Test func `names are equal by bytes, not by Unicode equivalence`() {
        let (composed, decomposed) = ("/caf\u{e9}", "/cafe\u{301}")
        #expect(composed == decomposed)
        var (machine, _) = MultistreamMachine.started(.dialer(proposals: [composed], isLazy: true))
        #expect(machine.receive(wire(header, decomposed)) == [.failed(.unexpectedAnswer)])
    }
}
