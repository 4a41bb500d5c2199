internal import Identity
internal import Primitives

/// What one side holds of a topic, in 32 bytes: two equal digests mean two equal sets.
public struct TopicDigest: Hashable, Sendable {
    public static let fingerprintByteCount = 32

    public let topic: String
    public let count: Int
    /// SHA-256 over the record ids of the topic in ascending order.
    public let fingerprint: [UInt8]

    public init(topic: String, count: Int, fingerprint: [UInt8]) {
        self.topic = topic
        self.count = count
        self.fingerprint = fingerprint
    }
}

/// What is asked on a fresh stream.
///
/// ```
/// message RecordsRequest {
///   string network = 1;
///   bytes author = 2;              // public key, 32 bytes: only this author's records; empty: everybody's
///   repeated Digest digests = 3;   // topics of interest and what the asker holds of them
///   message Digest { string topic = 1; uint64 count = 2; bytes fingerprint = 3; }
/// }
/// ```
public struct RecordsRequest: Hashable, Sendable {
    public let network: String
    public let author: [UInt8]
    public let digests: [TopicDigest]

    public init(network: String, author: [UInt8] = [], digests: [TopicDigest]) {
        self.network = network
        self.author = author
        self.digests = digests
    }

    var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.text(1, network)
        writer.bytes(2, author)
        for digest in digests {
            writer.message(3) { nested in
                nested.text(1, digest.topic)
                nested.varint(2, UInt64(digest.count))
                nested.bytes(3, digest.fingerprint)
            }
        }
        return writer.bytes
    }

    init(parsing source: borrowing Span<UInt8>) throws(ProtobufError) {
        var (network, author, digests): (String, [UInt8], [TopicDigest]) = ("", [], [])
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1:
                network = try field.text(of: source, byteCountMax: RecordExchangeLimits.networkByteCountMax)
            case 2:
                author = try field.bytes(of: source, byteCountMax: 32)
                guard author.isEmpty || author.count == 32 else { throw .outOfBounds(field: 2) }
            case 3:
                guard digests.count < RecordExchangeLimits.digestCountMax else { throw .outOfBounds(field: 3) }
                let range = try field.range(byteCountMax: RecordExchangeLimits.digestByteCountMax)
                digests.append(try TopicDigest(parsing: source.extracting(range)))
            default:
                continue
            }
        }
        self.init(network: network, author: author, digests: digests)
    }
}

extension TopicDigest {
    init(parsing source: borrowing Span<UInt8>) throws(ProtobufError) {
        var (topic, count, fingerprint): (String, Int, [UInt8]) = ("", 0, [])
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1: topic = try field.text(of: source, byteCountMax: RecordExchangeLimits.topicByteCountMax)
            case 2: count = try field.varint().int(clampedTo: .max)
            case 3: fingerprint = try field.bytes(of: source, byteCountMax: Self.fingerprintByteCount)
            default: continue
            }
        }
        self.init(topic: topic, count: count, fingerprint: fingerprint)
    }
}

/// One answer: as many records as fit, and whether more wait.
///
/// The asker says "more" by an empty frame.
///
/// ```
/// message RecordsPage {
///   repeated bytes envelope = 1;
///   bool more = 2;
/// }
/// ```
struct RecordsPage: Hashable, Sendable {
    let envelopes: [[UInt8]]
    let hasMore: Bool

    var encoded: [UInt8] {
        var writer = ProtobufWriter()
        for envelope in envelopes { writer.requiredBytes(1, envelope) }
        writer.bool(2, hasMore)
        return writer.bytes
    }

    init(envelopes: [[UInt8]], hasMore: Bool) {
        self.envelopes = envelopes
        self.hasMore = hasMore
    }

    init(parsing source: borrowing Span<UInt8>) throws(ProtobufError) {
        var (envelopes, hasMore): ([[UInt8]], Bool) = ([], false)
        var reader = ProtobufReader(copy source)
        while let field = try reader.next() {
            switch field.number {
            case 1:
                guard envelopes.count < RecordExchangeLimits.pageRecordCountMax else { throw .outOfBounds(field: 1) }
                envelopes.append(try field.bytes(of: source, byteCountMax: RecordExchangeLimits.envelopeByteCountMax))
            case 2:
                hasMore = try field.bool()
            default:
                continue
            }
        }
        self.init(envelopes: envelopes, hasMore: hasMore)
    }
}
