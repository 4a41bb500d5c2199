import Identity
import Kademlia
import Primitives
import Testing

@Suite struct `Kademlia machine under noise` {
    /// Whatever comes in whatever order, nothing traps, every bound holds, and what we asked ends.
    @Test(arguments: UInt8(1)...6)
    func `no order of inputs breaks it`(number: UInt8) {
        var random = SeededRandom(seed: seed(number))
        var config = KademliaConfig(k: 4, alpha: 3)
        config.seeds = [peer(1)]
        let bench = Bench(config)
        var (open, started, finished) = ([KademliaRequestID](), 0, 0)
        for step in 0..<500 {
            let outputs: [KademliaMachine.Output]
            if random.chance(1, in: 4) {
                bench.now = bench.now.advanced(by: .milliseconds(random.below(4_000)))
                outputs = bench.feed(.deadlineReached)
            } else {
                let input = Self.input(step, open: &open, random: &random)
                if case .command = input { started += 1 }
                outputs = bench.feed(input)
            }
            for output in outputs {
                switch output {
                case .request(let id, _, _, _): open.append(id)
                case .finished: finished += 1
                case .learned, .cancel, .respond, .accept, .refuse, .peerAdded, .peerRemoved, .searched: break
                }
            }
        }
        let end = bench.now.advanced(by: .seconds(600))
        while let deadline = bench.machine.nextDeadline, deadline < end {
            for case .finished(_, _) in bench.wait() { finished += 1 }
        }
        #expect(started > 0)
        #expect(finished == started)
    }

    private static func input(
        _ step: Int,
        open: inout [KademliaRequestID],
        random: inout SeededRandom
    ) -> KademliaMachine.Input {
        let number = random.below(60)
        let source: IPAddress? = random.chance(1, in: 5) ? nil : host(number)
        let request =
            open.isEmpty || random.chance(1, in: 6)
            ? KademliaRequestID(rawValue: UInt64(random.below(50))) : open.remove(at: random.below(open.count))
        switch random.below(10) {
        case 0: return .identified(peer(number), isServer: random.chance(3, in: 4), from: source)
        case 1: return .disconnected(peerID(number))
        case 2: return .command(KademliaCommandID(rawValue: UInt64(step)), command(&random))
        case 3: return random.chance(1, in: 2) ? .requestFailed(request) : .requestNotSent(request)
        case 4: return .delivered(request)
        case 5: return .inbound(KademliaInboundID(rawValue: UInt64(step)), peerID(number), noise(&random), from: source)
        case 6: return .clock(unixMilliseconds: Int64(random.below(10_000_000)))
        default: return .response(request, noise(&random), from: source)
        }
    }

    private static func command(_ random: inout SeededRandom) -> KademliaCommand {
        let key = random.bytes(random.below(40))
        switch random.below(7) {
        case 0: return .findPeer(peerID(random.below(60)))
        case 1: return .closestPeers(key)
        case 2: return .provide(key)
        case 3: return .findProviders(key)
        case 4: return .putValue(RankedValues.value("\(random.below(5))", rank: UInt8(random.below(256))))
        case 5: return .getValue(RankedValues.value("\(random.below(5))", rank: 0).key, quorum: random.below(30))
        default: return .withdraw(key)
        }
    }

    /// Mostly well-formed messages about the few keys that are in use, sometimes broken ones.
    private static func noise(_ random: inout SeededRandom) -> [UInt8] {
        var message = `Kademlia message`.message(&random)
        if random.chance(2, in: 3) { message.kind = .findNode }
        if random.chance(1, in: 2) {
            let value = RankedValues.value("\(random.below(5))", rank: UInt8(random.below(256)))
            (message.key, message.record) = (value.key, value)
        }
        for _ in 0..<random.below(6) { message.closerPeers.append(peer(random.below(60))) }
        var bytes = message.encoded
        if random.chance(1, in: 5), !bytes.isEmpty { bytes[random.below(bytes.count)] ^= UInt8(1 + random.below(255)) }
        return bytes
    }
}
