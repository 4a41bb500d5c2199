internal import Primitives

/// A name of the domain name system as its labels, without the root (RFC 1035, 3.1).
public struct DomainName: Hashable, Sendable {
    static let labelByteCountMax = 63
    static let byteCountMax = 255
    /// Pointers that a name may follow; each leads backwards, so that none comes round.
    static let pointerCountMax = 8

    /// Lower-case, for names are compared without case (RFC 6762, 16).
    public let labels: [[UInt8]]

    /// A name of labels that hold their bounds; of ASCII letters, the capitals become small.
    public init?(labels: [[UInt8]]) {
        guard labels.allSatisfy({ (1...Self.labelByteCountMax).contains($0.count) }),
            labels.reduce(1, { $0 + $1.count + 1 }) <= Self.byteCountMax
        else { return nil }
        self.labels = labels.map { label in label.map { (0x41...0x5a).contains($0) ? $0 + 0x20 : $0 } }
    }

    init(_ labels: StaticString...) {
        self.labels = labels.map { label in label.withUTF8Buffer { unsafe Array($0) } }
    }

    var encoded: [UInt8] { labels.flatMap { [UInt8($0.count)] + $0 } + [0] }

    /// Reads a name that starts at `offset` of a message and moves `offset` behind it.
    init(reading message: [UInt8], at offset: inout Int) throws(DNSError) {
        var (labels, byteCount, pointerCount) = ([[UInt8]](), 1, 0)
        var (place, end): (Int, Int?) = (offset, nil)
        while true {
            guard place < message.count else { throw .truncated }
            let length = Int(message[place])
            switch length >> 6 {
            case 0 where length == 0:
                offset = end ?? place + 1
                guard let name = DomainName(labels: labels) else { throw .malformedName }
                self = name
                return
            case 0:
                guard message.count - place > length else { throw .truncated }
                byteCount += length + 1
                guard byteCount <= Self.byteCountMax else { throw .malformedName }
                labels.append(Array(message[place + 1...place + length]))
                place += length + 1
            case 3:
                guard place + 1 < message.count else { throw .truncated }
                let target = (length & 0x3f) << 8 | Int(message[place + 1])
                pointerCount += 1
                guard target < place, pointerCount <= Self.pointerCountMax else { throw .malformedName }
                end = end ?? place + 2
                place = target
            default:
                throw .malformedName
            }
        }
    }
}

/// Why bytes are no message of the domain name system.
public enum DNSError: Error, Hashable, Sendable {
    case truncated
    case malformedName
    /// More questions or records than a message may have here.
    case tooMany
}
