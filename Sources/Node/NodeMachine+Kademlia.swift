internal import Identity
internal import Kademlia
internal import Primitives
internal import Swarm

// The node's part in the distributed hash table.
extension NodeMachine {
    /// What others may open to us, if we serve.
    var kademliaProtocols: [String] {
        guard !kademlia.isEmpty, kademlia[0].machine.mode == .server else { return [] }
        return [kademlia[0].protocolName]
    }

    /// Tells the table what the swarm says, at once, and returns whether it concerns nobody else.
    mutating func heardByKademlia(
        _ output: SwarmMachine.Output,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Bool {
        guard !kademlia.isEmpty else { return false }
        let isTaken = kademlia[0].takes(output)
        switch output {
        case .connected, .disconnected, .identified, .addressesChanged:
            stepKademlia(.swarm(output), at: now, into: &outputs)
        case _ where isTaken:
            stepKademlia(.swarm(output), at: now, into: &outputs)
        case .transport, .listening, .listenFailed, .connectAnswered, .streamOpened, .streamFailed, .inboundStream,
            .data, .remoteClosedWrite, .streamReset, .streamCongested, .streamDrained, .roundTrip, .refused, .stopped:
            break
        }
        return isTaken
    }

    mutating func carryOut(
        _ command: KademliaCommand,
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard !kademlia.isEmpty else {
            outputs.append(.answer(id, .dht(.failed(.noPeers))))
            return
        }
        stepKademlia(.command(KademliaCommandID(rawValue: id.rawValue), command), at: now, into: &outputs)
    }

    mutating func stepKademlia(_ input: KademliaHost.Input, at now: Instant, into outputs: inout [Output]) {
        guard !kademlia.isEmpty else { return }
        var said: [KademliaHost.Output] = []
        kademlia[0].handle(input, at: now, into: &said)
        for output in said {
            switch output {
            case .swarm(let input): work.append(.swarm(input))
            case .finished(let id, let result):
                outputs.append(.answer(CommandID(rawValue: id.rawValue), .dht(result)))
            case .peerAdded, .peerRemoved: break
            }
        }
    }
}

extension KademliaHost {
    /// The part that the settings describe; those seeds that name their peer are the table's seeds too.
    init(_ part: NodeKademlia, own: PeerID, seeds: [Multiaddr], random: SeededRandom) {
        var config = part.config
        config.seeds += seeds.compactMap { address in
            address.peerID.map { KademliaPeer(id: $0, addresses: [address]) }
        }
        let machine = KademliaMachine(own: own, config: config, validator: NoValues(), random: random)
        self.init(
            machine: machine,
            protocolName: part.protocolName,
            requestIDs: NodeMachine.RequestRange.kademlia
        )
    }
}
