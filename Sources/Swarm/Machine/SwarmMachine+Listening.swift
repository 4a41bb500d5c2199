internal import Identity
internal import OrderedCollections
public import Primitives

/// One listening socket, wished for or bound.
struct SwarmListener: Sendable {
    /// Addresses of our own interfaces that are taken notice of.
    static let interfaceCountMax = 64

    let wished: Endpoint
    /// The real endpoint once the socket is bound.
    var bound: Endpoint?
}

extension SwarmMachine {
    mutating func start(_ endpoints: [Endpoint], at now: Instant, into outputs: inout [Output]) {
        if case .stopping = phase { return }
        precondition(phase == .idle, "started twice")
        phase = .running
        for endpoint in endpoints {
            let id = ListenerID(rawValue: nextListener)
            nextListener += 1
            do {
                try scopes.openDescriptor()
            } catch {
                outputs.append(.listenFailed(endpoint, .tooManyDescriptors))
                continue
            }
            listeners[id] = SwarmListener(wished: endpoint)
            outputs.append(.transport(.listen(id, endpoint)))
        }
        updateAddresses(at: now, into: &outputs)
    }

    mutating func listening(_ id: ListenerID, at endpoint: Endpoint, now: Instant, into outputs: inout [Output]) {
        guard listeners[id] != nil else { return }
        listeners[id]?.bound = endpoint
        outputs.append(.listening(Multiaddr(endpoint: endpoint)))
        updateAddresses(at: now, into: &outputs)
    }

    mutating func listenFailed(_ id: ListenerID, _ failure: TransportFailure, into outputs: inout [Output]) {
        guard let listener = listeners.removeValue(forKey: id) else { return }
        scopes.closeDescriptor()
        outputs.append(.listenFailed(listener.wished, failure))
    }

    /// Works out anew where we can be reached, and tells if it has changed.
    mutating func updateAddresses(at now: Instant, into outputs: inout [Output]) {
        guard phase == .running else { return }
        var addresses: OrderedSet<Multiaddr> = []
        for listener in listeners.values {
            guard let bound = listener.bound else { continue }
            for endpoint in expanded(bound) { addresses.append(Multiaddr(endpoint: endpoint)) }
        }
        for address in config.announcedAddresses { addresses.append(address.withoutPeer) }
        for address in observed.confirmed { addresses.append(address) }
        let named = addresses.widest(OwnDescription.addressCountMax)
        guard ownDescription.setAddresses(named) else { return }
        outputs.append(.addressesChanged(named))
        describeAnew(at: now)
    }

    /// Where the node's sockets listen; a wildcard stands for all interfaces.
    public var boundAddresses: [IPAddress] {
        listeners.values.compactMap(\.bound).flatMap(expanded).map(\.address)
    }

    /// A wildcard stands for the addresses of all interfaces of its family.
    ///
    /// Link-local IPv6 addresses are left out: without a zone, which is a word of this machine alone, nobody can dial them.
    private func expanded(_ endpoint: Endpoint) -> [Endpoint] {
        guard endpoint.address.isUnspecified else { return [endpoint] }
        let usable = interfaces.filter { $0.isIPv4 == endpoint.address.isIPv4 && ($0.isIPv4 || !$0.isLinkLocal) }
        return usable.map { Endpoint(address: $0, port: endpoint.port) }
    }
}
