internal import Cryptography
internal import Identity
internal import Market
internal import Node
internal import Primitives
internal import Swarm

// Lives: how nodes come to be, start, end, and come back.
extension Simulation {
    /// How a life ends.
    enum Exit: Sendable, Equatable {
        /// In order: the machine said its last word.
        case stopped
        /// As kill −9 does: the process is gone, the system resets its connections.
        case crashed(losesUnsynced: Bool)
        /// For good and without a word, as a house without power: nobody is told, the store never returns.
        case departed
    }

    /// How many peers a starting node is told to begin with.
    ///
    /// Stands for what a bootstrap list and the DHT would give it: drawn evenly from the nodes that are up and can be dialled.
    static let contactCount = 8

    /// Adds a node that is not started yet, and gives its number.
    @discardableResult
    mutating func addNode() -> Int {
        let index = nodes.count
        network.addNode()
        let identity = VirtualIdentity(streams: streams, node: index, number: 0)
        nodes.append(VirtualNode(endpoint: endpoint(of: index), identity: identity, keepsCache: keepsCaches))
        directory.add(identity.peer, node: index)
        nodes[index].clockOffset = drawSkew(of: index)
        return index
    }

    /// Whether a node may ever start again with what it stored: else its cache need not be kept.
    private var keepsCaches: Bool {
        if scenario.churn?.keepsIdentity == true { return true }
        return scenario.faults.contains { planned in
            if case .crash = planned.fault { true } else { false }
        }
    }

    /// Every node has an address of its own, globally reachable as far as machines can tell.
    ///
    /// Where networks matter, to tables that take few of each, neighbours by number live in different ones.
    private func endpoint(of index: Int) -> Endpoint {
        precondition(index < 1 << 24, "more nodes than addresses")
        var bytes = [UInt8(20), UInt8(index >> 16 & 255), UInt8(index >> 8 & 255), UInt8(index & 255)]
        if scenario.discovery != nil {
            bytes = [UInt8(20 + index & 63), UInt8(index >> 6 & 255), UInt8(index >> 14 & 255), UInt8(1 + index >> 22)]
        }
        return Endpoint(address: IPAddress(bytes[0], bytes[1], bytes[2], bytes[3]), port: Self.port)
    }

    private static let port: UInt16 = 4180

    /// The node that listens at this address.
    func node(at endpoint: Endpoint) -> Int? {
        let bytes = endpoint.address.bytes
        guard bytes.count == 4, endpoint.port == Self.port else { return nil }
        if scenario.discovery != nil {
            guard (20..<84).contains(bytes[0]), bytes[3] > 0 else { return nil }
            let index = Int(bytes[0] - 20) | Int(bytes[1]) << 6 | Int(bytes[2]) << 14 | Int(bytes[3] - 1) << 22
            return index < nodes.count ? index : nil
        }
        guard bytes[0] == 20 else { return nil }
        let index = Int(bytes[1]) << 16 | Int(bytes[2]) << 8 | Int(bytes[3])
        return index < nodes.count ? index : nil
    }

    private func drawSkew(of index: Int) -> Duration {
        let span = scenario.clocks.skew.saturatedNanoseconds
        guard span > 0 else { return .zero }
        var random = streams.fast(.clocks, node: index)
        return .nanoseconds(Int64(random.below(Int(2 * span) + 1)) - span)
    }

    // MARK: Starting

    /// Starts a node with whatever its store holds: the first time, or after its last life ended.
    mutating func start(_ index: Int) {
        guard !nodes[index].isUp, !nodes[index].hasDeparted else { return }
        let restored = nodes[index].store.restored(from: library)
        let life = nodes[index].life + 1
        nodes[index].life = life
        // A stream for each life, so that nothing that one life draws shifts the next.
        let random = streams.stream(.machine, node: index | Int(life) << 32)
        let config = config(of: index, contacts: drawContacts(for: index, life: life))
        seizeSwarm(of: index, config)
        let machine = NodeMachine(
            config: config,
            identity: nodes[index].identity.key,
            isFreshIdentity: !nodes[index].hasRun,
            restored: restored,
            random: random,
            readRecord: records.read
        )
        nodes[index].machines = [machine]
        (nodes[index].armed, nodes[index].wakesAt) = (.distantFuture, .distantFuture)
        nodes[index].isBusyUntil = .zero
        nodes[index].swarm = VirtualSwarm()
        nodes[index].hasRun = true
        countUp(1)
        awakenAdversary(of: index)
        noteUp(index, restored: restored)
        feed(index, .clock(unixMilliseconds: unixMilliseconds(of: index)))
        if scenario.fidelity == .bytes { feed(index, .transport(.interfaces([nodes[index].endpoint.address]))) }
        feed(index, .started)
        planWorkload(of: index)
        planSession(of: index)
        planAdversary(of: index)
    }

    private func config(of index: Int, contacts: [Multiaddr]) -> NodeConfig {
        // A copy of the one that all share, so that what they have in common is there once.
        var config = settings
        (config.listen, config.seeds) = ([nodes[index].endpoint], contacts)
        if let plan = scenario.workload.searches { config.followedSegments = drawInterest(of: index, plan) }
        seize(&config, of: index)
        return config
    }

    /// Draws whom a node knows at first: some of those that are up, can be dialled, and are not itself.
    private func drawContacts(for index: Int, life: UInt32) -> [Multiaddr] {
        if let discovery = scenario.discovery {
            return (0..<min(discovery.seedCount, nodes.count)).filter { $0 != index }.map {
                Multiaddr(endpoint: nodes[$0].endpoint).with(peer: nodes[$0].identity.peer)
            }
        }
        var random = streams.fast(.contacts, node: index | Int(life) << 32)
        var drawn: [Int] = []
        // Enough tries to find all that there are when few are up, and an end of them when nobody is.
        var tries = Self.contactCount * 8
        while drawn.count < Self.contactCount, tries > 0 {
            tries -= 1
            let candidate = random.below(nodes.count)
            guard candidate != index, nodes[candidate].isUp, !drawn.contains(candidate),
                network.canDial(from: index, to: candidate)
            else { continue }
            drawn.append(candidate)
        }
        return drawn.map { Multiaddr(endpoint: nodes[$0].endpoint).with(peer: nodes[$0].identity.peer) }
    }

    /// What the node's own clock says.
    func unixMilliseconds(of index: Int) -> Int64 {
        Self.epochMilliseconds + now.advanced(by: nodes[index].clockOffset).nanoseconds / 1_000_000
    }

    // MARK: Ending

    /// Ends a life; who departs while it is away has none to end, and never comes back all the same.
    mutating func end(_ index: Int, _ exit: Exit) {
        guard nodes[index].isUp else {
            if exit == .departed { forsake(index) }
            return
        }
        nodes[index].machines = []
        nodes[index].life += 1
        nodes[index].armed = .distantFuture
        nodes[index].backlog = nil
        nodes[index].questions = [:]
        nodes[index].searches = [:]
        countUp(-1)
        noteDown(index)
        leaveConnections(of: index, exit)
        switch exit {
        case .stopped: nodes[index].store.crash(losesUnsynced: false, in: &library)
        case .crashed(let losesUnsynced):
            nodes[index].store.crash(losesUnsynced: losesUnsynced, in: &library)
            nodes[index].lostUnsynced = losesUnsynced
        case .departed: forsake(index)
        }
    }

    private mutating func forsake(_ index: Int) {
        nodes[index].store.wipe(in: &library)
        nodes[index].hasDeparted = true
    }

    /// So many nodes more or less are up from now on.
    mutating func countUp(_ change: Int) {
        upTime += upTimeSince.duration(to: now) * upCount
        upTimeSince = now
        upCount += change
    }

    /// The node forgets who it was: an empty store and a new key.
    mutating func becomeSomebodyElse(_ index: Int) {
        precondition(!nodes[index].isUp, "node \(index) cannot change its key while it runs")
        nodes[index].store.wipe(in: &library)
        let number = nodes[index].identity.number + 1
        nodes[index].identity = VirtualIdentity(streams: streams, node: index, number: number)
        nodes[index].hasRun = false
        nodes[index].provider.offers = []
        directory.add(nodes[index].identity.peer, node: index)
    }

    /// The node stands still from now on; what happens to it waits.
    mutating func pause(_ index: Int) {
        guard nodes[index].isUp, !nodes[index].isPaused else { return }
        nodes[index].backlog = []
        notePaused(index, true)
    }

    /// The node goes on: first with all that happened meanwhile, in order.
    mutating func resume(_ index: Int) {
        guard let backlog = nodes[index].backlog else { return }
        nodes[index].backlog = nil
        notePaused(index, false)
        for event in backlog {
            carryOut(event)
            tell()
        }
    }

    /// The node's wall clock jumps; the monotonic one does not.
    mutating func stepClock(of index: Int, by duration: Duration) {
        nodes[index].clockOffset += duration
        feed(index, .clock(unixMilliseconds: unixMilliseconds(of: index)))
    }

    // MARK: The disk

    mutating func setDiskFull(_ index: Int, _ isFull: Bool) {
        nodes[index].store.isFull = isFull
    }

    mutating func persist(_ ticket: Ticket, _ changes: [StoreChange], of index: Int) {
        let due = now.advanced(by: VirtualStore.commitTime)
        guard !nodes[index].store.isFull else {
            return queue.insert(.storeFailed(life(of: index), ticket), at: due)
        }
        nodes[index].store.begin(ticket, changes, at: now, in: &library)
        if changes.contains(where: \.isOwnState) {
            queue.insert(.stored(life(of: index), ticket), at: due)
        } else {
            // No flush is waited for: the system has it.
            owe(index, .persisted(ticket))
        }
    }

    mutating func stored(_ ticket: Ticket, of life: NodeLife) {
        guard nodes[life.index].life == life.life else { return }
        nodes[life.index].store.committed(ticket)
        feed(life, .persisted(ticket))
    }

    mutating func storeFailed(_ ticket: Ticket, of life: NodeLife) {
        guard nodes[life.index].life == life.life else { return }
        nodes[life.index].store.failed(ticket)
        feed(life, .persistFailed(ticket, .diskFull))
    }
}
