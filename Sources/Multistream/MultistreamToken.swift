internal import Primitives

/// One word of the negotiation on the wire: a varint length that counts the newline, the word, a newline.
///
/// Words are compared as bytes, never as `String`: Swift's strings are equal when they are canonically equivalent, a protocol
/// name is equal when its bytes are. Source: libp2p/specs, connections, "multistream-select".
public enum MultistreamToken {
    /// The longest word with its newline.
    ///
    /// The specification names no limit; 1 KiB is what go accepts.
    public static let byteCountMax = 1024 + 1

    static let header = Array("/multistream/1.0.0".utf8)
    static let notAvailable = Array("na".utf8)
    private static let newline = UInt8(ascii: "\n")

    /// Whether a protocol's name can be said in one word.
    public static func canCarry(_ name: String) -> Bool {
        let bytes = name.utf8
        return (1..<byteCountMax).contains(bytes.count) && !bytes.contains(newline)
    }

    static func append(_ word: some Collection<UInt8>, to bytes: inout [UInt8]) {
        UnsignedVarint.append(word.count + 1, to: &bytes)
        bytes += word
        bytes.append(newline)
    }

    /// The word of a token whose length prefix is already gone.
    static func word(of token: [UInt8]) throws(MultistreamFailure) -> ArraySlice<UInt8> {
        guard token.last == newline else { throw .missingNewline }
        return token.dropLast()
    }
}
