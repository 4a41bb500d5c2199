internal import Cryptography
internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

/// What the leases of a node begin with, kept until they are opened: most nodes only look at the market.
struct LeaseSeat: Sendable {
    let sealingSecret: [UInt8]
    var rows: [StoredRow]
    var policy: LeasePolicy
}

// What this node bids, lets, rents and is owed.
extension NodeMachine {
    /// Opens the leases: at the start if the store holds any, else when the first is wished for.
    mutating func openLeases(at now: Instant, into outputs: inout [Output]) {
        guard leases.isEmpty else { return }
        leases = [
            LeaseMachine(
                key: key,
                network: config.network,
                sealingSecret: leaseSeat.sealingSecret,
                policy: leaseSeat.policy,
                restored: leaseSeat.rows,
                requestIDs: RequestRange.leases,
                random: random.split()
            )
        ]
        leaseSeat.rows = []
        stepLeases(.clock(unixMilliseconds: wall.unixMilliseconds(at: now)), at: now, into: &outputs)
        for offer in desk.offers { stepLeases(.offer(offer), at: now, into: &outputs) }
        for lease in book.statements.leases where lease.provider == key.publicKey || lease.renter == key.publicKey {
            guard let record = book.current(.lease(lease.lease, of: lease.provider)) else { continue }
            stepLeases(found(record), at: now, into: &outputs)
        }
        if catchUp.isDone { stepLeases(.caughtUp, at: now, into: &outputs) }
    }

    /// A lease of ours as the book has it, with all that it has heard of it.
    func found(_ record: SignedRecord) -> LeaseMachine.Input {
        guard let body = CounterFacts.body(of: record) else { return .found(record, words: []) }
        return .found(record, words: body.words.compactMap { book.current($0) })
    }

    /// Whether a record is a lease of this node.
    func isOwnLease(_ record: SignedRecord) -> Bool {
        guard case .lease(let lease) = record.record.body else { return false }
        return lease.body.provider == key.publicKey || lease.body.renter == key.publicKey
    }

    /// The peers have said what they know of us, or nobody will.
    mutating func haveCaughtUp() {
        work.append(.desk(.caughtUp(isUnheard: catchUp.isUnheard)))
        work.append(.leases(.caughtUp))
    }

    /// Whether a lease with a peer is not under both signatures yet.
    func isLeasing(with peer: PeerID) -> Bool {
        guard !leases.isEmpty, let party = peer.publicKey else { return false }
        return leases[0].isOpen(with: party)
    }

    mutating func stepLeases(_ input: LeaseMachine.Input, at now: Instant, into outputs: inout [Output]) {
        if leases.isEmpty {
            // Most nodes have no leases; one that the market shows may be of a home that was restored.
            guard case .found = input else { return }
            return openLeases(at: now, into: &outputs)
        }
        var said: [LeaseMachine.Output] = []
        leases[0].handle(input, at: now, into: &said)
        for output in said {
            switch output {
            case .swarm(let input):
                if case .connect(_, let peer?, _) = input { learnAddresses(of: peer) }
                // An anchor of the company stays protected for the company's sake.
                if case .protect(let peer, false) = input, company.first?.anchors.contains(peer) == true { continue }
                work.append(.swarm(input))
            case .persist(let ticket, let changes):
                outputs.append(.persist(tickets.draw(for: .leases(ticket)), changes))
            case .sign(let signature, let body, let expiresAt):
                work.append(.desk(.sign(DeskRequestID(signature), body, expiresAt: expiresAt)))
            case .publish(let record):
                admitOwn(record, at: now)
                gossip(record)
            case .freeSlots(let offer, let slots): work.append(.desk(.freeSlots(offer, slots)))
            case .requestBid(let record, let group, let conversation):
                work.append(.leases(.bidHeard(conversation, hear(record, from: group, at: now))))
            case .seek(let peer): seek(peer, at: now, into: &outputs)
            case .answer(let command, let answer): outputs.append(.answer(command, answer))
            case .event(let event): outputs.append(.event(event))
            }
        }
    }

    /// Tells the leases what the swarm says, at once, and returns whether it concerns nobody else.
    mutating func heardByLeases(
        _ output: SwarmMachine.Output,
        at now: Instant,
        into outputs: inout [Output]
    ) -> Bool {
        switch output {
        case .inboundStream(let stream, let remote, MarketMessage.protocolID):
            guard case .running = phase else {
                work.append(.swarm(.reset(stream)))
                return true
            }
            openLeases(at: now, into: &outputs)
            let address = connected[remote]?.connection.remote.address
            stepLeases(.swarm(output, from: address), at: now, into: &outputs)
            return true
        case .connected(let remote, _):
            stepLeases(.connected(remote), at: now, into: &outputs)
            return false
        case .disconnected:
            stepLeases(.swarm(output, from: nil), at: now, into: &outputs)
            return false
        case .streamOpened, .streamFailed, .connectAnswered, .data,
            .remoteClosedWrite, .streamReset, .streamCongested, .streamDrained:
            guard !leases.isEmpty, leases[0].streams.takes(output) else { return false }
            stepLeases(.swarm(output, from: nil), at: now, into: &outputs)
            return true
        case .transport, .listening, .listenFailed, .inboundStream, .identified, .roundTrip, .addressesChanged,
            .refused, .stopped:
            return false
        }
    }

    /// A provider's presence says where it is: anybody may have passed it on, so only a node that lives in a private network follows it
    /// into one.
    mutating func learnAddresses(of peer: PeerID) {
        guard connected[peer] == nil, let provider = peer.publicKey else { return }
        let presence = MarketClass.allCases.compactMap { book.current(.presence(of: provider, in: $0)) }.first
        guard case .presence(let body)? = presence?.record.body else { return }
        let addresses = body.addresses.compactMap { try? Multiaddr(bytes: $0) }
        work.append(.swarm(.learned(peer, addresses, from: ownNeighbourhood)))
    }

    /// The address that our own network is reached from; a stranger's if we are on the open internet.
    private var ownNeighbourhood: IPAddress {
        let own = toldAddresses.compactMap { address in
            if case .endpoint(let endpoint) = address.dialTarget { endpoint.address } else { nil }
        }
        guard let first = own.first, own.allSatisfy({ $0.isLoopback || $0.isPrivate }) else {
            return NodeLimits.strangerAddress
        }
        return first
    }

    /// The counter serves what the desk has published.
    mutating func tellLeases(of record: SignedRecord, at now: Instant, into outputs: inout [Output]) {
        switch record.record.body {
        case .offer:
            if leases.isEmpty { return openLeases(at: now, into: &outputs) }
            work.append(.leases(.offer(record)))
        case .withdrawal(let body):
            if case .offer(let offer) = body.subject { work.append(.leases(.offerWithdrawn(offer))) }
        case .machine, .presence, .conflict, .request, .bid, .lease, .leaseState, .receipt, .countersignature,
            .attestation, .proof, .storefront:
            break
        }
    }

    /// Slots of an offer's machine that somebody has.
    func letSlots(of offer: OfferID, at now: Instant) -> Set<Int> {
        let record = desk.offers.first { $0.subject == .offer(offer, of: key.publicKey) }
        guard case .offer(let body)? = record?.record.body, !leases.isEmpty else { return [] }
        return leases[0].takenSlots(of: body.marketClass, at: now)
    }

    // MARK: Commands

    mutating func carryOutLease(
        _ command: NodeCommand,
        _ id: CommandID,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch command {
        case .placeBid(let wish, let waits):
            guard let offer = book.listing(for: wish.offer)?.record else {
                return outputs.append(.answer(id, .failed(.unknownOffer)))
            }
            openLeases(at: now, into: &outputs)
            work.append(.leases(.place(id, wish, offer, waits: waits)))
        case .bids: outputs.append(.answer(id, .bids(leases.first?.bidStatuses ?? [])))
        case .leases: outputs.append(.answer(id, .leases(leases.first?.summaries ?? [])))
        case .credit: outputs.append(.answer(id, .credit(leases.first?.balances ?? [])))
        case .leasePolicy: outputs.append(.answer(id, .leasePolicy(leaseSeat.policy)))
        case .setLeasePolicy(let policy):
            leaseSeat.policy = policy
            work.append(.leases(.policy(policy)))
            outputs.append(.answer(id, .done))
        case .cancelBid(let bid):
            guard !leases.isEmpty else { return outputs.append(.answer(id, .failed(.unknownBid))) }
            work.append(.leases(.cancelBid(id, bid)))
        case .closeLease(let lease, let code):
            guard !leases.isEmpty else { return outputs.append(.answer(id, .failed(.unknownLease))) }
            work.append(.leases(.close(id, lease, code)))
        case .readyLease(let lease):
            guard !leases.isEmpty else { return outputs.append(.answer(id, .failed(.unknownLease))) }
            work.append(.leases(.ready(id, lease)))
        case .settleLease(let lease, let nonce, let outcome):
            guard !leases.isEmpty else { return outputs.append(.answer(id, .failed(.unknownLease))) }
            work.append(.leases(.settle(id, lease, nonce: nonce, outcome)))
        default: preconditionFailure("no command about leases")
        }
    }
}

extension LeaseMachine {
    /// The newest first.
    var bidStatuses: [BidStatus] { bids.values.reversed().map(\.status) }
    var summaries: [LeaseSummary] { leases.values.reversed().map(\.summary) }

    var balances: [CreditBalance] {
        ledger.accounts.map { CreditBalance(peer: $0.account.peer, unit: $0.account.unit, micros: $0.balanceMicros) }
    }
}

extension DeskRequestID {
    /// Wishes of operators have the numbers of their commands, which stay below.
    private static let leases: UInt64 = 1 << 63

    init(_ signature: LeaseSignature) {
        self.init(rawValue: Self.leases | signature.rawValue)
    }

    fileprivate var leaseNumber: UInt64? {
        rawValue & Self.leases == 0 ? nil : rawValue ^ Self.leases
    }
}

extension LeaseSignature {
    init?(_ request: DeskRequestID) {
        guard let number = request.leaseNumber else { return nil }
        self.init(rawValue: number)
    }
}

extension SignedRecord {
    /// Whether it is something that the other party of a lease says.
    var speaksOfLease: Bool {
        switch kind {
        case .leaseState, .receipt, .countersignature: true
        case .machine, .offer, .presence, .withdrawal, .conflict, .request, .bid, .lease, .attestation, .proof,
            .storefront:
            false
        }
    }
}
