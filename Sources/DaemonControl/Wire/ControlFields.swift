internal import Gossipsub
internal import Identity
internal import Primitives

/// The fields of one message of the control protocol by their numbers: its messages are small, and no two fields of one share a
/// number.
struct ControlFields {
    /// Entries of one message, repeated ones included: a request names protocols and addresses by the handful.
    static let countMax = 4096

    private var numbers: [Int: UInt64] = [:]
    private var strings: [Int: [[UInt8]]] = [:]

    init(_ source: Span<UInt8>) throws(ControlError) {
        do throws(ProtobufError) {
            try read(source)
        } catch {
            throw .malformed
        }
    }

    init(_ bytes: [UInt8]) throws(ControlError) {
        try self.init(bytes.span)
    }

    private mutating func read(_ source: Span<UInt8>) throws(ProtobufError) {
        var reader = ProtobufReader(source)
        var count = 0
        while let field = try reader.next() {
            count += 1
            guard count <= Self.countMax else { throw .outOfBounds(field: field.number) }
            switch field.value {
            case .varint(let value): numbers[field.number] = value
            case .bytes(let range):
                strings[field.number, default: []].append(Array(copying: source.extracting(range)))
            case .fixed32, .fixed64: break
            }
        }
    }

    func number(_ field: Int) -> UInt64? { numbers[field] }

    func bytes(_ field: Int) -> [UInt8]? { strings[field]?.last }

    func list(_ field: Int) -> [[UInt8]] { strings[field] ?? [] }

    func text(_ field: Int) throws(ControlError) -> String? {
        guard let bytes = bytes(field) else { return nil }
        return try Self.text(bytes)
    }

    func texts(_ field: Int) throws(ControlError) -> [String] {
        var texts: [String] = []
        for bytes in list(field) { texts.append(try Self.text(bytes)) }
        return texts
    }

    /// The fields of a nested message; `nil` if it is not there.
    func message(_ field: Int) throws(ControlError) -> ControlFields? {
        guard let bytes = bytes(field) else { return nil }
        return try ControlFields(bytes)
    }

    func peer(_ field: Int) throws(ControlError) -> PeerID {
        guard let bytes = bytes(field) else { throw .refused("the request names no peer") }
        do throws(PeerIDError) {
            return try PeerID(bytes: bytes)
        } catch {
            throw .refused("the peer id is malformed: \(error)")
        }
    }

    func addresses(_ field: Int) throws(ControlError) -> [Multiaddr] {
        var addresses: [Multiaddr] = []
        for bytes in list(field) {
            do throws(MultiaddrError) {
                addresses.append(try Multiaddr(bytes: bytes))
            } catch {
                throw .refused("an address is malformed: \(error)")
            }
        }
        return addresses
    }

    func topic(_ field: Int) throws(ControlError) -> Topic {
        guard let text = try text(field) else { throw .refused("the request names no topic") }
        guard let topic = Topic(text) else { throw .refused("a topic has 1 to \(Topic.byteCountMax) bytes") }
        return topic
    }

    private static func text(_ bytes: [UInt8]) throws(ControlError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw .malformed }
        return text
    }
}
