public import Cryptography
internal import Identity

/// Signatures on what two parties say to each other: worthless as records, as records' are worthless here.
public enum StreamSignature {
    public static let domain = "rialto-stream"

    public static func signedBytes(payloadType: [UInt8], payload: [UInt8]) -> [UInt8] {
        SignedEnvelope.signedBytes(domain: domain, payloadType: payloadType, payload: payload)
    }

    public static func sign(payloadType: [UInt8], payload: [UInt8], by key: Ed25519.PrivateKey) -> [UInt8] {
        key.signature(of: signedBytes(payloadType: payloadType, payload: payload))
    }

    public static func check(
        payloadType: [UInt8],
        payload: [UInt8],
        signature: [UInt8],
        by key: Ed25519.PublicKey
    ) -> SignatureCheck {
        SignatureCheck(
            key: key,
            message: signedBytes(payloadType: payloadType, payload: payload),
            signature: signature
        )
    }
}
