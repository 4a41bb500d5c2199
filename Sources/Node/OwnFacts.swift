internal import Cryptography
internal import Market
internal import Primitives

/// The small things that a node must remember about itself, by the names under which its store keeps them.
struct OwnFacts: Sendable {
    static let reservedSequenceName = "sequence-reserved"
    static let hostName = "host-id"
    private static let saltName = "device-salt"
    private static let sealingSecretName = "sealing-secret"

    let reservedSequence: UInt64
    let secrets: DeskSecrets
    /// Opens what bidders seal to the desk's sealing key; 32 bytes.
    let sealingSecret: [UInt8]
    /// Facts that were drawn just now and must be written.
    private(set) var fresh: [(name: String, value: [UInt8])] = []

    /// Reads what was stored and draws what is missing.
    init(_ stored: [(name: String, value: [UInt8])], random: inout SeededRandom) {
        var drawn: [(name: String, value: [UInt8])] = []
        func secret(_ name: String) -> [UInt8] {
            if let known = stored.first(where: { $0.name == name })?.value, known.count == 32 { return known }
            let value = random.bytes(32)
            drawn.append((name, value))
            return value
        }
        let salt = secret(Self.saltName)
        sealingSecret = secret(Self.sealingSecretName)
        let sealing = X25519.KeyPair(secret: sealingSecret)
        secrets = DeskSecrets(salt: salt, sealingKey: sealing.publicKey)
        reservedSequence = Self.number(stored.first { $0.name == Self.reservedSequenceName }?.value ?? [])
        fresh = drawn
    }

    static func bytes(_ number: UInt64) -> [UInt8] {
        stride(from: UInt64(56), through: 0, by: -8).map { UInt8(truncatingIfNeeded: number >> $0) }
    }

    private static func number(_ bytes: [UInt8]) -> UInt64 {
        bytes.count == 8 ? bytes.reduce(0) { $0 << 8 | UInt64($1) } : 0
    }
}
