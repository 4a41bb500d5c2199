import Primitives

/// The twelve bytes in front of every frame, big-endian.
///
/// Source: libp2p/specs, yamux/README.md, "Framing".
///
/// ```
/// version 1 | type 1 | flags 2 | stream 4 | length 4
/// ```
struct YamuxHeader: Hashable, Sendable {
    static let byteCount = 12
    static let version: UInt8 = 0

    enum Kind: UInt8, Sendable {
        /// `length` bytes of payload follow.
        case data
        /// `length` is credit.
        case windowUpdate
        /// `length` is an opaque value.
        case ping
        /// `length` is a reason.
        case goAway
    }

    struct Flags: OptionSet, Hashable, Sendable {
        let rawValue: UInt16

        static let syn = Flags(rawValue: 1)
        static let ack = Flags(rawValue: 2)
        static let fin = Flags(rawValue: 4)
        static let rst = Flags(rawValue: 8)
        static let all: Flags = [.syn, .ack, .fin, .rst]
    }

    let kind: Kind
    let flags: Flags
    let stream: YamuxStreamID
    let length: WireInteger<UInt32>

    init(_ kind: Kind, _ flags: Flags, stream: YamuxStreamID, length: UInt32) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.length = WireInteger(length)
    }

    /// Reads a header; `source` must have exactly its twelve bytes.
    init(parsing source: borrowing Span<UInt8>) throws(YamuxProtocolError) {
        precondition(source.count == Self.byteCount)
        guard source[0] == Self.version else { throw .version(source[0]) }
        guard let kind = Kind(rawValue: source[1]) else { throw .frameType(source[1]) }
        let flags = Flags(rawValue: UInt16(source[2]) << 8 | UInt16(source[3]))
        guard Flags.all.isSuperset(of: flags) else { throw .flags(flags.rawValue) }
        let stream = Self.word(source, at: 4)
        switch kind {
        case .data, .windowUpdate: guard stream != 0 else { throw .streamNotAllowed(stream) }
        case .ping, .goAway: guard stream == 0 else { throw .streamNotAllowed(stream) }
        }
        self.init(kind, flags, stream: YamuxStreamID(rawValue: stream), length: Self.word(source, at: 8))
    }

    func append(to bytes: inout [UInt8]) {
        bytes.append(Self.version)
        bytes.append(kind.rawValue)
        bytes.append(UInt8(flags.rawValue >> 8))
        bytes.append(UInt8(flags.rawValue & 0xff))
        for word in [stream.rawValue, length.opaque] {
            for shift in stride(from: UInt32(24), through: 0, by: -8) { bytes.append(UInt8(word >> shift & 0xff)) }
        }
    }

    private static func word(_ source: borrowing Span<UInt8>, at offset: Int) -> UInt32 {
        var word: UInt32 = 0
        for index in 0..<4 { word = word << 8 | UInt32(source[offset + index]) }
        return word
    }
}
