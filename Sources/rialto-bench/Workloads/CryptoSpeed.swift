import Cryptography

/// What libsodium does on this machine, on one core: the floor under every row that signs, verifies or encrypts.
struct CryptoSpeed {
    let verificationsPerSecond: Double
    let signaturesPerSecond: Double
    let agreementsPerSecond: Double
    let sealedMegabytesPerSecond: Double

    /// Measured once, when first asked for.
    static let measured = CryptoSpeed()

    private init() {
        let key = Ed25519.PrivateKey(seed: [UInt8](repeating: 7, count: 32))
        let message = [UInt8](repeating: 1, count: 640)
        let signature = key.signature(of: message)
        verificationsPerSecond = Self.rate { _ = key.publicKey.verifies(signature: signature, of: message) }
        signaturesPerSecond = Self.rate { _ = key.signature(of: message) }
        let pair = X25519.KeyPair(secret: [UInt8](repeating: 9, count: 32))
        agreementsPerSecond = Self.rate { _ = pair.sharedSecret(with: pair.publicKey) }
        let cipher = ChaChaPoly(key: [UInt8](repeating: 3, count: 32))
        let plaintext = [UInt8](repeating: 5, count: 64 << 10)
        var sealed: [UInt8] = []
        sealed.reserveCapacity(plaintext.count + ChaChaPoly.tagByteCount)
        let rate = Self.rate {
            sealed.removeAll(keepingCapacity: true)
            cipher.seal(plaintext.span, counter: 1, into: &sealed)
        }
        sealedMegabytesPerSecond = rate * Double(plaintext.count) / 1e6
    }

    /// One Noise XX handshake with identify, both ends one after the other: four agreements each (its own ephemeral key counts
    /// as one), and on each side the other's handshake signature and signed peer record.
    var handshakesPerSecond: Double {
        1 / (8 / agreementsPerSecond + 4 / verificationsPerSecond)
    }

    /// How often a second something can be done: the best of five times 50 ms.
    static func rate(_ work: () -> Void) -> Double {
        var best = 0.0
        for _ in 0..<5 {
            let (end, start) = (ContinuousClock.now + .milliseconds(50), ContinuousClock.now)
            var count = 0
            while ContinuousClock.now < end {
                for _ in 0..<16 { work() }
                count += 16
            }
            best = max(best, Double(count) / ((ContinuousClock.now - start) / .seconds(1)))
        }
        return best
    }
}
