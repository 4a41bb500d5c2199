internal import Identity
internal import OrderedCollections
internal import Primitives

/// A lookup under way in the machine; our own number for it.
struct QueryID: Hashable, Comparable, Sendable {
    let rawValue: UInt64

    static func < (left: QueryID, right: QueryID) -> Bool { left.rawValue < right.rawValue }
}

/// A lookup with its purpose: what is asked, and what the answers have brought.
struct Query: Sendable {
    enum Purpose: Hashable, Sendable {
        case findPeer(PeerID)
        case closest([UInt8])
        case refresh([UInt8])
        case provide([UInt8])
        case findProviders([UInt8])
        case putValue(KademliaValue)
        case getValue([UInt8], quorum: Int)

        /// The raw key that is searched.
        var key: [UInt8] {
            switch self {
            case .findPeer(let peer): peer.bytes
            case .closest(let key), .refresh(let key), .provide(let key), .findProviders(let key),
                .getValue(let key, _):
                key
            case .putValue(let value): value.key
            }
        }

        /// What is asked on the way.
        var kind: KademliaMessage.Kind {
            switch self {
            case .findPeer, .closest, .refresh, .provide, .putValue: .findNode
            case .findProviders: .getProviders
            case .getValue: .getValue
            }
        }
    }

    struct Valued: Sendable {
        let contact: ContactID?
        let value: [UInt8]
        let standing: ValueStanding
    }

    private struct Named: Sendable {
        var addresses = NamedAddresses()
        /// Of the first who knew an address.
        var source: IPGroup
        /// How many named it.
        var count = 0
    }

    /// Providers that are taken from one answer: twenty liars cannot fill the list.
    static let providersPerAnswerMax = 128
    static let providerCountMax = 4_096

    let purpose: Purpose
    /// `nil` for our own upkeep.
    let command: KademliaCommandID?
    let request: [UInt8]
    let startedAt: Instant
    var deadline: Instant
    var lookup: Lookup
    var contacts: LookupContacts

    /// After the search: how many are still to confirm that they store, and how many did.
    var storing: (pending: Int, stored: Int)?
    /// To how many it was sent.
    var sentCount = 0
    private var providers: OrderedDictionary<PeerID, Named> = [:]
    private(set) var values: [Valued] = []

    init(
        _ purpose: Purpose,
        command: KademliaCommandID?,
        limits: LookupLimits,
        own: PeerID,
        seeds: [KademliaPeer],
        startedAt: Instant,
        deadline: Instant
    ) {
        self.purpose = purpose
        self.command = command
        (self.startedAt, self.deadline) = (startedAt, deadline)
        request = KademliaMessage(kind: purpose.kind, key: purpose.key).encoded
        contacts = LookupContacts()
        let own = contacts.contact(for: KademliaPeer(id: own, addresses: []))
        var starts: [ContactID] = []
        for seed in seeds {
            if let contact = contacts.contact(for: seed) { starts.append(contact) }
        }
        lookup = Lookup(
            target: KademliaKey(hashing: purpose.key),
            limits: limits,
            own: own,
            seeds: starts,
            keys: contacts.keys
        )
    }
}

// MARK: What answers bring

extension Query {
    /// An answer arrived; peers in it were already reduced to what may be followed, and each counts once.
    ///
    /// Gives those of whom it told more while we try to reach them; whoever could not be reached is tried again for that.
    mutating func answered(_ contact: ContactID, closer: [KademliaPeer]) -> [KademliaPeer] {
        var (named, underWay): ([ContactID], [KademliaPeer]) = ([], [])
        var distinct: Set<PeerID> = []
        for peer in closer where distinct.insert(peer.id).inserted {
            guard let (other, hasGained) = contacts.contact(namedAs: peer) else { continue }
            if mayAsk(other) { named.append(other) }
            guard hasGained else { continue }
            lookup.renew(other)
            if lookup.isAsking(other) { underWay.append(contacts.peer(other)) }
        }
        lookup.answered(contact, closer: named, keys: contacts.keys)
        if isSought(contact) { lookup.finish() }
        return underWay
    }

    private func isSought(_ contact: ContactID) -> Bool {
        if case .findPeer(contacts.peer(contact).id) = purpose { true } else { false }
    }

    /// Whether a contact's answer could count; whoever is searched for is asked in any case.
    func mayAsk(_ contact: ContactID) -> Bool { isSought(contact) || !contacts.isCrowded(contact) }

    /// Whether an answer counts: few of one network do, wherever they were said to be.
    mutating func admitsAnswer(of contact: ContactID, from source: IPAddress?) -> Bool {
        isSought(contact) || contacts.admitsAnswer(from: source)
    }

    /// One answer named these providers: each counts once, and nobody can name more than a share.
    mutating func found(_ named: [FoundProvider]) {
        var counted: Set<PeerID> = []
        for provider in named.prefix(Self.providersPerAnswerMax) where counted.insert(provider.peer.id).inserted {
            let id = provider.peer.id
            guard providers[id] != nil || providers.count < Self.providerCountMax else { continue }
            var known = providers[id] ?? Named(source: provider.source)
            if known.addresses.isEmpty { known.source = provider.source }
            _ = known.addresses.add(provider.peer.addresses)
            known.count += 1
            providers[id] = known
        }
    }

    /// A holder has a valid value; `nil` for what we hold ourselves.
    mutating func found(_ value: [UInt8], _ standing: ValueStanding, at contact: ContactID?) {
        guard values.count < lookup.limits.requestCountMax, !values.contains(where: { $0.contact == contact }) else {
            return
        }
        values.append(Valued(contact: contact, value: value, standing: standing))
        if case .getValue(_, let quorum) = purpose, values.count >= quorum { lookup.finish() }
    }

    /// What was found is not wanted any more.
    mutating func dropValues() { values = [] }

    /// The value that beats all others.
    var best: Valued? {
        values.max { $1.standing.isBetter(than: $0.standing, $1.value, $0.value) }
    }

    /// Who holds something worse than the best, in the order of their answers.
    var outdatedHolders: [KademliaPeer] {
        guard let best else { return [] }
        return values.compactMap { held in
            held.value == best.value ? nil : held.contact.map { contacts.peer($0) }
        }
    }

    /// Those who were named by most first.
    var rankedProviders: [FoundProvider] {
        let ranked = providers.elements.enumerated().sorted {
            ($1.element.value.count, $0.offset) < ($0.element.value.count, $1.offset)
        }
        return ranked.map { _, provider in
            let peer = KademliaPeer(id: provider.key, addresses: provider.value.addresses.inTurns)
            return FoundProvider(peer: peer, source: provider.value.source)
        }
    }

    /// The nearest that answered, as many as k.
    var nearest: [KademliaPeer] {
        lookup.nearestAnswered(lookup.limits.k).map { contacts.peer($0.contact) }
    }
}
