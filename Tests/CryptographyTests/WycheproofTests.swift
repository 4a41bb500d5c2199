import Testing

@testable import Cryptography

@Suite struct `Wycheproof cases` {
    @Test func `X25519 computes every secret and refuses the all-zero ones`() throws {
        let cases: [Wycheproof.Agreement] = try Wycheproof.cases("x25519")
        var refusedCount = 0
        for agreement in cases {
            let keys = X25519.KeyPair(secret: hex(agreement.private))
            let shared = keys.sharedSecret(with: hex(agreement.public))
            if agreement.flags.contains("ZeroSharedSecret") {
                #expect(shared == nil, "case \(agreement.id)")
                refusedCount += 1
            } else {
                // "Acceptable" cases (the twist, non-canonical coordinates) are computed as RFC 7748 §5 defines them.
                #expect(shared == hex(agreement.shared), "case \(agreement.id)")
            }
        }
        #expect(cases.count == 518)
        #expect(refusedCount == 31)
    }

    @Test func `Ed25519 accepts the valid signatures alone`() throws {
        let cases: [Wycheproof.Signature] = try Wycheproof.cases("ed25519")
        for signature in cases {
            let key = try #require(Ed25519.PublicKey(hex(signature.key)))
            let isValid = key.verifies(signature: hex(signature.sig), of: hex(signature.msg))
            #expect(isValid == (signature.result == .valid), "case \(signature.id)")
        }
        #expect(cases.count == 151)
        #expect(cases.count { $0.result == .acceptable } == 0)
    }

    @Test func `ChaCha20-Poly1305 seals to the same bytes and opens nothing that was changed`() throws {
        let cases: [Wycheproof.Sealing] = try Wycheproof.cases("chacha20_poly1305")
        // Nonces of other lengths cannot be expressed: the counter is 64 bits.
        let expressible = cases.filter { $0.iv.count == 2 * ChaChaPoly.nonceByteCount }
        for sealing in expressible {
            let cipher = ChaChaPoly(key: hex(sealing.key))
            let (nonce, data, message) = (hex(sealing.iv), hex(sealing.aad), hex(sealing.msg))
            let ciphertext = hex(sealing.ct) + hex(sealing.tag)
            var opened: [UInt8] = []
            let isOpen = cipher.open(ciphertext.span, nonce: nonce, associatedData: data, into: &opened)
            #expect(isOpen == (sealing.result == .valid), "case \(sealing.id)")
            #expect(opened == (isOpen ? message : []), "case \(sealing.id)")
            var sealed: [UInt8] = []
            cipher.seal(message.span, nonce: nonce, associatedData: data, into: &sealed)
            #expect((sealed == ciphertext) == (sealing.result == .valid), "case \(sealing.id)")
        }
        #expect(expressible.count == 316)
    }

    @Test func `HKDF derives every output that is not too long`() throws {
        let cases: [Wycheproof.Derivation] = try Wycheproof.cases("hkdf_sha256")
        // Longer outputs are a mistake of our own and stop the process.
        let allowed = cases.filter { $0.size <= 255 * SHA256.byteCount }
        for derivation in allowed {
            let derived = HKDFSHA256.derive(
                keyMaterial: hex(derivation.ikm),
                salt: hex(derivation.salt),
                info: hex(derivation.info),
                byteCount: derivation.size
            )
            #expect(derived == hex(derivation.okm), "case \(derivation.id)")
        }
        #expect(allowed.count == 83)
        #expect(allowed.allSatisfy { $0.result == .valid })
    }
}
