internal import Identity
internal import Kademlia
internal import OrderedCollections
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
        // In place, here and below: an element that is merely asked would be copied, tables and all.
        let isTaken = unsafe kademlia.withUnsafeBufferPointer { hosts in unsafe hosts[0].takes(output) }
        switch output {
        case .connected, .disconnected, .identified, .addressesChanged:
            stepKademlia(.swarm(output), at: now, into: &outputs)
            weighMode(output, at: now, into: &outputs)
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
        guard !kademlia.isEmpty else { return outputs.append(.answer(id, .failed(.noTable))) }
        stepKademlia(.command(KademliaCommandID(rawValue: id.rawValue), command), at: now, into: &outputs)
    }

    // MARK: Server or client

    var tableDeadline: Instant? {
        guard !kademlia.isEmpty else { return nil }
        let modeDeadline = config.kademlia?.mode == nil ? tableMode.nextDeadline : nil
        return earliest(kademliaDeadline, modeDeadline)
    }

    mutating func expireTable(at now: Instant, into outputs: inout [Output]) {
        stepKademlia(.deadlineReached, at: now, into: &outputs)
        guard let due = tableMode.nextDeadline, due <= now else { return }
        tableMode.settle(at: now)
        takeMode(at: now, into: &outputs)
    }

    private mutating func weighMode(_ output: SwarmMachine.Output, at now: Instant, into outputs: inout [Output]) {
        switch output {
        case .identified(let remote, let description):
            guard let connection = connected[remote]?.connection else { return }
            tableMode.identified(
                remote,
                connection.direction,
                at: connection.remote.address,
                observedAt: description.observedAddress,
                now: now
            )
        case .disconnected(let remote, _): tableMode.disconnected(remote, at: now)
        case .addressesChanged(let addresses):
            let bound = ownSwarm.first?.boundAddresses ?? addresses.compactMap { $0.tcpEndpoint?.address }
            tableMode.moved(to: bound, at: now)
        default: return
        }
        takeMode(at: now, into: &outputs)
    }

    private mutating func takeMode(at now: Instant, into outputs: inout [Output]) {
        guard config.kademlia?.mode == nil, !kademlia.isEmpty, kademlia[0].machine.mode != tableMode.mode else {
            return
        }
        stepKademlia(.mode(tableMode.mode), at: now, into: &outputs)
        weighRendezvous(isServer: tableMode.mode == .server, at: now, into: &outputs)
        work.append(.swarm(.setProtocols(NodeMachine.inboundProtocols + kademliaProtocols)))
    }

    mutating func stepKademlia(_ input: KademliaHost.Input, at now: Instant, into outputs: inout [Output]) {
        guard !kademlia.isEmpty else { return }
        var said: [KademliaHost.Output] = []
        kademlia[0].handle(input, at: now, into: &said)
        kademliaDeadline = unsafe kademlia.withUnsafeBufferPointer { hosts in unsafe hosts[0].nextDeadline }
        for output in said {
            switch output {
            case .swarm(let input): work.append(.swarm(input))
            case .finished(let id, let result):
                guard !finishOwnSearch(id, result, at: now, into: &outputs) else { continue }
                outputs.append(.answer(CommandID(rawValue: id.rawValue), .dht(result)))
            case .searched(let summary): outputs.append(.event(.searched(summary, for: asker(of: summary))))
            case .peerAdded(let peer): joinedTable(peer, at: now)
            case .peerRemoved: break
            }
        }
    }
}

extension NodeMachine {
    /// Whether others may ask this node.
    public var servesTable: Bool { kademlia.first?.machine.mode == .server }

    /// The command that a search serves, if it serves one.
    private func asker(of summary: LookupSummary) -> CommandID? {
        guard let id = summary.command else { return nil }
        guard id.rawValue >= Self.firstOwnSearch else { return CommandID(rawValue: id.rawValue) }
        if case .storefront(let command) = ownSearches[id] { return command }
        return nil
    }
}

extension KademliaHost {
    /// The part that the settings describe; those seeds that name their peer are the table's seeds too.
    init(_ part: NodeKademlia, values: StorefrontValues, seeds: [Multiaddr], random: SeededRandom) {
        var config = part.config
        config.mode = part.mode ?? .client
        config.waitingKeys = Interest.allKeys(network: values.network)
        config.seeds += seeds.compactMap { address in
            address.peerID.map { KademliaPeer(id: $0, addresses: [address]) }
        }
        let machine = KademliaMachine(
            own: values.own,
            config: config,
            validator: values,
            random: random
        )
        self.init(
            machine: machine,
            protocolName: part.protocolName(in: values.network),
            requestIDs: NodeMachine.RequestRange.kademlia
        )
    }
}
