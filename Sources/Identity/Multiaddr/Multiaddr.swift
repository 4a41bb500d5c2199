public import Primitives

/// Why bytes or a text are not an address that we keep.
public enum MultiaddrError: Error, Hashable, Sendable {
    case empty
    /// More than 512 bytes, or more than 16 components.
    case tooLong
    case truncated
    case malformedVarint(UnsignedVarintError)
    case unknownProtocol(UInt64)
    /// A text that does not begin with a slash, or names an unknown protocol, or lacks a value.
    case malformedText
    case malformedValue(AddressProtocol)
    /// A relay behind a relay: one hop is allowed.
    case repeatedCircuit
}

/// A path of protocols that leads to a peer, such as `/ip4/192.0.2.1/tcp/4001/p2p/12D3Koo…` (multiformats/multiaddr).
///
/// Addresses come from strangers by the hundred, so they are bounded: in bytes, in components, in relays. An address has one
/// binary form: equal addresses are equal bytes.
public struct Multiaddr: Hashable, Sendable {
    /// Six times the longest that nodes advertise today (WebTransport with two certificate hashes and a peer id).
    public static let byteCountMax = 512
    /// A relayed WebTransport address has 10.
    public static let componentCountMax = 16
    /// A text is at most so long: the longest per byte is base58 (1.37) with its protocol's name.
    public static let textByteCountMax = 1024

    public let components: [AddressComponent]
    public let bytes: [UInt8]

    /// Checks the names and the limits; room for a final peer id is kept, so that `with(peer:)` cannot fail.
    public init(components: [AddressComponent]) throws(MultiaddrError) {
        guard !components.isEmpty else { throw .empty }
        guard components.count <= Self.componentCountMax else { throw .tooLong }
        guard components.count(where: { $0 == .circuit }) <= 1 else { throw .repeatedCircuit }
        for component in components where !component.isWellFormed {
            throw .malformedValue(component.addressProtocol)
        }
        let bytes = Self.encoded(components)
        if case .p2p = components.last {
            guard bytes.count <= Self.byteCountMax else { throw .tooLong }
        } else {
            guard components.count < Self.componentCountMax else { throw .tooLong }
            guard bytes.count <= Self.byteCountMax - Self.peerByteCountMax else { throw .tooLong }
        }
        self.components = components
        self.bytes = bytes
    }

    /// Reads the binary form.
    public init(bytes: [UInt8]) throws(MultiaddrError) {
        guard bytes.count <= Self.byteCountMax else { throw .tooLong }
        var components: [AddressComponent] = []
        var offset = 0
        while offset < bytes.count {
            guard components.count < Self.componentCountMax else { throw .tooLong }
            components.append(try Self.component(of: bytes.span, at: &offset))
        }
        try self.init(components: components)
    }

    /// Reads the text form; one slash at the end is tolerated, as other nodes tolerate it.
    public init(text: String) throws(MultiaddrError) {
        guard text.utf8.count <= Self.textByteCountMax else { throw .tooLong }
        var parts = text.split(separator: "/", omittingEmptySubsequences: false)[...]
        guard parts.popFirst()?.isEmpty == true else { throw text.isEmpty ? .empty : .malformedText }
        if parts.last?.isEmpty == true { parts.removeLast() }
        var components: [AddressComponent] = []
        while let name = parts.popFirst() {
            guard components.count < Self.componentCountMax else { throw .tooLong }
            guard let addressProtocol = AddressProtocol(name: name) else { throw .malformedText }
            guard let value = addressProtocol.hasValue ? parts.popFirst() : "" else { throw .malformedText }
            components.append(try AddressComponent(addressProtocol, text: value))
        }
        try self.init(components: components)
    }

    /// `/ip4/…/tcp/…` or `/ip6/…/tcp/…`.
    public init(endpoint: Endpoint) {
        components = [.ip(endpoint.address), .tcp(endpoint.port)]
        bytes = Self.encoded(components)
    }

    private init(bounded components: [AddressComponent]) {
        self.components = components
        bytes = Self.encoded(components)
    }

    /// The code of `p2p` (two bytes), a length (one byte), and the longest peer id.
    private static let peerByteCountMax = 3 + PeerID.byteCountMax

    private static func encoded(_ components: [AddressComponent]) -> [UInt8] {
        var bytes: [UInt8] = []
        for component in components {
            let (addressProtocol, value) = (component.addressProtocol, component.value)
            UnsignedVarint.append(addressProtocol.rawValue, to: &bytes)
            if case .lengthPrefixed = addressProtocol.shape { UnsignedVarint.append(value.count, to: &bytes) }
            bytes += value
        }
        return bytes
    }

    private static func component(
        of source: borrowing Span<UInt8>,
        at offset: inout Int
    ) throws(MultiaddrError) -> AddressComponent {
        let code = try varint(of: source, at: &offset)
        guard let addressProtocol = code.int(in: 0...Int(UInt32.max)).flatMap(AddressProtocol.init(rawValue:)) else {
            throw .unknownProtocol(code.opaque)
        }
        let count: Int
        switch addressProtocol.shape {
        case .fixed(let fixed):
            count = fixed
        case .lengthPrefixed:
            guard let length = try varint(of: source, at: &offset).int(in: 0...byteCountMax) else { throw .tooLong }
            count = length
        }
        guard source.count - offset >= count else { throw .truncated }
        defer { offset += count }
        return try AddressComponent(addressProtocol, value: Array(copying: source.extracting(offset..<offset + count)))
    }

    private static func varint(
        of source: borrowing Span<UInt8>,
        at offset: inout Int
    ) throws(MultiaddrError) -> WireInteger<UInt64> {
        do {
            return try UnsignedVarint.read(from: source, at: &offset)
        } catch {
            throw error == .truncated ? .truncated : .malformedVarint(error)
        }
    }
}

extension Multiaddr {
    /// The peer at the end of the path: a final `p2p`.
    ///
    /// An address that ends in a circuit names only the relay, hence no peer.
    public var peerID: PeerID? {
        guard case .p2p(let peer) = components.last else { return nil }
        return peer
    }

    /// Whether the path leads through a relay.
    public var isRelayed: Bool { components.contains(.circuit) }

    /// This address with `peer` at its end instead of any other.
    public func with(peer: PeerID) -> Multiaddr {
        Multiaddr(bounded: pathComponents + [.p2p(peer)])
    }

    /// This address without a final `p2p`; an address that is nothing else stays as it is.
    public var withoutPeer: Multiaddr {
        let path = pathComponents
        return path.isEmpty ? self : Multiaddr(bounded: path)
    }

    private var pathComponents: [AddressComponent] {
        peerID == nil ? components : components.dropLast()
    }
}

/// By the bytes of the binary form.
extension Multiaddr: Comparable {
    public static func < (left: Multiaddr, right: Multiaddr) -> Bool {
        left.bytes.lexicographicallyPrecedes(right.bytes)
    }
}

extension Multiaddr: CustomStringConvertible {
    public var description: String { components.map(\.description).joined() }
}
