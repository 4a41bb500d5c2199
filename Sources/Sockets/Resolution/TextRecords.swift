internal import Swarm

/// The TXT records of a DNS answer (RFC 1035 §4.1).
///
/// A peer may own the name's server: nothing in the packet is believed.
enum TextRecords {
    /// A character string has at most 255 bytes; a record longer than this is no address.
    static let byteCountMax = 1024

    enum Failure: Error, Equatable {
        case malformed
        /// The server's response code, 3 if the name does not exist.
        case refused(code: UInt8)
    }

    /// The texts, in the packet's order, at most `NameAnswer.countMax`; records that are too long or no UTF-8 are left out.
    static func parse(_ packet: [UInt8]) throws(Failure) -> [String] {
        var reader = Reader(packet: packet)
        _ = try reader.uint16()
        let flags = try reader.uint16()
        guard flags & 0x8000 != 0 else { throw .malformed }
        let code = UInt8(truncatingIfNeeded: flags & 0xF)
        guard code == 0 else { throw .refused(code: code) }
        let questionCount = try reader.uint16()
        let answerCount = try reader.uint16()
        try reader.skip(4)
        for _ in 0..<questionCount {
            try reader.skipName()
            try reader.skip(4)
        }
        var texts: [String] = []
        for _ in 0..<answerCount where texts.count < NameAnswer.countMax {
            try reader.skipName()
            let kind = try reader.uint16()
            let namespace = try reader.uint16()
            try reader.skip(4)
            let data = try reader.bytes(Int(try reader.uint16()))
            guard kind == 16, namespace == 1 else { continue }
            if let text = try text(data) { texts.append(text) }
        }
        return texts
    }

    /// A record is one or more character strings, which belong together (RFC 1464, dnsaddr).
    private static func text(_ data: ArraySlice<UInt8>) throws(Failure) -> String? {
        var joined: [UInt8] = []
        var rest = data
        while let count = rest.popFirst() {
            guard rest.count >= Int(count) else { throw .malformed }
            joined += rest.prefix(Int(count))
            rest = rest.dropFirst(Int(count))
        }
        guard joined.count <= byteCountMax else { return nil }
        return String(validating: joined, as: UTF8.self)
    }

    /// Walks the packet; every step checks what is left.
    private struct Reader {
        var rest: ArraySlice<UInt8>

        init(packet: [UInt8]) {
            rest = packet[...]
        }

        mutating func bytes(_ count: Int) throws(Failure) -> ArraySlice<UInt8> {
            guard rest.count >= count else { throw .malformed }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }

        mutating func skip(_ count: Int) throws(Failure) {
            _ = try bytes(count)
        }

        mutating func uint16() throws(Failure) -> UInt16 {
            try bytes(2).reduce(0) { $0 << 8 | UInt16($1) }
        }

        /// A name is labels up to the empty one, or up to a pointer, which ends it; where it points does not matter here.
        mutating func skipName() throws(Failure) {
            while true {
                let length = try bytes(1).first ?? 0
                switch length {
                case 0: return
                case 1...63: try skip(Int(length))
                case 0xC0...: return try skip(1)
                default: throw .malformed
                }
            }
        }
    }
}
