import Cryptography
import Identity
@testable import Market
import MulticastDNS
@testable import Node
import Primitives
import Swarm

/// Machines that read what several strangers say, each by itself.
enum Conversations {
    // MARK: Streams of the market

    private static let peers = (1...4).map { number in
        PeerID(publicKey: Ed25519.PrivateKey(seed: Array(repeating: UInt8(number), count: 32)).publicKey)
    }

    static func marketStreams(_ bytes: [UInt8]) {
        var (script, now) = (Script(bytes), Instant.zero)
        var streams = MarketStreams(requestIDs: 10...12)
        var (wishes, conversations): ([SwarmMachine.Input], [CounterConversation]) = ([], [])
        while !script.isAtEnd {
            var input: MarketStreams.Input = .deadlineReached
            let peer = peers[script.below(peers.count)]
            let stream = StreamHandle(connection: Sieges.connection, stream: UInt32(script.below(16)))
            switch script.below(12) {
            case 0: input = .swarm(.inboundStream(stream, peer, MarketMessage.protocolID), from: Sieges.there.address)
            case 1, 2: input = .swarm(.data(stream, LengthPrefixedFrames.framed(script.piece())), from: nil)
            case 3: input = .swarm(.data(stream, script.piece()), from: nil)
            case 4: input = .swarm(script.below(2) == 0 ? .streamReset(stream) : .remoteClosedWrite(stream), from: nil)
            case 5: input = .swarm(script.below(2) == 0 ? .streamCongested(stream) : .streamDrained(stream), from: nil)
            case 6: input = .swarm(.disconnected(peer, .transport(nil)), from: nil)
            case 7:
                let question: MarketStreams.Question = script.below(2) == 0 ? .statement : .bid(MarketSamples.lease.bid)
                input = .ask(question, .done, peer, addresses: [])
            case 8, 9:
                guard let wish = wishes.popLast(), let answer = answer(wish, stream, script.below(4)) else { continue }
                input = .swarm(answer, from: nil)
            case 10:
                guard let conversation = conversations.popLast() else { continue }
                input = .reply(conversation, .done)
            default: now = now.advanced(by: .milliseconds(1 << script.below(22)))
            }
            // A stream has one life and one peer.
            if case .swarm(.inboundStream, _) = input, streams.peer(of: stream) != nil { continue }
            if case .swarm(.streamOpened, _) = input, streams.peer(of: stream) != nil { continue }
            if case .swarm(.data(let stream, _), _) = input, streams.peer(of: stream) == nil { continue }
            var outputs: [MarketStreams.Output] = []
            streams.handle(input, at: now, into: &outputs)
            streams.checkInvariants()
            for output in outputs {
                if case .swarm(let wish) = output { wishes.append(wish) }
                if case .asked(let conversation, _, _, _) = output { conversations.append(conversation) }
            }
        }
    }

    /// What the swarm says to a wish to connect or to have a stream.
    private static func answer(
        _ wish: SwarmMachine.Input,
        _ stream: StreamHandle,
        _ outcome: Int
    ) -> SwarmMachine.Output? {
        switch (wish, outcome) {
        case (.connect(let request, _, _), 0): .connectAnswered(request, .failure(.noAddresses))
        case (.connect(let request, let peer?, _), _): .connectAnswered(request, .success(peer))
        case (.openStream(let request, _, _), 0): .streamFailed(request, .timedOut)
        case (.openStream(let request, _, let names), _): .streamOpened(request, stream, names[0])
        default: nil
        }
    }

    // MARK: Datagrams of the local network

    static func multicastDNS(_ bytes: [UInt8]) {
        var (script, now) = (Script(bytes), Instant.zero)
        var machine = MulticastDNSMachine(
            own: PeerID(publicKey: LeaseVictim.key.publicKey),
            random: Handshakes.random(12)
        )
        var outputs: [MulticastDNSMachine.Output] = []
        machine.handle(.started, at: now, into: &outputs)
        machine.handle(.ownAddresses([Multiaddr(endpoint: Sieges.here)]), at: now, into: &outputs)
        while !script.isAtEnd {
            switch script.below(4) {
            case 0:
                now = now.advanced(by: .milliseconds(1 << script.below(18)))
                if let deadline = machine.nextDeadline, deadline <= now {
                    machine.handle(.deadlineReached, at: now, into: &outputs)
                }
            case 1: machine.handle(.received(script.piece(), from: IPAddress(8, 8, 8, 8)), at: now, into: &outputs)
            default: machine.handle(.received(script.piece(), from: Sieges.there.address), at: now, into: &outputs)
            }
            machine.checkInvariants()
        }
        for output in outputs {
            guard case .send(let bytes) = output else { continue }
            precondition((try? DNSMessage(parsing: bytes)) != nil, "a datagram was sent that nobody can read")
        }
    }

    // MARK: Whole machines of the market

    private static let leases = Counterparty()

    static func leases(_ bytes: [UInt8]) {
        var (party, script) = (leases, Script(bytes))
        while !script.isAtEnd { party.move(&script) }
        party.victim.part(from: Counterparty.peer)
        if bytes.reduce(0, &+) % 16 == 0 { party.victim.wait(.seconds(7_200)) }
    }

    private static let sync = SyncVictim()

    static func sync(_ bytes: [UInt8]) {
        var (victim, script) = (sync, Script(bytes))
        while !script.isAtEnd { victim.move(&script) }
    }
}
