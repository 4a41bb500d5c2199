public import Cryptography
public import Primitives

/// Why bytes are not a peer record that may be believed.
public enum PeerRecordError: Error, Hashable, Sendable {
    case envelope(EnvelopeError)
    /// An envelope of another payload type.
    case payloadType
    case signature
    case malformed(ProtobufError)
    case peer(PeerIDError)
    /// The record names another peer than the one who signed.
    case signedByAnother
}

/// The addresses of a peer, as it says itself (libp2p/specs, RFC 0003).
///
/// The specification's text names the domain `libp2p-routing-state`; implementations sign `libp2p-peer-record` with the
/// payload type `03 01`, and so do we.
public struct PeerRecord: Hashable, Sendable {
    public static let domain = "libp2p-peer-record"
    /// The code `libp2p-peer-record`, 0x0301, big-endian.
    public static let payloadType: [UInt8] = [0x03, 0x01]
    /// As identify reads at most 8 KiB in one message (go-libp2p).
    public static let envelopeByteCountMax = 8 << 10
    /// As many addresses as are kept for a connected peer.
    public static let addressCountMax = 500

    public let peer: PeerID
    /// Newer records have higher numbers; the number is no time.
    public let sequence: UInt64
    public let addresses: [Multiaddr]

    public init(peer: PeerID, sequence: UInt64, addresses: [Multiaddr]) {
        self.peer = peer
        self.sequence = sequence
        self.addresses = addresses
    }

    /// Reads the payload of an envelope.
    ///
    /// Unknown fields are skipped, as the specification wants to extend the record; addresses that do not parse are left out.
    public init(parsing source: Span<UInt8>) throws(PeerRecordError) {
        var (peer, sequence, addresses): ([UInt8], UInt64, [Multiaddr]) = ([], 0, [])
        var addressCount = 0
        do throws(ProtobufError) {
            var reader = ProtobufReader(source)
            while let field = try reader.next() {
                switch field.number {
                case 1: peer = try field.bytes(of: source, byteCountMax: PeerID.byteCountMax)
                case 2: sequence = try field.varint().opaque
                case 3:
                    addressCount += 1
                    guard addressCount <= Self.addressCountMax else { throw .outOfBounds(field: 3) }
                    let range = try field.range(byteCountMax: Self.envelopeByteCountMax)
                    if let address = try Self.address(in: source.extracting(range)) { addresses.append(address) }
                default: break
                }
            }
            if peer.isEmpty { throw .missing(field: 1) }
        } catch {
            throw .malformed(error)
        }
        do { self.peer = try PeerID(bytes: peer) } catch { throw .peer(error) }
        self.sequence = sequence
        self.addresses = addresses
    }

    /// The payload of an envelope.
    public var payload: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(1, peer.bytes)
        writer.varint(2, sequence)
        for address in addresses { writer.message(3) { $0.bytes(1, address.bytes) } }
        return writer.bytes
    }

    /// Signs the record as the peer that it names.
    public func seal(by key: Ed25519.PrivateKey) -> SignedEnvelope {
        precondition(PeerID(publicKey: key.publicKey) == peer, "a peer signs for itself")
        precondition(addresses.count <= Self.addressCountMax)
        return SignedEnvelope.seal(payload: payload, payloadType: Self.payloadType, domain: Self.domain, by: key)
    }

    /// Opens an envelope in the specification's order: type, signature, payload, signer.
    ///
    /// About 60 µs.
    public static func open(_ envelope: [UInt8]) throws(PeerRecordError) -> PeerRecord {
        let opened: SignedEnvelope
        do {
            opened = try SignedEnvelope(parsing: envelope.span, byteCountMax: envelopeByteCountMax)
        } catch {
            throw .envelope(error)
        }
        guard opened.payloadType == payloadType else { throw .payloadType }
        guard opened.isSignedValidly(domain: domain) else { throw .signature }
        let record = try PeerRecord(parsing: opened.payload.span)
        guard record.peer == PeerID(publicKey: opened.publicKey) else { throw .signedByAnother }
        return record
    }

    private static func address(in source: Span<UInt8>) throws(ProtobufError) -> Multiaddr? {
        var bytes: [UInt8]?
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            if field.number == 1 { bytes = try field.bytes(of: source, byteCountMax: envelopeByteCountMax) }
        }
        return bytes.flatMap { try? Multiaddr(bytes: $0) }
    }
}
