public import Identity
public import Primitives

/// Why a peer's identification is not used.
public enum IdentifyError: Error, Hashable, Sendable {
    case malformed(ProtobufError)
    case frame(LengthPrefixedFrames.Failure)
    /// More parts than `IdentifyReader.messageCountMax`.
    case tooManyMessages
    /// The stream ended inside a message, or without one.
    case truncated
    /// The key is not an Ed25519 key, so it cannot be the one that authenticated the connection.
    case key(KeyError)
    /// The key belongs to another peer than the one who sent it.
    case keyOfAnotherPeer
}

/// Who a peer says it is, where it listens, what it speaks and how it sees us (libp2p/specs, identify/README.md).
///
/// Everything here is a claim. The key is checked by `validated(for:)`, the addresses in the signed record by
/// `PeerRecord.open`, the observed address by nobody but other observers.
public struct IdentifyMessage: Hashable, Sendable {
    /// The protocol on which one message answers the stream.
    public static let protocolName = "/ipfs/id/1.0.0"
    /// The protocol on which changes are sent.
    public static let pushProtocolName = "/ipfs/id/push/1.0.0"

    /// Protocols kept of one peer (go's cap).
    public static let protocolCountMax = 1_024
    /// Addresses kept of one connected peer (go's cap).
    public static let addressCountMax = 500
    /// Versions are for people: what is longer is cut.
    public static let versionByteCountMax = 64
    /// Longer than every name in use; multistream-select permits 1 KiB.
    public static let protocolNameByteCountMax = 256

    /// Printable and at most 64 bytes; `nil` if absent.
    ///
    /// Empty in peers that have none to tell.
    public var protocolVersion: String?
    /// Printable and at most 64 bytes; `nil` if absent.
    public var agentVersion: String?
    /// The encoded key, unchecked; `nil` if absent.
    public var publicKey: [UInt8]?
    /// In the peer's order, without repetitions; addresses that we cannot parse are left out.
    public var listenAddresses: [Multiaddr] = []
    /// Where the peer sees us; `nil` if absent or not to be parsed.
    public var observedAddress: Multiaddr?
    /// In the peer's order, without repetitions; names that are not printable ASCII are left out.
    public var protocols: [String] = []
    /// A sealed `PeerRecord`, unopened; `nil` if absent.
    public var signedPeerRecord: [UInt8]?

    public init() {}

    /// Reads one message; all fields are optional, unknown ones are skipped, and what passes a cap is left out.
    public init(parsing source: Span<UInt8>) throws(ProtobufError) {
        var reader = ProtobufReader(source)
        var (addresses, names) = (OrderedValues<Multiaddr>(), OrderedValues<String>())
        while let field = try reader.next() {
            switch field.number {
            case 1: publicKey = try field.bytes(of: source, byteCountMax: source.count)
            case 2:
                let bytes = try field.bytes(of: source, byteCountMax: source.count)
                if let address = try? Multiaddr(bytes: bytes) { addresses.insert(address, max: Self.addressCountMax) }
            case 3:
                let bytes = try field.bytes(of: source, byteCountMax: source.count)
                if let name = Self.protocolName(bytes) { names.insert(name, max: Self.protocolCountMax) }
            case 4: observedAddress = try? Multiaddr(bytes: try field.bytes(of: source, byteCountMax: source.count))
            case 5: protocolVersion = Self.version(try field.bytes(of: source, byteCountMax: source.count))
            case 6: agentVersion = Self.version(try field.bytes(of: source, byteCountMax: source.count))
            // In use everywhere, although not in the specification's schema.
            case 8: signedPeerRecord = try field.bytes(of: source, byteCountMax: source.count)
            default: break
            }
        }
        (listenAddresses, protocols) = (addresses.values, names.values)
    }

    /// The message as one protobuf, without a length in front.
    public func encoded() -> [UInt8] {
        var writer = ProtobufWriter()
        if let publicKey { writer.requiredBytes(1, publicKey) }
        for address in listenAddresses { writer.requiredBytes(2, address.bytes) }
        for name in protocols { writer.requiredBytes(3, name.utf8) }
        if let observedAddress { writer.requiredBytes(4, observedAddress.bytes) }
        if let protocolVersion { writer.requiredBytes(5, protocolVersion.utf8) }
        if let agentVersion { writer.requiredBytes(6, agentVersion.utf8) }
        if let signedPeerRecord { writer.requiredBytes(8, signedPeerRecord) }
        return writer.bytes
    }

    private static func version(_ bytes: [UInt8]) -> String {
        PrintableText.make(bytes[...], byteCountMax: versionByteCountMax)
    }

    private static func protocolName(_ bytes: [UInt8]) -> String? {
        guard (1...protocolNameByteCountMax).contains(bytes.count), bytes.allSatisfy({ (0x20...0x7e).contains($0) })
        else {
            return nil
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

// MARK: Parts and changes

extension IdentifyMessage {
    /// This message and a further part of it: lists are joined up to their caps, and the later single value holds.
    ///
    /// go-libp2p sends a message in up to ten parts.
    public func merging(_ part: IdentifyMessage) -> IdentifyMessage {
        var merged = replacingSingleValues(by: part)
        merged.listenAddresses = Self.joined(listenAddresses, part.listenAddresses, max: Self.addressCountMax)
        merged.protocols = Self.joined(protocols, part.protocols, max: Self.protocolCountMax)
        return merged
    }

    /// This message after the peer has pushed changes: what the push leaves out stays, a list that it names replaces ours.
    public func updated(by push: IdentifyMessage) -> IdentifyMessage {
        var updated = replacingSingleValues(by: push)
        if !push.listenAddresses.isEmpty { updated.listenAddresses = push.listenAddresses }
        if !push.protocols.isEmpty { updated.protocols = push.protocols }
        return updated
    }

    private func replacingSingleValues(by other: IdentifyMessage) -> IdentifyMessage {
        var replaced = self
        replaced.protocolVersion = other.protocolVersion ?? protocolVersion
        replaced.agentVersion = other.agentVersion ?? agentVersion
        replaced.publicKey = other.publicKey ?? publicKey
        replaced.observedAddress = other.observedAddress ?? observedAddress
        replaced.signedPeerRecord = other.signedPeerRecord ?? signedPeerRecord
        return replaced
    }

    private static func joined<Value: Hashable>(_ first: [Value], _ second: [Value], max: Int) -> [Value] {
        var values = OrderedValues<Value>()
        for value in first { values.insert(value, max: max) }
        for value in second { values.insert(value, max: max) }
        return values.values
    }
}

// MARK: Belief

extension IdentifyMessage {
    /// This message, if its key is that of the peer at the other end of the connection.
    ///
    /// A message without a key passes: the connection has proved the key already.
    public func validated(for peer: PeerID) throws(IdentifyError) -> IdentifyMessage {
        guard let publicKey else { return self }
        let sender: PeerID
        do throws(KeyError) {
            sender = PeerID(publicKey: try KeyCodec.decodePublicKey(publicKey))
        } catch {
            throw .key(error)
        }
        guard sender == peer else { throw .keyOfAnotherPeer }
        return self
    }
}

/// Values in the order of their arrival, each once; the set answers membership alone and is never walked.
private struct OrderedValues<Value: Hashable> {
    private(set) var values: [Value] = []
    private var known: Set<Value> = []

    mutating func insert(_ value: Value, max: Int) {
        guard values.count < max, known.insert(value).inserted else { return }
        values.append(value)
    }
}
