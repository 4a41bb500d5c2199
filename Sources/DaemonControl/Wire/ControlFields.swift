internal import Gossipsub
internal import Identity
internal import Primitives

/// The fields of one message of the control protocol by their numbers: its messages are small, and no two fields of one share a
/// number.
struct ControlFields {
    /// Entries of one message, repeated ones included: a request names protocols and addresses by the handful.
    static let countMax = 4096

    private let source: [UInt8]
    private var fields: [ProtobufField] = []

    init(_ source: [UInt8]) throws(ControlError) {
        self.source = source
        do throws(ProtobufError) {
            var reader = ProtobufReader(source.span)
            while let field = try reader.next() {
                guard fields.count < Self.countMax else { throw .outOfBounds(field: field.number) }
                fields.append(field)
            }
        } catch {
            throw .malformed
        }
    }

    func number(_ field: Int) -> UInt64? {
        for candidate in fields.reversed() where candidate.number == field {
            if case .varint(let value) = candidate.value { return value }
        }
        return nil
    }

    func bytes(_ field: Int) -> [UInt8]? {
        for candidate in fields.reversed() where candidate.number == field {
            if case .bytes(let range) = candidate.value { return Array(source[range]) }
        }
        return nil
    }

    func list(_ field: Int) -> [[UInt8]] {
        fields.compactMap { candidate in
            guard candidate.number == field, case .bytes(let range) = candidate.value else { return nil }
            return Array(source[range])
        }
    }

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
