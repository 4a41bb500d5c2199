internal import Primitives

/// How often honest nodes dial where reflectors send them.
struct ReflectionLedger: Sendable {
    static let window = Duration.seconds(60)

    /// The hosts that reflectors name.
    var hosts: Set<IPAddress> = []
    /// Where one of them is truly found: to dial there is nobody's doing but its own.
    var honestDoor: Endpoint?
    private var dials: [Dialer: [Instant]] = [:]
    private(set) var count = 0
    /// The most that one node dialled one host within a minute, and when it first did so.
    private(set) var most = 0
    private(set) var mostAt: (instant: Instant, node: Int)?

    private struct Dialer: Hashable {
        let node: Int
        let host: IPAddress
    }

    mutating func dialled(_ endpoint: Endpoint, by node: Int, at now: Instant) {
        guard hosts.contains(endpoint.address), endpoint != honestDoor else { return }
        count += 1
        let dialer = Dialer(node: node, host: endpoint.address)
        let recent = (dials[dialer] ?? []).filter { $0.advanced(by: Self.window) > now } + [now]
        dials[dialer] = recent
        guard recent.count > most else { return }
        (most, mostAt) = (recent.count, (now, node))
    }
}
