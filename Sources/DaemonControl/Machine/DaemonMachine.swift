package import Cryptography
internal import DequeModule
package import Gossipsub
package import Identity
internal import Kademlia
internal import OrderedCollections
package import Primitives
package import Sockets
package import Swarm

/// A libp2p host that other programs command: the swarm and the router on one side, the control protocol of go-libp2p-daemon on
/// the other (libp2p/go-libp2p-daemon, specs/CONTROL.md and specs/PUBSUB.md).
///
/// Every program has a stream to the daemon on which it asks, one request after the other. After STREAM_OPEN the stream *is* the
/// libp2p stream, after SUBSCRIBE it carries the messages of a topic. A stream that a peer opens for a protocol with a handler is
/// carried to the handler's address.
///
/// Unlike other daemons this one hands a half-closed stream on as one: a program that ends its side still gets the peer's answer.
///
/// Pure: the owner feeds inputs with their instant, carries out the outputs in order, then arms one timer at `nextDeadline`. It
/// connects and closes the streams of programs as `LocalOutput` says.
package struct DaemonMachine: Sendable {
    package enum Input: Sendable {
        /// First of all inputs, behind one `clock`.
        case started
        case transport(TransportInput)
        case local(LocalInput)
        /// Answers `verify`, several at once: what follows from them for one peer then leaves in one piece.
        case verified([(id: ValidationID, holds: Bool)])
        case clock(unixMilliseconds: Int64)
        case shutdown
        case deadlineReached
    }

    package enum Output: Hashable, Sendable {
        case transport(TransportOutput)
        case local(LocalOutput)
        case verify(ValidationID, SignatureCheck)
        case listening(Multiaddr)
        case listenFailed(Endpoint, TransportFailure)
        case stopped
    }

    enum Work: Sendable {
        case swarm(SwarmMachine.Input)
        case gossip(GossipsubMachine.Input)
        case kademlia(KademliaHost.Input)
    }

    /// Who asked for a stream.
    enum StreamPurpose: Sendable {
        case program(LocalStreamID)
        case gossip(PeerID)
    }

    let config: DaemonConfig
    var swarm: SwarmMachine
    var gossip: GossipsubMachine?
    /// One, if the hash table is on; not an optional, out of which every question would copy it.
    var kademlia: [KademliaHost] = []
    /// The host's, after its last step.
    var kademliaDeadline: Instant?
    var wires: GossipWires
    var programs: [LocalStreamID: Program] = [:]
    /// The programs whose requests wait, in the order in which they began to.
    var waiting: OrderedSet<LocalStreamID> = []
    /// Who asked the hash table for something.
    var searches: [KademliaCommandID: LocalStreamID] = [:]
    var connectRequests: [ConnectRequestID: LocalStreamID] = [:]
    var streamRequests: [StreamRequestID: StreamPurpose] = [:]
    /// Which program a stream is carried to.
    var pipes: [StreamHandle: LocalStreamID] = [:]
    /// Streams whose program has gone, with the bytes that were dropped of them.
    var orphans: [StreamHandle: Int] = [:]
    var handlers: OrderedDictionary<String, StreamHandlers> = [:]
    var subscribers: OrderedDictionary<Topic, [LocalStreamID]> = [:]
    var tags = PeerTags()

    /// What the machines inside are still to be fed in this step.
    var work: Deque<Work> = []
    private var isShuttingDown = false
    private var nextRequest: UInt64 = 1
    /// The machine numbers what it connects with even numbers, the driver what it accepts with odd ones.
    private var nextLocalStream: UInt64 = 2

    package init(config: DaemonConfig, identity: Ed25519.PrivateKey, firstSequence: UInt64, random: SeededRandom) {
        var random = random
        self.config = config
        swarm = SwarmMachine(config: config.swarm, identity: identity, random: random.split())
        wires = GossipWires(rpcByteCountMax: config.gossip?.rpc.byteCountMax ?? 1)
        if let gossipConfig = config.gossip {
            gossip = GossipsubMachine(
                config: gossipConfig,
                key: identity,
                firstSequence: firstSequence,
                random: random.split()
            )
        }
        if let mode = config.kademlia {
            kademlia = [
                KademliaHost(
                    mode,
                    own: swarm.peer,
                    bootstrapPeers: config.bootstrapPeers,
                    random: random.split()
                )
            ]
        }
    }

    package var peer: PeerID { swarm.peer }

    /// Where we can be reached, without our peer id.
    package var listenAddresses: [Multiaddr] { swarm.listenAddresses }

    /// When `deadlineReached` is due; `nil` while nothing is.
    ///
    /// Kept, since asking all machines again costs more than many a packet.
    package private(set) var nextDeadline: Instant?

    private var earliestDeadline: Instant? {
        var due = earliest(swarm.nextDeadline, gossip?.nextDeadline)
        due = earliest(due, kademliaDeadline)
        for program in waiting { due = earliest(due, programs[program]?.role.deadline) }
        return due
    }

    package mutating func handle(_ input: Input, at now: Instant, into outputs: inout [Output]) {
        switch input {
        case .started:
            tellProtocols()
            work.append(.swarm(.started(listen: config.listen)))
            work.append(.kademlia(.started))
            for address in config.bootstrapPeers {
                let request = ConnectRequestID(rawValue: nextRequestNumber())
                work.append(.swarm(.connect(request, address.peerID, [address])))
            }
        case .transport(let input): work.append(.swarm(.transport(input)))
        case .local(let input): handle(input, at: now, into: &outputs)
        case .verified(let answers): for (id, holds) in answers { work.append(.gossip(.verified(id, holds))) }
        case .clock(let milliseconds):
            work.append(.swarm(.clock(unixMilliseconds: milliseconds)))
            work.append(.kademlia(.clock(unixMilliseconds: milliseconds)))
        case .shutdown:
            guard !isShuttingDown else { return }
            isShuttingDown = true
            work.append(.swarm(.shutdown))
        case .deadlineReached: expire(at: now, into: &outputs)
        }
        settle(at: now, into: &outputs)
        nextDeadline = earliestDeadline
    }

    /// Feeds the machines inside until nothing follows any more.
    private mutating func settle(at now: Instant, into outputs: inout [Output]) {
        var (said, told): ([SwarmMachine.Output], [GossipsubMachine.Output]) = ([], [])
        while true {
            if work.isEmpty { work += wires.takeUnsent().map { .swarm(.write($0.key, $0.value)) } }
            guard let item = work.popFirst() else { return }
            switch item {
            case .swarm(let input):
                swarm.handle(input, at: now, into: &said)
                for output in said { apply(output, at: now, into: &outputs) }
                said.removeAll(keepingCapacity: true)
            case .gossip(let input):
                gossip?.handle(input, at: now, into: &told)
                for output in told { apply(output, at: now, into: &outputs) }
                told.removeAll(keepingCapacity: true)
            case .kademlia(let input): step(input, at: now, into: &outputs)
            }
        }
    }

    private mutating func expire(at now: Instant, into outputs: inout [Output]) {
        if let due = swarm.nextDeadline, due <= now { work.append(.swarm(.deadlineReached)) }
        if let due = gossip?.nextDeadline, due <= now { work.append(.gossip(.deadlineReached)) }
        if let due = kademliaDeadline, due <= now { work.append(.kademlia(.deadlineReached)) }
        for program in waiting {
            guard let role = programs[program]?.role, let deadline = role.deadline, deadline <= now else { continue }
            switch role {
            case .waiting(let wait): expired(wait, of: program, at: now, into: &outputs)
            case .searching(let search):
                searches[search.command] = nil
                finish(program, .failed("the request timed out"), at: now, into: &outputs)
            case .asking, .piping, .subscribed: break
            }
        }
    }

    func checkInvariants() {
        swarm.checkInvariants()
        for host in kademlia { host.checkInvariants() }
        assert(work.isEmpty)
        for (stream, program) in pipes {
            guard case .piping(stream) = programs[program]?.role else {
                preconditionFailure("the stream \(stream) is carried to a program that does not have it")
            }
        }
        for program in waiting {
            precondition(programs[program]?.role.deadline != nil, "a program waits for nothing")
        }
    }

    // MARK: Numbers

    mutating func nextRequestNumber() -> UInt64 {
        defer { nextRequest += 1 }
        return nextRequest
    }

    mutating func nextLocalStreamID() -> LocalStreamID {
        defer { nextLocalStream += 2 }
        return LocalStreamID(rawValue: nextLocalStream)
    }

    /// Tells the swarm what peers may open streams for.
    mutating func tellProtocols() {
        let gossipNames = gossip == nil ? [] : GossipsubVersion.protocolNames
        let served = kademlia.first.flatMap { $0.machine.mode == .server ? $0.protocolName : nil }
        work.append(.swarm(.setProtocols(gossipNames + (served.map { [$0] } ?? []) + handlers.keys)))
    }
}
