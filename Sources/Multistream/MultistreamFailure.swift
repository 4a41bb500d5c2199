public import Primitives

/// Why a negotiation ended without a protocol; the stream or connection under it is then of no further use.
public enum MultistreamFailure: Error, Hashable, Sendable {
    /// A token's length is not a minimal varint.
    case malformedLength(UnsignedVarintError)
    /// A token is longer than `MultistreamToken.byteCountMax`.
    case tokenTooLong
    /// A token does not end in a newline.
    case missingNewline
    /// The first token of the peer is not the header.
    case wrongHeader
    /// The dialer named more unknown protocols than a listener answers.
    case tooManyProposals
    /// The listener refused everything that we proposed.
    case noCommonProtocol
    /// The listener answered with neither our proposal nor `na`.
    case unexpectedAnswer
}
