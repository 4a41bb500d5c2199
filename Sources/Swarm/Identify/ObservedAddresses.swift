internal import Identity
internal import OrderedCollections
internal import Primitives

/// At which of our own addresses strangers see us, and which of these we believe.
///
/// One stranger can claim anything, and one network can hold many strangers: an address counts once it was seen from several
/// neighbourhoods of the Internet (/16 of IPv4, /32 of IPv6). Each peer has one word, its last.
struct ObservedAddresses: Sendable {
    private struct Word: Sendable {
        let endpoint: Endpoint
        let neighbourhood: NetworkGroup
    }

    /// Peers whose words are kept.
    static let wordCountMax = 1024

    let config: IdentifyConfig
    private var words: OrderedDictionary<PeerID, Word> = [:]
    /// When the words of peers that left are forgotten.
    private var forgetting = DeadlineQueue<PeerID>()

    init(config: IdentifyConfig) {
        self.config = config
    }

    /// The addresses that enough neighbourhoods agree on, in the order in which they were first seen.
    var confirmed: [Multiaddr] {
        witnesses.filter { $0.value.count >= config.observersMin }.keys.map { Multiaddr(endpoint: $0) }
    }

    /// From where each address was seen, in the order in which they were first seen.
    private var witnesses: OrderedDictionary<Endpoint, Set<NetworkGroup>> {
        var witnesses: OrderedDictionary<Endpoint, Set<NetworkGroup>> = [:]
        for word in words.values { witnesses[word.endpoint, default: []].insert(word.neighbourhood) }
        return witnesses
    }

    /// Takes the word of a peer at `observer` that it sees us at `address`.
    ///
    /// Only addresses of the whole Internet are believed: those of our own networks we know better ourselves.
    mutating func observed(_ address: Multiaddr, by peer: PeerID, at observer: IPAddress) {
        guard let endpoint = address.tcpEndpoint, endpoint.port > 0, endpoint.address.scope == .global else { return }
        guard observer.scope == .global else { return }
        guard hasRoom(for: endpoint) else { return }
        if words[peer] == nil && words.count >= Self.wordCountMax {
            guard let oldest = forgetting.first else { return }
            forgetting.arm(oldest, at: nil)
            words[oldest] = nil
        }
        words[peer] = Word(endpoint: endpoint, neighbourhood: .neighbourhood(of: observer))
        forgetting.arm(peer, at: nil)
    }

    /// Whether a word on this address has a place; if there are too many addresses, one that hardly anybody sees gives way.
    ///
    /// A single host could fill the table with addresses of its own making otherwise, and our next one would never get in.
    private mutating func hasRoom(for endpoint: Endpoint) -> Bool {
        let witnesses = witnesses
        guard witnesses[endpoint] == nil, witnesses.count >= config.observedAddressCountMax else { return true }
        // Of equals the first.
        guard let least = witnesses.elements.min(by: { $0.value.count < $1.value.count }),
            least.value.count < config.observersMin
        else { return false }
        for peer in words.filter({ $0.value.endpoint == least.key }).keys {
            words[peer] = nil
            forgetting.arm(peer, at: nil)
        }
        return true
    }

    mutating func disconnected(_ peer: PeerID, at now: Instant) {
        if words[peer] != nil { forgetting.arm(peer, at: now.advanced(by: config.observationLifetime)) }
    }

    /// Forgets the words of peers that left long ago.
    mutating func expire(at now: Instant) {
        while let peer = forgetting.popDue(at: now) { words[peer] = nil }
    }

    var nextDeadline: Instant? { forgetting.earliest }

    func checkInvariants() {
        assert(words.count <= Self.wordCountMax && forgetting.count <= words.count)
        assert(Set(words.values.map(\.endpoint)).count <= config.observedAddressCountMax)
    }
}
