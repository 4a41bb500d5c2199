internal import Cryptography
internal import Identity
internal import Kademlia
internal import OrderedCollections
internal import Primitives
internal import Sockets
internal import Swarm

// The hash table: what programs ask of it, and what others ask of us through it.
extension DaemonMachine {
    /// Holders whose values are compared; go-libp2p-kad-dht asks sixteen.
    private static let valueQuorum = 16

    mutating func search(
        _ request: DHTRequest,
        within seconds: Int?,
        of id: LocalStreamID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard !kademlia.isEmpty else { return answer(.failed("DHT not enabled"), to: id, into: &outputs) }
        let command: KademliaCommand
        switch request {
        case .findPeer(let peer): command = .findPeer(peer)
        case .findProviders(let multihash, _): command = .findProviders(multihash)
        case .closestPeers(let key): command = .closestPeers(key)
        case .publicKey(let peer):
            // Every id that we read has its key in it.
            let key = peer.publicKey.map { DHTResponse.value(KeyCodec.encode($0)) }
            return answer(key.map(ControlResponse.dht) ?? .failed("the key is not in the id"), to: id, into: &outputs)
        case .value(let key), .searchValue(let key): command = .getValue(key, quorum: Self.valueQuorum)
        case .putValue(let key, let value): command = .putValue(KademliaValue(key: key, value: value))
        case .provide(let multihash): command = .provide(multihash)
        }
        let number = KademliaCommandID(rawValue: nextRequestNumber())
        let deadline = now.advanced(by: .seconds(seconds ?? ControlRequest.timeoutSecondsDefault))
        programs[id]?.role = .searching(Search(request: request, command: number, deadline: deadline))
        searches[number] = id
        waiting.append(id)
        updateReading(id, into: &outputs)
        work.append(.kademlia(.command(number, command)))
    }

    /// A search has ended.
    mutating func finished(
        _ command: KademliaCommandID,
        _ result: KademliaResult,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard let id = searches.removeValue(forKey: command) else { return }
        guard case .searching(let search) = programs[id]?.role else { return }
        let (response, list) = Self.answers(to: search.request, result)
        finish(id, response, followedBy: list, at: now, into: &outputs)
    }

    /// The answer, and the list that follows it.
    private static func answers(
        to request: DHTRequest,
        _ result: KademliaResult
    ) -> (ControlResponse, [DHTResponse]) {
        switch (request, result) {
        case (_, .failed(.noPeers)): (.failed("failed to find any peer in table"), [])
        case (.findProviders, .failed(.notFound)): (.dht(.begin), [.end])
        case (_, .failed(let failure)): (.failed("the DHT: \(failure)"), [])
        case (.findProviders(_, let count), .providers(let peers)):
            (.dht(.begin), peers.prefix(count).map { .peer(entry($0.peer)) } + [.end])
        case (_, .closest(let peers)): (.dht(.begin), peers.map { .value($0.id.bytes) } + [.end])
        case (.searchValue, .value(let value)): (.dht(.begin), [.value(value), .end])
        case (_, .value(let value)): (.dht(.value(value)), [])
        case (_, .peer(let peer)): (.dht(.peer(entry(peer))), [])
        case (_, .provided), (_, .stored), (_, .withdrawn), (_, .providers): (.ok, [])
        }
    }

    private static func entry(_ peer: KademliaPeer) -> ControlResponse.PeerEntry {
        ControlResponse.PeerEntry(peer: peer.id, addresses: peer.addresses.map(\.bytes))
    }

    // MARK: The table

    /// Tells the table what the swarm says, at once, and returns whether it concerns nobody else.
    mutating func heardByKademlia(
        _ output: SwarmMachine.Output,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Bool {
        guard !kademlia.isEmpty else { return false }
        // Asked in its place: as an element of the array it would be copied.
        let isTaken = unsafe kademlia.withUnsafeBufferPointer { hosts in unsafe hosts[0].takes(output) }
        switch output {
        case .connected, .disconnected, .identified, .addressesChanged:
            step(.swarm(output), at: now, into: &outputs)
        case _ where isTaken:
            step(.swarm(output), at: now, into: &outputs)
        case .transport, .listening, .listenFailed, .connectAnswered, .streamOpened, .streamFailed, .inboundStream,
            .data, .remoteClosedWrite, .streamReset, .streamCongested, .streamDrained, .roundTrip, .refused, .stopped:
            break
        }
        return isTaken
    }

    mutating func step(_ input: KademliaHost.Input, at now: Instant, into outputs: inout [Output]) {
        var said: [KademliaHost.Output] = []
        guard !kademlia.isEmpty else { return }
        kademlia[0].handle(input, at: now, into: &said)
        kademliaDeadline = unsafe kademlia.withUnsafeBufferPointer { hosts in unsafe hosts[0].nextDeadline }
        for output in said {
            switch output {
            case .swarm(let input): work.append(.swarm(input))
            case .finished(let command, let result): finished(command, result, at: now, into: &outputs)
            case .peerAdded, .peerRemoved, .searched: break
            }
        }
    }
}

extension KademliaHost {
    /// Streams and dials of the table are told from those of programs by their numbers.
    private static let requestIDs: ClosedRange<UInt64> = (1 << 48)...((2 << 48) - 1)

    init(_ mode: KademliaMode, own: PeerID, bootstrapPeers: [Multiaddr], random: SeededRandom) {
        var config = KademliaConfig()
        config.mode = mode
        // As go-libp2p-kad-dht searches: one path, and all of the nearest answer.
        config.secure = LookupLimits(k: config.k)
        config.valueByteCountMax = KademliaMessage.valueByteCountMax
        config.seeds = bootstrapPeers.compactMap { address in
            address.peerID.map { KademliaPeer(id: $0, addresses: [address]) }
        }
        self.init(
            machine: KademliaMachine(own: own, config: config, validator: PublicKeyValues(), random: random),
            protocolName: "/ipfs/kad/1.0.0",
            requestIDs: Self.requestIDs
        )
    }
}
