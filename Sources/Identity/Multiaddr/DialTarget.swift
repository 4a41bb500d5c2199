public import Primitives

/// What a dialler must do to follow an address.
public enum DialTarget: Hashable, Sendable {
    case endpoint(Endpoint)
    /// Resolve the name first. The scope rule must be asked again for every address that comes out.
    case name(String, port: UInt16, family: AddressFamily)
    /// Look up the TXT records of `_dnsaddr.<name>`, which hold addresses.
    case addressList(String)
    /// Ask the relay at this address for a circuit.
    case relayed(through: Multiaddr)
    /// Another transport, port 0, a name that DNS does not allow, or no way at all.
    case unsupported
}

/// Which addresses of a name are wanted.
public enum AddressFamily: Hashable, Sendable {
    case any
    case ipv4
    case ipv6
}

extension Multiaddr {
    /// What the path says without its final peer; only plain TCP is dialled.
    public var dialTarget: DialTarget {
        if let circuit = components.firstIndex(of: .circuit) {
            guard let relay = try? Multiaddr(components: Array(components[..<circuit])) else { return .unsupported }
            return .relayed(through: relay)
        }
        let path = withoutPeer.components
        guard let first = path.first, path.count <= 2 else { return .unsupported }
        switch (first, path.dropFirst().first) {
        case (.ip(let address), .tcp(let port)) where port > 0:
            return .endpoint(Endpoint(address: address, port: port))
        case (.dns(let name), .tcp(let port)) where port > 0 && Self.isHostName(name):
            return .name(name, port: port, family: .any)
        case (.dns4(let name), .tcp(let port)) where port > 0 && Self.isHostName(name):
            return .name(name, port: port, family: .ipv4)
        case (.dns6(let name), .tcp(let port)) where port > 0 && Self.isHostName(name):
            return .name(name, port: port, family: .ipv6)
        case (.dnsaddr(let name), nil) where Self.isHostName(name):
            return .addressList(name)
        case (.ip, _), (.tcp, _), (.udp, _), (.dns, _), (.dns4, _), (.dns6, _), (.dnsaddr, _), (.p2p, _), (.circuit, _),
            (.other, _):
            return .unsupported
        }
    }

    /// The TCP endpoint of `/ip…/tcp/…`, with or without a final peer, also with port 0 (a listener's wish); else `nil`.
    public var tcpEndpoint: Endpoint? {
        let path = withoutPeer.components
        guard path.count == 2, case .ip(let address) = path[0], case .tcp(let port) = path[1] else { return nil }
        return Endpoint(address: address, port: port)
    }

    /// Letters, digits, hyphens, underscores and dots: what may be handed to a resolver.
    private static func isHostName(_ name: String) -> Bool {
        name.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."): true
            default: false
            }
        }
    }
}
