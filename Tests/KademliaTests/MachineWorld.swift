import Identity
import Kademlia
import Primitives
import Testing

/// Values of the tests: the key is `/rank/` and any bytes, the value its rank and the minutes that it lives from 0 on.
struct RankedValues: ValueValidator {
    static let namespace = Array("/rank/".utf8)
    var shunned: [UInt8]?

    func shuns(_ key: [UInt8], unixMilliseconds: Int64) -> Bool { key == shunned }

    func judge(_ value: KademliaValue, unixMilliseconds: Int64) -> ValueStanding? {
        guard value.key.starts(with: Self.namespace), value.value.count >= 2 else { return nil }
        let expiry = Int64(value.value[1]) * 60_000
        guard expiry > unixMilliseconds else { return nil }
        return ValueStanding(rank: UInt64(value.value[0]), expiresAtUnixMilliseconds: expiry)
    }

    static func value(_ name: String, rank: UInt8, minutes: UInt8 = 200, padding: Int = 0) -> KademliaValue {
        KademliaValue(
            key: namespace + Array(name.utf8),
            value: [rank, minutes] + [UInt8](repeating: 0, count: padding)
        )
    }
}

extension KademliaPeer {
    /// The host at which it answers.
    var source: IPAddress? { addresses.first?.tcpEndpoint?.address }
}

/// One machine, fed by hand; peer 0 is itself.
final class Bench {
    var machine: KademliaMachine
    var now = Instant.zero
    private var nextInbound: UInt64 = 0

    init(_ config: KademliaConfig = KademliaConfig(), isStarted: Bool = true) {
        machine = KademliaMachine(
            own: peerID(0),
            config: config,
            validator: RankedValues(),
            random: SeededRandom(seed: seed(1))
        )
        _ = feed(.clock(unixMilliseconds: 0))
        _ = feed(.ownAddresses(peer(0).addresses))
        if isStarted { _ = feed(.started) }
    }

    func feed(_ input: KademliaMachine.Input) -> [KademliaMachine.Output] {
        var outputs: [KademliaMachine.Output] = []
        machine.handle(input, at: now, into: &outputs)
        machine.checkInvariants()
        return outputs
    }

    /// Lets time pass to the next deadline.
    func wait() -> [KademliaMachine.Output] {
        guard let deadline = machine.nextDeadline else { return [] }
        now = max(now, deadline)
        return feed(.deadlineReached)
    }

    /// Lets peers enter the table: each is identified and passes its examination.
    func admit(_ numbers: some Sequence<Int>) {
        for number in numbers {
            var todo = feed(.identified(peer(number), isServer: true, from: host(number)))
            while let output = todo.popLast() {
                guard case .request(let id, let asked, let bytes, _) = output, asked.id == peerID(number) else {
                    continue
                }
                let message = try? KademliaMessage(parsing: bytes.span)
                #expect(message == KademliaMessage(kind: .findNode, key: asked.id.bytes))
                let answer = KademliaMessage(kind: .findNode, closerPeers: [peer(number)])
                todo += feed(.response(id, answer.encoded, from: host(number)))
            }
        }
    }

    /// What another peer's request gets as its answer; `nil` for a refusal or none.
    func ask(
        _ message: KademliaMessage,
        from number: Int = 999,
        at source: IPAddress? = host(999)
    ) -> KademliaMessage? {
        nextInbound += 1
        let outputs = feed(
            .inbound(KademliaInboundID(rawValue: nextInbound), peerID(number), message.encoded, from: source)
        )
        guard outputs.count == 1, case .respond(_, let bytes) = outputs[0] else { return nil }
        #expect(bytes.count <= KademliaMessage.byteCountMax)
        return try? KademliaMessage(parsing: bytes.span)
    }
}

/// The machine's lookups are answered at once by `answer`; the results of commands are returned.
extension Bench {
    func run(
        _ command: KademliaCommand,
        answer: (KademliaPeer, KademliaMessage) -> KademliaMessage?
    ) -> (result: KademliaResult?, asked: [(peer: KademliaPeer, message: KademliaMessage)]) {
        var (result, asked): (KademliaResult?, [(peer: KademliaPeer, message: KademliaMessage)]) = (nil, [])
        var todo = feed(.command(KademliaCommandID(rawValue: 7), command))
        var index = 0
        while index < todo.count {
            defer { index += 1 }
            switch todo[index] {
            case .finished(KademliaCommandID(rawValue: 7), let outcome):
                #expect(result == nil)
                result = outcome
            case .request(let id, let peer, let bytes, let expectsResponse):
                guard let message = try? KademliaMessage(parsing: bytes.span) else { continue }
                asked.append((peer, message))
                if !expectsResponse {
                    todo += feed(.delivered(id))
                } else if let reply = answer(peer, message) {
                    todo += feed(.response(id, reply.encoded, from: peer.source))
                } else {
                    todo += feed(.requestFailed(id))
                }
            case .finished, .learned, .cancel, .respond, .accept, .refuse, .peerAdded, .peerRemoved, .searched: break
            }
        }
        return (result, asked)
    }
}
