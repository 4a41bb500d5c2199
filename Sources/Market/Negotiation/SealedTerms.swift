public import Cryptography
internal import Primitives

/// What a renter wants run: known to the two parties alone, sealed on the stream, and bound to one bid.
public struct LeaseTerms: Hashable, Sendable {
    public enum Bounds {
        public static let imageByteCountMax = 256
        public static let commandCountMax = 64
        public static let environmentCountMax = 64
        public static let portCountMax = 32
        public static let keyCountMax = 8
        public static let textByteCountMax = 1_024
        /// All of it, so that a message with it stays small.
        public static let byteCountMax = 16 * 1024
        /// The terms in their box: who they are for, padding, and the box's own bytes.
        public static let sealedByteCountMax = byteCountMax + 1_024
        public static let saltByteCount = 32
    }

    public var image: String
    public var command: [String]
    /// `NAME=value`.
    public var environment: [String]
    public var ports: [Int]
    /// OpenSSH public keys.
    public var accessKeys: [String]

    public init(
        image: String,
        command: [String] = [],
        environment: [String] = [],
        ports: [Int] = [],
        accessKeys: [String] = []
    ) {
        self.image = image
        self.command = command
        self.environment = environment
        self.ports = ports
        self.accessKeys = accessKeys
    }

    /// Whether every part, and all of it, keeps its bound.
    public var isWithinBounds: Bool {
        let texts = command + environment + accessKeys
        return image.utf8.count <= Bounds.imageByteCountMax && RecordText.isPlain(image)
            && command.count <= Bounds.commandCountMax
            && environment.count <= Bounds.environmentCountMax && ports.count <= Bounds.portCountMax
            && accessKeys.count <= Bounds.keyCountMax && ports.allSatisfy((1...65_535).contains)
            && texts.allSatisfy { $0.utf8.count <= Bounds.textByteCountMax } && encoded.count <= Bounds.byteCountMax
    }

    /// The encoding that is hashed and sealed.
    var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.text(1, image)
        for word in command { writer.requiredBytes(2, Array(word.utf8)) }
        for variable in environment { writer.requiredBytes(3, Array(variable.utf8)) }
        writer.packedVarints(4, ports.map { UInt64($0) })
        for key in accessKeys { writer.requiredBytes(5, Array(key.utf8)) }
        return writer.bytes
    }

    init(parsing bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes, fieldCountMax: 256)
        func texts(_ number: Int, _ name: String, _ count: Int) throws(RecordError) -> [String] {
            var texts: [String] = []
            for bytes in try message.repeated(number, name, countMax: count, max: Bounds.textByteCountMax) {
                guard let text = String(validating: bytes, as: UTF8.self) else { throw .text(name) }
                texts.append(text)
            }
            return texts
        }
        var ports: [Int] = []
        for port in try message.packed(4, "terms.ports", countMax: Bounds.portCountMax) {
            guard let port = port.int(in: 1...65_535) else { throw .outOfBounds("terms.ports") }
            ports.append(port)
        }
        self.init(
            image: try message.text(1, "terms.image", max: Bounds.imageByteCountMax),
            command: try texts(2, "terms.command", Bounds.commandCountMax),
            environment: try texts(3, "terms.environment", Bounds.environmentCountMax),
            ports: ports,
            accessKeys: try texts(5, "terms.access_keys", Bounds.keyCountMax)
        )
        guard isWithinBounds, encoded == bytes else { throw .notCanonical }
    }

    /// What a bid commits to: SHA-256 over a salt of 32 bytes and the terms.
    public func hash(salt: [UInt8]) -> [UInt8] { SHA256.hash(salt + encoded) }

    /// Seals the terms for the owner of an X25519 key, padded to a multiple of 256 bytes; `nil` if they pass their bounds or
    /// the key is none.
    ///
    /// `ephemeralSecret` is 32 bytes, drawn for this box alone.
    public func sealed(
        bid: BidID,
        from bidder: Ed25519.PublicKey,
        to recipient: Ed25519.PublicKey,
        sealingKey: [UInt8],
        salt: [UInt8],
        ephemeralSecret: [UInt8]
    ) -> [UInt8]? {
        guard isWithinBounds, salt.count == Bounds.saltByteCount else { return nil }
        var plain = LengthPrefixedFrames.framed(bid.bytes + bidder.bytes + recipient.bytes + salt + encoded)
        plain += [UInt8](repeating: 0, count: (256 - plain.count % 256) % 256)
        return SealedBox.seal(plain, to: sealingKey, ephemeralSecret: ephemeralSecret)
    }

    /// Opens sealed terms; `nil` unless they were sealed for this bid between these two and are what the bid committed to.
    public static func opened(
        _ box: [UInt8],
        bid: BidID,
        from bidder: Ed25519.PublicKey,
        to recipient: Ed25519.PublicKey,
        hash: [UInt8],
        secret: [UInt8]
    ) -> LeaseTerms? {
        guard box.count <= Bounds.sealedByteCountMax, let plain = SealedBox.open(box, secret: secret) else {
            return nil
        }
        var frames = LengthPrefixedFrames(byteCountMax: Bounds.byteCountMax + 512)
        frames.append(plain)
        guard let inner = try? frames.next() else { return nil }
        let head = bid.bytes + bidder.bytes + recipient.bytes
        guard inner.count >= head.count + Bounds.saltByteCount, inner.starts(with: head),
            frames.takePending().allSatisfy({ $0 == 0 })
        else { return nil }
        let salt = Array(inner[head.count..<head.count + Bounds.saltByteCount])
        let encoded = Array(inner[(head.count + Bounds.saltByteCount)...])
        guard SHA256.hash(salt + encoded) == hash else { return nil }
        return try? LeaseTerms(parsing: encoded)
    }
}
