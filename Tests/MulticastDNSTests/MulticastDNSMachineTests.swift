import Cryptography
import Identity
import Primitives
import Testing

@testable import MulticastDNS

@Suite struct `Multicast DNS` {
    static let lan = IPAddress(192, 168, 1, 7)

    static func peer(_ number: UInt8) -> PeerID {
        PeerID(publicKey: Ed25519.PrivateKey(seed: [UInt8](repeating: number, count: 32)).publicKey)
    }

    static func machine(_ number: UInt8) -> MulticastDNSMachine {
        MulticastDNSMachine(own: peer(number), random: SeededRandom(seed: [UInt8](repeating: number, count: 32)))
    }

    static func address(_ text: String) throws -> Multiaddr { try Multiaddr(text: text) }

    /// Lets a machine do what is due until `end`, and gives what it said.
    private func run(_ machine: inout MulticastDNSMachine, until end: Instant) -> [MulticastDNSMachine.Output] {
        var outputs: [MulticastDNSMachine.Output] = []
        while let due = machine.nextDeadline, due <= end {
            machine.handle(.deadlineReached, at: due, into: &outputs)
            machine.checkInvariants()
        }
        return outputs
    }

    @Test func `two peers on one cable find each other`() throws {
        var (asking, answering) = (Self.machine(1), Self.machine(2))
        var said: [MulticastDNSMachine.Output] = []
        let address = try Self.address("/ip4/192.168.1.7/tcp/4180")
        answering.handle(.ownAddresses([address]), at: .zero, into: &said)
        asking.handle(.started, at: .zero, into: &said)
        guard case .send(let question) = run(&asking, until: .zero.advanced(by: .milliseconds(200))).first else {
            Issue.record("it did not ask")
            return
        }
        let asked = Instant.zero.advanced(by: .milliseconds(200))
        answering.handle(.received(question, from: IPAddress(192, 168, 1, 8)), at: asked, into: &said)
        #expect(said.isEmpty, "an answer waits a little")
        let answers = run(&answering, until: asked.advanced(by: .milliseconds(200)))
        guard case .send(let answer) = answers.first, answers.count == 1 else {
            Issue.record("it did not answer once")
            return
        }
        asking.handle(.received(answer, from: Self.lan), at: asked, into: &said)
        #expect(said == [.found(Self.peer(2), [address], from: Self.lan)])
        // The same word again, and our own, bring nothing.
        asking.handle(.received(answer, from: Self.lan), at: asked, into: &said)
        answering.handle(.received(answer, from: Self.lan), at: asked, into: &said)
        #expect(said.count == 1)
    }

    @Test func `questions come ever more rarely, answers at most once a second`() throws {
        var machine = Self.machine(1)
        var said: [MulticastDNSMachine.Output] = []
        machine.handle(.ownAddresses([try Self.address("/ip4/10.0.0.1/tcp/1")]), at: .zero, into: &said)
        let question = DNSMessage(
            isResponse: false,
            questions: [.init(name: MulticastDNSMachine.service, type: DNSMessage.anyType)]
        ).encoded
        for step in 0..<100 {
            let now = Instant.zero.advanced(by: .milliseconds(step * 100))
            said += run(&machine, until: now)
            machine.handle(.received(question, from: Self.lan), at: now, into: &said)
        }
        #expect((9...11).contains(said.count))

        var asking = Self.machine(2)
        asking.handle(.started, at: .zero, into: &said)
        let count = run(&asking, until: .zero.advanced(by: .seconds(600))).count
        #expect((12...18).contains(count), "six in the first minute, then one a minute")
    }

    @Test func `whoever asks for services learns of ours, and other questions get nothing`() throws {
        var machine = Self.machine(1)
        var said: [MulticastDNSMachine.Output] = []
        machine.handle(.ownAddresses([try Self.address("/ip4/10.0.0.1/tcp/1")]), at: .zero, into: &said)
        let other = try #require(DomainName(labels: [Array("_http".utf8), Array("_tcp".utf8), Array("local".utf8)]))
        for name in [other, MulticastDNSMachine.services] {
            let question = DNSMessage(isResponse: false, questions: [.init(name: name, type: DNSMessage.pointerType)])
            machine.handle(.received(question.encoded, from: Self.lan), at: .zero, into: &said)
        }
        let answers = run(&machine, until: .zero.advanced(by: .seconds(2)))
        guard case .send(let bytes) = answers.first, answers.count == 1 else {
            Issue.record("there is not one answer")
            return
        }
        let answer = try DNSMessage(parsing: bytes)
        #expect(answer.records.first?.name == MulticastDNSMachine.services)
        #expect(answer.records.first?.content == .pointer(MulticastDNSMachine.service))
        #expect(answer.records.count == 3)
    }

    @Test func `who asks for its own name or its host's gets the whole answer`() throws {
        var machine = Self.machine(1)
        var said: [MulticastDNSMachine.Output] = []
        let addresses = try ["/ip4/10.0.0.1/tcp/7", "/ip6/fd00::1/tcp/7", "/ip4/10.0.0.2/tcp/8"].map(Self.address)
        machine.handle(.ownAddresses(addresses), at: .zero, into: &said)
        func answer(to name: DomainName, at now: Instant) throws -> [UInt8] {
            let question = DNSMessage(isResponse: false, questions: [.init(name: name, type: DNSMessage.textType)])
            machine.handle(.received(question.encoded, from: Self.lan), at: now, into: &said)
            let answers = run(&machine, until: now.advanced(by: .seconds(1)))
            if case .send(let bytes) = answers.first { return bytes }
            return []
        }
        let pointer = DNSMessage(
            isResponse: false,
            questions: [.init(name: MulticastDNSMachine.service, type: DNSMessage.pointerType)]
        )
        machine.handle(.received(pointer.encoded, from: Self.lan), at: .zero, into: &said)
        guard case .send(let first) = run(&machine, until: .zero.advanced(by: .seconds(1))).first,
            let name = try DNSMessage(parsing: first).records.last?.name
        else {
            Issue.record("it did not answer")
            return
        }
        #expect(name.labels.count == 4)
        let host = try #require(DomainName(labels: [name.labels[0], name.labels[3]]))
        #expect(try answer(to: name, at: .zero.advanced(by: .seconds(10))) == first)
        #expect(try answer(to: host, at: .zero.advanced(by: .seconds(20))) == first)
        let stranger = try #require(DomainName(labels: [[0x78]]))
        #expect(try answer(to: stranger, at: .zero.advanced(by: .seconds(30))).isEmpty)
        // The port of the first address, and the two hosts that have it.
        let service = DNSMessage.Record(name: name, content: .service(port: 7, host: host), seconds: 120)
        let hosts = addresses.prefix(2).compactMap(\.tcpEndpoint?.address).map {
            DNSMessage.Record(name: host, content: .address($0), seconds: 120)
        }
        let records = try DNSMessage(parsing: first).records + [service] + hosts
        #expect(DNSMessage(isResponse: true, records: records).encoded == first)
    }

    /// Each sent as an answer whose pointer leads to the text.
    @Test(
        arguments: [
            ("192.168.1.7", ["dnsaddr=/ip4/8.8.8.8/tcp/1/p2p/PEER"], 1),
            ("192.168.1.7", ["dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/PEER"], 0),
            ("192.168.1.7", ["dnsaddr=/ip4/192.168.1.9/tcp/0/p2p/PEER"], 0),
            ("192.168.1.7", ["dnsaddr=/ip4/192.168.1.9/tcp/1"], 0),
            ("192.168.1.7", ["dnsaddr=/ip4/192.168.1.9/udp/1/p2p/PEER", "x"], 0),
            ("192.168.1.7", ["DNSADDR=/ip4/192.168.1.9/tcp/1/p2p/PEER"], 0),
            ("203.0.113.9", ["dnsaddr=/ip4/8.8.8.8/tcp/1/p2p/PEER"], 0),
            ("127.0.0.1", ["dnsaddr=/ip4/127.0.0.1/tcp/1/p2p/PEER"], 1),
        ]
    )
    func `nobody leads us where a stranger may not`(source: String, texts: [String], count: Int) throws {
        var machine = Self.machine(1)
        let name = try #require(DomainName(labels: [[0x61]] + MulticastDNSMachine.service.labels))
        let bytes = texts.map { Array($0.replacing("PEER", with: Self.peer(2).description).utf8) }
        let answer = DNSMessage(
            isResponse: true,
            records: [
                .init(name: MulticastDNSMachine.service, content: .pointer(name), seconds: 1),
                .init(name: name, content: .texts(bytes), seconds: 1),
            ]
        )
        var said: [MulticastDNSMachine.Output] = []
        let from = try #require(IPAddress(source))
        machine.handle(.received(answer.encoded, from: from), at: .zero, into: &said)
        #expect(said.count == count)
    }

    @Test func `an answer that leads nowhere does not use up a peer's turn`() throws {
        var machine = Self.machine(1)
        var said: [MulticastDNSMachine.Output] = []
        let name = try #require(DomainName(labels: [[0x61]] + MulticastDNSMachine.service.labels))
        for host in ["127.0.0.1", "192.168.1.7"] {
            let text = Array("dnsaddr=/ip4/\(host)/tcp/1/p2p/\(Self.peer(2))".utf8)
            let answer = DNSMessage(
                isResponse: true,
                records: [
                    .init(name: MulticastDNSMachine.service, content: .pointer(name), seconds: 1),
                    .init(name: name, content: .texts([text]), seconds: 1),
                ]
            )
            machine.handle(.received(answer.encoded, from: Self.lan), at: .zero, into: &said)
        }
        #expect(said == [.found(Self.peer(2), [try Self.address("/ip4/192.168.1.7/tcp/1")], from: Self.lan)])
    }

    @Test func `a flood of peers is told of up to the limit`() throws {
        var machine = Self.machine(1)
        var said: [MulticastDNSMachine.Output] = []
        for number in 0..<300 {
            let key = Ed25519.PrivateKey(
                seed: [UInt8(number >> 8), UInt8(number & 255)] + [UInt8](repeating: 9, count: 30)
            )
            let peer = PeerID(publicKey: key.publicKey)
            let name = try #require(DomainName(labels: [[0x61]] + MulticastDNSMachine.service.labels))
            let answer = DNSMessage(
                isResponse: true,
                records: [
                    .init(name: MulticastDNSMachine.service, content: .pointer(name), seconds: 1),
                    .init(
                        name: name,
                        content: .texts([Array("dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/\(peer)".utf8)]),
                        seconds: 1
                    ),
                ]
            )
            machine.handle(.received(answer.encoded, from: Self.lan), at: .zero, into: &said)
            machine.checkInvariants()
        }
        #expect(said.count == MulticastDNSMachine.foundCountMax)
    }
}
