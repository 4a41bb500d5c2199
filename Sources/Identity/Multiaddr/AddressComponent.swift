public import Primitives

/// One step of an address: a protocol and its value.
public enum AddressComponent: Hashable, Sendable {
    /// `ip4` or `ip6`, as the address is.
    case ip(IPAddress)
    case tcp(UInt16)
    case udp(UInt16)
    /// A name for addresses of both families.
    case dns(String)
    case dns4(String)
    case dns6(String)
    /// A name whose TXT records are addresses.
    case dnsaddr(String)
    case p2p(PeerID)
    /// Everything before it leads to a relay, everything behind it is told to the relay.
    case circuit
    /// A protocol that we know and do not speak, with its value as it stands on the wire (without a length).
    case other(OtherComponent)

    public var addressProtocol: AddressProtocol {
        switch self {
        case .ip(let address): address.isIPv4 ? .ip4 : .ip6
        case .tcp: .tcp
        case .udp: .udp
        case .dns: .dns
        case .dns4: .dns4
        case .dns6: .dns6
        case .dnsaddr: .dnsaddr
        case .p2p: .p2p
        case .circuit: .circuit
        case .other(let other): other.addressProtocol
        }
    }

    /// The value as it stands on the wire, without a length.
    var value: [UInt8] {
        switch self {
        case .ip(let address): address.bytes
        case .tcp(let port), .udp(let port): [UInt8(port >> 8), UInt8(port & 0xff)]
        case .dns(let name), .dns4(let name), .dns6(let name), .dnsaddr(let name): Array(name.utf8)
        case .p2p(let peer): peer.bytes
        case .circuit: []
        case .other(let other): other.value
        }
    }

    /// Whether a name, which anyone may put in, can stand in an address.
    var isWellFormed: Bool {
        switch self {
        case .dns, .dns4, .dns6, .dnsaddr: Self.name(value) != nil
        case .ip, .tcp, .udp, .p2p, .circuit, .other: true
        }
    }

    /// Checks and reads a value that came over the wire; its length fits the protocol's shape.
    init(_ addressProtocol: AddressProtocol, value: [UInt8]) throws(MultiaddrError) {
        let malformed = MultiaddrError.malformedValue(addressProtocol)
        switch addressProtocol {
        case .ip4, .ip6:
            guard let address = IPAddress(value) else { throw malformed }
            self = .ip(address)
        case .tcp, .udp:
            guard let port = Self.port(value) else { throw malformed }
            self = addressProtocol == .tcp ? .tcp(port) : .udp(port)
        case .dns, .dns4, .dns6, .dnsaddr:
            guard let name = Self.name(value) else { throw malformed }
            switch addressProtocol {
            case .dns4: self = .dns4(name)
            case .dns6: self = .dns6(name)
            case .dnsaddr: self = .dnsaddr(name)
            default: self = .dns(name)
            }
        case .p2p:
            do { self = .p2p(try PeerID(bytes: value)) } catch { throw malformed }
        case .circuit:
            self = .circuit
        case .certHash:
            guard (try? Multihash(bytes: value)) != nil else { throw malformed }
            self = .other(OtherComponent(addressProtocol: addressProtocol, value: value))
        case .ip6zone, .sni:
            guard Self.name(value) != nil else { throw malformed }
            self = .other(OtherComponent(addressProtocol: addressProtocol, value: value))
        case .dccp, .ipcidr, .sctp, .legacyWebRTCDirect, .webRTCDirect, .webRTC, .udt, .utp, .https, .tls, .noise,
            .quic, .quicV1, .webTransport, .ws, .wss, .http, .memory, .plaintextV2:
            self = .other(OtherComponent(addressProtocol: addressProtocol, value: value))
        }
    }

    static func port(_ bytes: [UInt8]) -> UInt16? {
        bytes.count == 2 ? UInt16(bytes[0]) << 8 | UInt16(bytes[1]) : nil
    }

    /// A name of printable ASCII without a slash, so that the text form reads back; DNS allows at most 253 characters.
    static func name(_ bytes: [UInt8]) -> String? {
        guard (1...253).contains(bytes.count) else { return nil }
        guard bytes.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "/") }) else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A component that is kept and shown, never dialled.
public struct OtherComponent: Hashable, Sendable {
    public let addressProtocol: AddressProtocol
    public let value: [UInt8]
}

extension AddressComponent: CustomStringConvertible {
    /// Such as `/tcp/4001`.
    public var description: String {
        let head = "/" + addressProtocol.name
        switch self {
        case .ip(let address): return "\(head)/\(address)"
        case .tcp(let port), .udp(let port): return "\(head)/\(port)"
        case .dns(let name), .dns4(let name), .dns6(let name), .dnsaddr(let name): return "\(head)/\(name)"
        case .p2p(let peer): return "\(head)/\(peer)"
        case .circuit: return head
        case .other(let other): return other.addressProtocol.hasValue ? "\(head)/\(other.valueText)" : head
        }
    }
}

extension OtherComponent {
    var valueText: String {
        switch addressProtocol.shape {
        case .fixed:
            String(value.reduce(into: UInt64(0)) { number, byte in number = number << 8 | UInt64(byte) })
        case .lengthPrefixed where addressProtocol == .certHash:
            Multibase.base64url(value)
        case .lengthPrefixed:
            String(decoding: value, as: UTF8.self)
        }
    }
}

extension AddressComponent {
    /// Reads the text of a value, as in `/tcp/4001` the text `4001`.
    init(_ addressProtocol: AddressProtocol, text: Substring) throws(MultiaddrError) {
        guard let value = Self.value(of: addressProtocol, text: text) else { throw .malformedValue(addressProtocol) }
        try self.init(addressProtocol, value: value)
    }

    private static func value(of addressProtocol: AddressProtocol, text: Substring) -> [UInt8]? {
        switch addressProtocol {
        case .ip4, .ip6:
            guard let address = IPAddress(String(text)) else { return nil }
            return address.isIPv4 == (addressProtocol == .ip4) ? address.bytes : nil
        case .p2p:
            return (try? PeerID(text: String(text)))?.bytes
        case .certHash:
            return Multibase.bytes(text.utf8)
        default:
            switch addressProtocol.shape {
            case .fixed(let count): return count == 0 ? [] : number(text, byteCount: count)
            case .lengthPrefixed: return Array(text.utf8)
            }
        }
    }

    /// A decimal number without sign, in network order.
    private static func number(_ text: Substring, byteCount: Int) -> [UInt8]? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt64(text) else { return nil }
        guard byteCount >= 8 || number >> UInt64(8 * byteCount) == 0 else { return nil }
        return (0..<byteCount).reversed().map { UInt8(truncatingIfNeeded: number >> UInt64(8 * $0)) }
    }
}
