internal import Multistream
internal import Primitives
import Testing

@Suite struct `Malformed multistream input` {
    static let roles: [MultistreamMachine.Role] = [
        .dialer(proposals: ["/a"], isLazy: true),
        .dialer(proposals: ["/a", "/b"], isLazy: false),
        .listener(supported: ["/a", "/b"]),
    ]

    @Test(arguments: roles, ["/multistream/1.0.1", "/multistream/1.0.0 ", "na", "", "/a"])
    func `anything but the header first ends it`(role: MultistreamMachine.Role, first: String) {
        var (machine, _) = MultistreamMachine.started(role)
        #expect(machine.receive(wire(first)) == [.failed(.wrongHeader)])
        #expect(machine.receive(wire(header)) == [])
    }

    @Test(arguments: roles)
    func `a token without a newline at its end is refused`(role: MultistreamMachine.Role) {
        for token: [UInt8] in [[0], [1, 0x61], [3, 0x6e, 0x0a, 0x61], [4] + Array("na\r\r".utf8)] {
            var (machine, _) = MultistreamMachine.started(role)
            _ = machine.receive(wire(header))
            #expect(machine.receive(token) == [.failed(.missingNewline)])
        }
    }

    @Test func `a newline inside a word is part of the word`() {
        var (machine, _) = MultistreamMachine.started(.listener(supported: ["/a"]))
        #expect(machine.receive(wire(header, "/a\n/a")) == [.send(wire("na"))])
    }

    @Test func `a token of 1025 bytes is a word, one byte more is refused at its length`() {
        let name = "/" + String(repeating: "x", count: 1023)
        let (length, tooLong): ([UInt8], [UInt8]) = ([0x81, 0x08], [0x82, 0x08])
        var (machine, _) = MultistreamMachine.started(.listener(supported: [name]))
        _ = machine.receive(wire(header))
        #expect(machine.receive(length + Array(name.utf8)) == [])
        #expect(machine.receive([0x0a]).last == .negotiated(protocolName: name, remainder: []))

        var (second, _) = MultistreamMachine.started(.listener(supported: [name]))
        #expect(second.receive(wire(header) + tooLong) == [.failed(.tokenTooLong)])
    }

    @Test(arguments: roles)
    func `a length of many bytes or with padding is refused at once`(role: MultistreamMachine.Role) {
        let cases: [([UInt8], MultistreamFailure)] = [
            ([0x80, 0x80, 0x80, 0x80, 0x08], .tokenTooLong),
            (Array(repeating: 0x80, count: 10), .malformedLength(.tooLong)),
            ([0x83, 0x00], .malformedLength(.notMinimal)),
        ]
        for (length, failure) in cases {
            var (machine, _) = MultistreamMachine.started(role)
            #expect(machine.receive(length) == [.failed(failure)])
        }
    }
}
