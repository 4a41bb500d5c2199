internal import DequeModule
internal import Identity
internal import OrderedCollections
internal import Primitives

/// The way to one peer: whoever wants it, what is left to try, what is being tried.
struct DialJob: Sendable {
    /// One TCP connection on its way.
    struct Attempt: Sendable {
        let endpoint: Endpoint
        /// When TCP must be through; `nil` once it is: the upgrade has a deadline of its own.
        var timeout: Instant?
    }

    /// One name to look up.
    struct Name: Sendable {
        let query: NameQuery
        /// The port behind the name; lists of addresses bring their own.
        let port: UInt16?
        /// How many lists led here.
        let depth: Int
        /// Whether the operator or the application named it: then it may lead into our own network.
        let isTrusted: Bool
    }

    let peer: PeerID?
    let deadline: Instant
    var requests: [ConnectRequestID]
    /// Whether nobody but strangers say where the peer is.
    var isStrange: Bool
    /// Still to be tried, in order.
    var endpoints: [Endpoint] = []
    /// Those of them that were not named by whoever asks, but by strangers.
    var strange: Set<Endpoint> = []
    var names: Deque<Name> = []
    var lookups: OrderedDictionary<ResolutionID, (name: Name, timeout: Instant)> = [:]
    var attempts: OrderedDictionary<ConnectionID, Attempt> = [:]
    /// Every endpoint that is to be tried or was, so that none is tried twice.
    var seen: Set<Endpoint> = []
    var nameCount = 0
    /// When the next endpoint may be tried beside those in flight.
    var nextAttemptAt: Instant?
    /// What to say if nothing works: the last failure that says more than "wait".
    var failure: ConnectFailure?

    init(peer: PeerID?, request: ConnectRequestID, isStrange: Bool, deadline: Instant) {
        self.peer = peer
        self.isStrange = isStrange
        self.deadline = deadline
        requests = [request]
    }

    var isExhausted: Bool { endpoints.isEmpty && names.isEmpty && lookups.isEmpty && attempts.isEmpty }

    mutating func note(_ failure: ConnectFailure) {
        switch (self.failure, failure) {
        case (nil, _): self.failure = failure
        case (_, .backoff), (_, .relayUnsupported), (_, .noDialableAddress), (_, .noAddresses): break
        case (.wrongPeer, _): break
        case (_, _): self.failure = failure
        }
    }

    /// When something is due, apart from starting attempts.
    var nextDeadline: Instant {
        let timeouts = attempts.values.compactMap(\.timeout) + lookups.values.map(\.timeout)
        return min(deadline, timeouts.min() ?? deadline)
    }
}
