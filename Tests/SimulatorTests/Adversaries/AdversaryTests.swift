import Cryptography
import Gossipsub
import Identity
import Market
import Node
import Primitives
import Swarm
import Testing

@testable import Simulator

@Suite struct `An adversary` {
    static let topic: Topic = "/rialto/main/o/1/amd-consumer/0"
    static let gossip = "/meshsub/1.2.0"
    static let fidelities: [Fidelity] = [.messages, .frames]

    /// An adversary that has gossip streams to the nodes 1…count and an exchange stream beside them.
    static func adversary(_ role: AdversaryRole, peers count: Int = 4, fidelity: Fidelity = .messages) -> Adversary {
        var adversary = Adversary(
            role: role,
            key: TrialTown.key(0),
            network: "main",
            fidelity: fidelity,
            begins: .second(10),
            random: RandomStreams(seed: 1).stream(.adversary, node: 0)
        )
        for node in 1...count {
            let request = StreamRequestID(rawValue: UInt64(node))
            var outputs: [NodeMachine.Output] = [.swarm(.openStream(request, TrialTown.peer(node), [gossip]))]
            adversary.filter(&outputs, at: .zero)
            adversary.hear(.swarm(.streamOpened(request, stream(node), gossip)))
        }
        return adversary
    }

    static func stream(_ number: Int) -> StreamHandle {
        StreamHandle(connection: ConnectionID(rawValue: UInt64(number)), stream: 1)
    }

    /// What a node sends to a peer, as it leaves the machine at this fidelity.
    static func sending(_ rpc: GossipRPC, to node: Int, _ fidelity: Fidelity) -> NodeMachine.Output {
        fidelity == .messages
            ? .rpc(stream(node), rpc)
            : .swarm(.write(stream(node), LengthPrefixedFrames.framed(rpc.encoded)))
    }

    /// The RPCs among outputs, with the number of the node that they go to.
    static func sent(_ outputs: [NodeMachine.Output], peers: Int = 4) -> [(node: Int, rpc: GossipRPC)] {
        outputs.compactMap { output in
            switch output {
            case .rpc(let handle, let rpc): return (1...peers).first { stream($0) == handle }.map { ($0, rpc) }
            case .swarm(.write(let handle, let bytes)):
                var frames = LengthPrefixedFrames(byteCountMax: 1 << 20)
                frames.append(bytes)
                guard let node = (1...peers).first(where: { stream($0) == handle }), let frame = try? frames.next(),
                    let rpc = try? GossipRPC(decoding: frame, limits: RPCLimits())
                else { return nil }
                return (node, rpc)
            default: return nil
            }
        }
    }

    static func carrying(_ record: SignedRecord) -> GossipRPC {
        GossipRPC(
            messages: [WireMessage(data: record.envelope, topic: topic)],
            control: ControlMessage(
                ihave: [IHave(topic: topic, ids: [MessageID(bytes: [1])])],
                graft: [topic]
            )
        )
    }

    @Test(arguments: fidelities)
    func `a silent node keeps its mesh and passes nothing on`(fidelity: Fidelity) throws {
        var adversary = Self.adversary(.silent, fidelity: fidelity)
        let record = try TrialTown.offer(of: 1, sequence: 1)
        var only = Self.carrying(record)
        only.control.graft = []
        var outputs = [
            Self.sending(Self.carrying(record), to: 1, fidelity), Self.sending(only, to: 2, fidelity),
            .swarm(.write(Self.stream(77), [1, 2, 3])), .swarm(.protect(TrialTown.peer(1), true)),
        ]
        adversary.filter(&outputs, at: .second(1))
        let sent = Self.sent(outputs)
        #expect(sent.map(\.node) == [1])
        #expect(sent.first?.rpc == GossipRPC(control: ControlMessage(graft: [Self.topic])))
        #expect(outputs.count == 2, "the answer of the record exchange is withheld too")
        #expect(adversary.nextDeadline == nil)
    }

    @Test func `a covert node is honest until its hour has come`() throws {
        var adversary = Self.adversary(.covert(at: .seconds(30)))
        let record = try TrialTown.offer(of: 1, sequence: 1)
        for (second, count) in [(39, 1), (40, 0)] {
            var outputs = [Self.sending(Self.carrying(record), to: 1, .messages)]
            adversary.filter(&outputs, at: .second(second))
            #expect(Self.sent(outputs).first?.rpc.messages.count == count)
        }
    }

    @Test func `a spammer commands its own node at its rate`() throws {
        var adversary = Self.adversary(.spammer(perSecond: 50))
        #expect(adversary.nextDeadline == .second(10))
        #expect(adversary.wake(at: .second(9), unixMilliseconds: 0).inputs.isEmpty)
        let first = adversary.wake(at: .second(10), unixMilliseconds: 0)
        guard case .command(let id, .publishOffer(let draft))? = first.inputs.first else {
            Issue.record("it published nothing")
            return
        }
        #expect(draft.devices.map(\.marketClass) == [.amdConsumer])
        #expect(adversary.nextDeadline == .milliseconds(10_020))
        #expect(adversary.wake(at: .milliseconds(10_020), unixMilliseconds: 0).inputs.isEmpty, "it waits for its offer")
        let offer = try TrialTown.offer(of: 0, sequence: 1)
        var outputs: [NodeMachine.Output] = [
            .answer(id, .offer(offer)), .answer(CommandID(rawValue: 7), .done),
        ]
        adversary.filter(&outputs, at: .milliseconds(10_030))
        #expect(outputs.count == 1, "only its own answers are taken out")
        var prices: Set<Int64> = []
        for step in 2..<52 {
            let actions = adversary.wake(at: .milliseconds(10_000 + 20 * step), unixMilliseconds: 0)
            guard case .command(_, .updateOffer(_, let change))? = actions.inputs.first else { continue }
            prices.insert(change.gpuHourMicros ?? 0)
        }
        #expect(prices.count == 50)
    }

    @Test(arguments: fidelities)
    func `a forger sends everybody a record that parses and does not hold`(fidelity: Fidelity) throws {
        var adversary = Self.adversary(.forger(perSecond: 2), fidelity: fidelity)
        let actions = adversary.wake(at: .second(10), unixMilliseconds: TrialTown.epoch)
        let sent = Self.sent(actions.outputs)
        #expect(sent.map(\.node) == [1, 2, 3, 4])
        let data = try #require(sent.first?.rpc.messages.first?.data)
        let record = try SignedRecord(envelope: data)
        #expect(record.signatureChecks.map(\.holds) == [false])
        #expect(sent.first?.rpc.messages.first?.topic == Self.topic)
        let next = adversary.wake(at: .milliseconds(10_500), unixMilliseconds: TrialTown.epoch)
        #expect(Self.sent(next.outputs).first?.rpc.messages.first?.data != data, "a copy would be a duplicate")
    }

    @Test(arguments: fidelities)
    func `an equivocator gives each half another body of one sequence`(fidelity: Fidelity) throws {
        var adversary = Self.adversary(.equivocator, peers: 12, fidelity: fidelity)
        let own = try TrialTown.offer(of: 0, sequence: 9)
        let foreign = try TrialTown.offer(of: 1, sequence: 9)
        var outputs = (1...12).map { Self.sending(Self.carrying(own), to: $0, fidelity) }
        outputs += (1...12).map { Self.sending(Self.carrying(foreign), to: $0, fidelity) }
        adversary.filter(&outputs, at: .second(20))
        let sent = try Self.sent(outputs, peers: 12).map { try SignedRecord(envelope: $0.rpc.messages[0].data ?? []) }
        #expect(sent.count == 24)
        let (ownBodies, foreignBodies) = (Set(sent[..<12].map(\.id)), Set(sent[12...].map(\.id)))
        #expect(ownBodies.count == 2)
        #expect(foreignBodies == [foreign.id])
        #expect(Set(sent.map(\.record.sequence)) == [9])
        #expect(Set(sent.flatMap { $0.signatureChecks.map(\.holds) }) == [true])
        let bodies = Array(Set(sent[..<12]))
        #expect(ConflictBody(bodies[0], bodies[1]) != nil)
        let actions = adversary.wake(at: .second(10), unixMilliseconds: 0)
        #expect(actions.inputs.count == 1)
    }

    @Test(arguments: fidelities)
    func `a replayer says again what it once heard`(fidelity: Fidelity) throws {
        var adversary = Self.adversary(.replayer(perSecond: 10), fidelity: fidelity)
        #expect(adversary.wake(at: .second(10), unixMilliseconds: 0).outputs.isEmpty)
        let heard = try TrialTown.offer(of: 1, sequence: 9)
        var outputs: [NodeMachine.Output] = [.persist(Ticket(rawValue: 1), [.putRecord(StoredRecord(heard))])]
        adversary.filter(&outputs, at: .second(11))
        let actions = adversary.wake(at: .second(12), unixMilliseconds: 0)
        #expect(Self.sent(actions.outputs).map(\.rpc.messages.first?.data) == [heard.envelope])
    }

    @Test func `nobody is written to whose stream is gone`() {
        var adversary = Self.adversary(.forger(perSecond: 2), peers: 2)
        adversary.hear(.swarm(.streamReset(Self.stream(1))))
        adversary.hear(.swarm(.disconnected(TrialTown.peer(2), .trimmed)))
        #expect(adversary.wake(at: .second(10), unixMilliseconds: TrialTown.epoch).outputs.isEmpty)
    }

    @Test func `roles are dealt once each, to candidates alone, and by the seed`() {
        var scenario = Scenario(name: "roles", purpose: "Roles.", nodeCount: 50, buildUp: .zero, measured: .seconds(1))
        scenario.adversaries = [
            AdversaryPlan(role: .silent, quota: .share(Share(percent: 40))),
            AdversaryPlan(role: .equivocator, quota: .count(2)),
        ]
        let candidates = Array(1..<50)
        func roster(_ seed: UInt64) -> AdversaryRoster {
            AdversaryRoster(scenario: scenario, candidates: candidates, streams: RandomStreams(seed: seed))
        }
        let roles = (0..<50).map { roster(1).role(of: $0) }
        #expect(roles.count { $0 == .silent } == 20)
        #expect(roles.count { $0 == .equivocator } == 2)
        #expect(roles[0] == nil)
        #expect(roster(1) == roster(1))
        #expect(roster(1) != roster(2))
    }

    @Test func `only who lies about addresses or takes up connections needs swarms that look at them`() {
        #expect(Fidelity.allCases.allSatisfy(AdversaryRole.forger(perSecond: 1).works))
        #expect(Fidelity.allCases.filter(AdversaryRole.reflector.works) == [.bytes])
        #expect(Fidelity.allCases.filter(AdversaryRole.crowder.works) == [.bytes])
    }

    /// What it says is changed before it is encrypted: else it would be an honest node.
    @Test func `works where everything is encrypted too`() {
        var scenario = Scenario.town(8, .bytes)
        scenario.adversaries = [AdversaryPlan(role: .forger(perSecond: 2), quota: .count(1))]
        scenario.expectations = [.contained(atLeast: .all), .sometimes(.refusal)]
        let result = Simulation.finished(scenario)
        for verdict in result.verdicts { #expect(verdict.isPassed, "\(verdict.name): \(verdict.finding)") }
    }
}
