public import Primitives

/// A message of multicast DNS, with what discovery needs of it: questions, pointers and texts (RFC 1035, 4; RFC 6762, 18).
///
/// The port and the addresses that tools for DNS services want besides are written and never read.
public struct DNSMessage: Hashable, Sendable {
    /// What an Ethernet's jumbo frame carries (RFC 6762, 17).
    public static let byteCountMax = 9_000
    static let questionCountMax = 32
    static let recordCountMax = 64
    /// Texts of one record: the addresses of one peer, each behind `dnsaddr=`.
    static let textCountMax = 32

    public struct Question: Hashable, Sendable {
        public let name: DomainName
        public let type: UInt16

        public init(name: DomainName, type: UInt16) {
            (self.name, self.type) = (name, type)
        }
    }

    public struct Record: Hashable, Sendable {
        public enum Content: Hashable, Sendable {
            case pointer(DomainName)
            case texts([[UInt8]])
            /// The port of a service and the name of its host (RFC 2782).
            case service(port: UInt16, host: DomainName)
            case address(IPAddress)
        }

        public let name: DomainName
        public let content: Content
        public let seconds: UInt32

        public init(name: DomainName, content: Content, seconds: UInt32) {
            (self.name, self.content, self.seconds) = (name, content, seconds)
        }
    }

    /// QTYPE numbers (RFC 1035, 3.2.2).
    public static let pointerType: UInt16 = 12
    public static let textType: UInt16 = 16
    public static let anyType: UInt16 = 255
    private static let serviceType: UInt16 = 33
    private static let addressTypes: (v4: UInt16, v6: UInt16) = (1, 28)
    private static let internet: UInt16 = 1
    /// "Queries and answers by multicast have this bit for other ends" (RFC 6762, 10.2 and 18.12).
    private static let classMask: UInt16 = 0x7fff

    public let isResponse: Bool
    public var questions: [Question]
    /// Of all three sections of records, in order.
    public var records: [Record]

    public init(isResponse: Bool, questions: [Question] = [], records: [Record] = []) {
        (self.isResponse, self.questions, self.records) = (isResponse, questions, records)
    }

    // MARK: Reading

    /// Reads one datagram; records of other types and classes are left out.
    public init(parsing bytes: [UInt8]) throws(DNSError) {
        guard bytes.count >= 12 else { throw .truncated }
        guard bytes.count <= Self.byteCountMax else { throw .tooMany }
        func number(_ place: Int) -> Int { Int(bytes[place]) << 8 | Int(bytes[place + 1]) }
        self.init(isResponse: bytes[2] & 0x80 != 0)
        let recordCount = number(6) + number(8) + number(10)
        guard number(4) <= Self.questionCountMax, recordCount <= Self.recordCountMax else { throw .tooMany }
        var offset = 12
        for _ in 0..<number(4) {
            let name = try DomainName(reading: bytes, at: &offset)
            guard bytes.count - offset >= 4 else { throw .truncated }
            if UInt16(number(offset + 2)) & Self.classMask == Self.internet {
                questions.append(Question(name: name, type: UInt16(number(offset))))
            }
            offset += 4
        }
        for _ in 0..<recordCount {
            let name = try DomainName(reading: bytes, at: &offset)
            guard bytes.count - offset >= 10 else { throw .truncated }
            let (type, kind) = (UInt16(number(offset)), UInt16(number(offset + 2)) & Self.classMask)
            let seconds = UInt32(number(offset + 4)) << 16 | UInt32(number(offset + 6))
            let length = number(offset + 8)
            offset += 10
            guard bytes.count - offset >= length else { throw .truncated }
            defer { offset += length }
            guard kind == Self.internet else { continue }
            guard let content = try Self.content(type, bytes, offset..<offset + length) else { continue }
            records.append(Record(name: name, content: content, seconds: seconds))
        }
    }

    private static func content(
        _ type: UInt16,
        _ bytes: [UInt8],
        _ range: Range<Int>
    ) throws(DNSError) -> Record.Content? {
        var place = range.lowerBound
        switch type {
        case pointerType:
            let target = try DomainName(reading: bytes, at: &place)
            guard place == range.upperBound else { throw .truncated }
            return .pointer(target)
        case textType:
            var texts: [[UInt8]] = []
            while place < range.upperBound {
                let length = Int(bytes[place])
                guard range.upperBound - place > length else { throw .truncated }
                if texts.count < textCountMax { texts.append(Array(bytes[place + 1..<place + 1 + length])) }
                place += length + 1
            }
            return .texts(texts)
        default:
            return nil
        }
    }

    // MARK: Writing

    /// The datagram, with names written out: compression would save some bytes of few messages.
    ///
    /// Pointers stand as answers and all else as additional records, where some look for it alone (libp2p/specs, discovery/mdns,
    /// "Response").
    public var encoded: [UInt8] {
        precondition(questions.count <= Self.questionCountMax && records.count <= Self.recordCountMax)
        let answers = records.filter { if case .pointer = $0.content { true } else { false } }
        let additional = records.filter { if case .pointer = $0.content { false } else { true } }
        // The identifier is zero; an answer is authoritative (RFC 6762, 18.1 to 18.4).
        var bytes: [UInt8] = [0, 0, isResponse ? 0x84 : 0, 0]
        bytes += Self.bytes(UInt16(questions.count)) + Self.bytes(UInt16(answers.count))
        bytes += [0, 0] + Self.bytes(UInt16(additional.count))
        for question in questions {
            bytes += question.name.encoded + Self.bytes(question.type) + Self.bytes(Self.internet)
        }
        for record in answers + additional {
            let (type, data) = Self.typeAndData(of: record.content)
            bytes += record.name.encoded + Self.bytes(type) + Self.bytes(Self.internet)
            bytes += Self.bytes(UInt16(record.seconds >> 16)) + Self.bytes(UInt16(record.seconds & 0xffff))
            bytes += Self.bytes(UInt16(data.count)) + data
        }
        return bytes
    }

    private static func typeAndData(of content: Record.Content) -> (type: UInt16, data: [UInt8]) {
        switch content {
        case .pointer(let target): (pointerType, target.encoded)
        case .texts(let texts): (textType, texts.flatMap { [UInt8($0.count)] + $0 })
        // Nobody has several of one service, so priority and weight say nothing.
        case .service(let port, let host): (serviceType, [0, 0, 0, 0] + bytes(port) + host.encoded)
        case .address(let address): (address.isIPv4 ? addressTypes.v4 : addressTypes.v6, Array(address.bytes))
        }
    }

    private static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xff)] }
}
