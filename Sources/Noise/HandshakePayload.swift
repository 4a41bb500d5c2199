package import Primitives

/// What libp2p puts into the second and third message: who is speaking, proof of it, and early data.
///
/// `NoiseHandshakePayload {1: identity_key, 2: identity_sig, 4: extensions {2: stream_muxers…}}`; other fields are skipped.
/// Source: libp2p/specs, noise, "The libp2p Signed Handshake Payload" and "Noise Extensions".
package struct HandshakePayload: Hashable, Sendable {
    /// Nobody needs more: ours has 104 bytes without muxers; an RSA key of 2048 bits, which we refuse, would fit.
    package static let byteCountMax = 1024

    /// The libp2p public key message, not yet parsed.
    package var identityKey: [UInt8]
    /// The identity key's signature over `signedBytes(staticKey:)`.
    package var identitySignature: [UInt8]
    /// The stream muxers that the sender offers, the preferred one first; empty without the extension.
    package var muxers: [String]

    package init(identityKey: [UInt8], identitySignature: [UInt8], muxers: [String]) {
        self.identityKey = identityKey
        self.identitySignature = identitySignature
        self.muxers = muxers
    }

    package static func signedBytes(staticKey: [UInt8]) -> [UInt8] {
        Array("noise-libp2p-static-key:".utf8) + staticKey
    }

    package var encoded: [UInt8] {
        var writer = ProtobufWriter()
        writer.bytes(1, identityKey)
        writer.bytes(2, identitySignature)
        if !muxers.isEmpty {
            writer.message(4) { extensions in
                for muxer in muxers { extensions.text(2, muxer) }
            }
        }
        return writer.bytes
    }

    package init(parsing source: Span<UInt8>) throws(ProtobufError) {
        var (key, signature): ([UInt8]?, [UInt8]?)
        var muxers: [String] = []
        var reader = ProtobufReader(source)
        while let field = try reader.next() {
            switch field.number {
            case 1: key = try field.bytes(of: source, byteCountMax: Self.byteCountMax)
            case 2: signature = try field.bytes(of: source, byteCountMax: Self.byteCountMax)
            case 4:
                let range = try field.range(byteCountMax: Self.byteCountMax)
                muxers += try Self.muxers(parsing: source.extracting(range))
            default: continue
            }
        }
        guard let key else { throw .missing(field: 1) }
        guard let signature else { throw .missing(field: 2) }
        self.init(identityKey: key, identitySignature: signature, muxers: muxers)
    }

    private static func muxers(parsing extensions: Span<UInt8>) throws(ProtobufError) -> [String] {
        var muxers: [String] = []
        var reader = ProtobufReader(extensions)
        while let field = try reader.next() {
            guard field.number == 2 else { continue }
            muxers.append(try field.text(of: extensions, byteCountMax: byteCountMax))
        }
        return muxers
    }
}
