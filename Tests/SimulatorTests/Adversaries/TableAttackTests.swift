import Identity
import Kademlia
import Market
import Node
import Primitives
import Swarm
import Testing

@testable import Simulator

@Suite struct `An adversary of the hash table` {
    static let protocolName = NodeKademlia().protocolName(in: "main")
    static let doors = [1, 2].map { Endpoint(address: IPAddress(99, 0, 0, UInt8($0)), port: 4181) }
    static let stream = StreamHandle(connection: ConnectionID(rawValue: 9), stream: 2)

    static func peer(_ number: Int) -> KademliaPeer {
        let endpoint = Endpoint(address: IPAddress(20, 0, 0, UInt8(number)), port: 4180)
        return KademliaPeer(id: TrialTown.peer(number), addresses: [Multiaddr(endpoint: endpoint)])
    }

    /// One that was asked something by a peer.
    static func adversary(
        _ role: AdversaryRole,
        asked question: KademliaMessage,
        hidden: Set<[UInt8]> = [],
        at fidelity: Fidelity = .messages
    ) -> Adversary {
        var adversary = Adversary(
            role: role,
            key: TrialTown.key(0),
            network: "main",
            fidelity: fidelity,
            begins: .second(10),
            random: RandomStreams(seed: 1).stream(.adversary, node: 0),
            accomplices: (1...30).map(peer),
            victims: (31...60).map(peer),
            hidden: hidden,
            doors: doors
        )
        adversary.hear(.swarm(.inboundStream(stream, TrialTown.peer(40), protocolName)))
        let bytes = LengthPrefixedFrames.framed(question.encoded)
        adversary.hear(.swarm(.data(stream, Array(bytes.prefix(3)))))
        adversary.hear(.swarm(.data(stream, Array(bytes.dropFirst(3)))))
        return adversary
    }

    static func said(_ adversary: inout Adversary, inPlaceOf answer: KademliaMessage) -> KademliaMessage? {
        var outputs: [NodeMachine.Output] = [.swarm(.write(stream, LengthPrefixedFrames.framed(answer.encoded)))]
        adversary.filter(&outputs, at: .second(20))
        guard case .swarm(.write(stream, let bytes))? = outputs.first, let frame = ProtocolStreams.unframed(bytes)
        else {
            return nil
        }
        return try? KademliaMessage(parsing: frame.span)
    }

    @Test func `names the nearest of its kind to whatever is looked for, and nobody else`() {
        let key: [UInt8] = [1, 2, 3]
        var adversary = Self.adversary(.poisoner, asked: KademliaMessage(kind: .findNode, key: key))
        let honest = KademliaMessage(kind: .findNode, closerPeers: [Self.peer(99)])
        let said = Self.said(&adversary, inPlaceOf: honest)
        let target = KademliaKey(hashing: key)
        let nearest = (1...30).map(Self.peer).sorted {
            KademliaKey(hashing: $0.id.bytes).distance(to: target)
                < KademliaKey(hashing: $1.id.bytes).distance(to: target)
        }
        #expect(said?.closerPeers == Array(nearest.prefix(20)))
        #expect(Self.said(&adversary, inPlaceOf: honest) == honest, "what nobody asked has no lie")
    }

    @Test func `gives values that nobody signed and providers that are none`() {
        let key: [UInt8] = [1]
        var adversary = Self.adversary(.poisoner, asked: KademliaMessage(kind: .getValue, key: key))
        let value = Self.said(&adversary, inPlaceOf: KademliaMessage(kind: .getValue, key: key))
        #expect(value?.record?.key == key && value?.record?.value.count == 64)
        adversary = Self.adversary(.poisoner, asked: KademliaMessage(kind: .getProviders, key: key))
        let answer = KademliaMessage(kind: .getProviders, key: key, providerPeers: [Self.peer(99)])
        let said = Self.said(&adversary, inPlaceOf: answer)
        #expect(said?.providerPeers.count == 20 && said?.providerPeers.contains(Self.peer(99)) == false)
    }

    @Test func `that hides one key is honest about all others`() {
        let (hidden, other): ([UInt8], [UInt8]) = ([1], [2])
        for (key, isHidden) in [(hidden, true), (other, false)] {
            let question = KademliaMessage(kind: .getValue, key: key)
            var adversary = Self.adversary(.hider(.storefront), asked: question, hidden: [hidden])
            let record = KademliaValue(key: key, value: [7])
            let said = Self.said(
                &adversary,
                inPlaceOf: KademliaMessage(kind: .getValue, key: key, record: record, closerPeers: [Self.peer(99)])
            )
            #expect(said?.record == (isHidden ? nil : record))
            #expect(said?.closerPeers.contains(Self.peer(99)) == !isHidden)
        }
    }

    @Test func `that floods advertises itself under every key, one after the other`() {
        let wanted = Set(NodeMachine.rendezvousKeys(of: nil, network: "main"))
        var adversary = Self.adversary(.flooder, asked: KademliaMessage(kind: .ping), hidden: wanted)
        var keys: Set<[UInt8]> = []
        var now = Instant.zero
        for _ in 0..<20 {
            for case .command(_, .dht(.provide(let key))) in adversary.wake(at: now, unixMilliseconds: 0).inputs {
                keys.insert(key)
            }
            now = adversary.nextDeadline ?? now
        }
        #expect(keys == wanted && keys.count == 8)
    }

    @Test func `that crowds dials every victim, one after the other and over again, and poisons tables`() {
        var adversary = Self.adversary(.crowder, asked: KademliaMessage(kind: .ping), at: .bytes)
        var dialled: [PeerID?] = []
        var now = Instant.zero
        for _ in 0..<60 {
            now = adversary.nextDeadline ?? now
            for case .command(let id, .connect(let addresses)) in adversary.wake(at: now, unixMilliseconds: 0).inputs {
                dialled.append(addresses.first?.peerID)
                var outputs: [NodeMachine.Output] = [.answer(id, .failed(.notConnected))]
                adversary.filter(&outputs, at: now)
                #expect(outputs.isEmpty, "nobody else asked for it")
            }
        }
        let victims = (31...60).map { Optional(Self.peer($0).id) }
        #expect(dialled == victims + victims)
        let honest = KademliaMessage(kind: .findNode, closerPeers: [Self.peer(99)])
        adversary = Self.adversary(.crowder, asked: KademliaMessage(kind: .findNode, key: [1]), at: .bytes)
        #expect(Self.said(&adversary, inPlaceOf: honest)?.closerPeers.contains(Self.peer(99)) == false)
        #expect(now == Instant.zero.advanced(by: .milliseconds(59 * 250)))
    }

    @Test func `that reflects names ever new peers at its victims' doors, whatever it is asked`() {
        for kind in [KademliaMessage.Kind.findNode, .getProviders, .getValue] {
            var named: Set<PeerID> = []
            var adversary = Self.adversary(.reflector, asked: KademliaMessage(kind: kind, key: [1]), at: .bytes)
            let honest = KademliaMessage(kind: kind, key: [1], closerPeers: [Self.peer(99)])
            for _ in 0..<3 {
                let said = Self.said(&adversary, inPlaceOf: honest)
                let peers = (said?.closerPeers ?? []) + (said?.providerPeers ?? [])
                #expect(said?.closerPeers.count == 20 && said?.providerPeers.count == (kind == .getProviders ? 20 : 0))
                let hosts = Set(peers.flatMap(\.addresses).compactMap { $0.tcpEndpoint?.address })
                #expect(hosts == Set(Self.doors.map(\.address)))
                #expect(named.isDisjoint(with: peers.map(\.id)))
                named.formUnion(peers.map(\.id))
            }
            #expect(named.count == (kind == .getProviders ? 120 : 60))
        }
    }

    /// Attack 37, as small as it can be: two honest nodes beside the victim, each of which may knock twice at either door.
    @Test func `that reflects makes nobody dial a victim more than once a minute`() {
        var scenario = Scenario.town(5, .bytes, measured: .seconds(61))
        scenario.discovery = DiscoveryPlan()
        scenario.adversaries = [AdversaryPlan(role: .reflector, quota: .count(2))]
        scenario.expectations = [.reflectedDials(atMostPerMinute: 1)]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
    }

    @Test func `that reflects advertises itself at its victims' doors`() throws {
        var adversary = Self.adversary(.reflector, asked: KademliaMessage(kind: .findNode, key: [1]), at: .bytes)
        let own = StreamHandle(connection: ConnectionID(rawValue: 9), stream: 4)
        adversary.hear(.swarm(.streamOpened(StreamRequestID(rawValue: 1), own, Self.protocolName)))
        let advertisement = KademliaMessage(kind: .addProvider, key: [1], providerPeers: [Self.peer(7)])
        let question = KademliaMessage(kind: .findNode, key: [1])
        var outputs = [advertisement, question].map { message in
            NodeMachine.Output.swarm(.write(own, LengthPrefixedFrames.framed(message.encoded)))
        }
        adversary.filter(&outputs, at: .zero)
        let said = try outputs.compactMap { output in
            guard case .swarm(.write(own, let bytes)) = output else { return KademliaMessage?.none }
            return try ProtocolStreams.unframed(bytes).map { try KademliaMessage(parsing: $0.span) }
        }
        #expect(said.map(\.providerPeers.first?.addresses) == [Self.doors.map { Multiaddr(endpoint: $0) }, nil])
        #expect(said.first?.providerPeers.map(\.id) == [Self.peer(7).id] && said.last == question)
    }

    @Test func `that grinds its peer id has the place that it wants`() {
        var scenario = Scenario.town(12)
        scenario.adversaries = [
            AdversaryPlan(role: .hider(.storefront), quota: .count(3)),
            AdversaryPlan(role: .squatter, quota: .count(2)),
        ]
        let simulation = Simulation(scenario: scenario, seed: 3)
        let nodes = simulation.nodes
        let victim = nodes.first { $0.provider.offerCount > 0 }
        guard let victim, let key = NodeMachine.storefrontKeys(of: victim.identity.peer).first else {
            Issue.record("nobody offers anything")
            return
        }
        let target = KademliaKey(hashing: key)
        let distance = { (node: VirtualNode) in KademliaKey(hashing: node.identity.peer.bytes).distance(to: target) }
        let honest = nodes.filter { !$0.isHostile }.map(distance).min()
        var (hiders, squatters) = (0, 0)
        for index in nodes.indices {
            switch simulation.roster?.role(of: index) {
            case .hider?:
                hiders += 1
                #expect(honest.map { distance(nodes[index]) < $0 } == true)
            case .squatter?:
                squatters += 1
                let custody = NodeMachine.custody(of: nodes[index].identity.peer, at: Simulation.epochMilliseconds)
                #expect(custody == simulation.segments[0])
            default: break
            }
        }
        #expect(hiders == 3 && squatters == 2)
    }
}

@Suite struct `Lookups of a simulated network` {
    @Test func `are asked at their rate, judged by what there is, and change nothing when they are not kept`() {
        var scenario = Scenario.town(16, measured: .seconds(60))
        scenario.discovery = DiscoveryPlan()
        var plan = LookupPlan()
        plan.perSecond = 2
        scenario.workload.lookups = plan
        scenario.expectations = [
            .lookupsSucceed(atLeast: Share(percent: 95)), .honestCompany(atLeast: Share(percent: 95)),
        ]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
        let asked = result.lookups.filter(\.isAsked)
        #expect((40...200).contains(asked.count))
        #expect(Set(asked.map(\.kind)).isSuperset(of: ["find-peer", "closest", "provide", "providers"]))
        #expect(asked.contains { $0.hops > 0 && $0.requestCount > 0 && $0.lasted > .zero })
        #expect(result.lookups.contains { !$0.isAsked && $0.kind == "refresh" })
        var options = SimulationOptions()
        options.collectsPublications = false
        var quiet = Simulation(scenario: scenario, seed: 1, options: options)
        quiet.run()
        let same = quiet.finish()
        #expect(same.lookups.isEmpty && same.traceHashes == result.traceHashes && same.verdicts == result.verdicts)
    }
}
