import Primitives
import Testing

@testable import Identity

@Suite struct `Texts of bytes` {
    /// draft-msporny-base58 §5, and leading zeros as in multiformats/multibase `tests/leading_zero.csv`.
    @Test(arguments: [
        ("Hello World!", "2NEpo7TZRRrLZSi2U"),
        (
            "The quick brown fox jumps over the lazy dog.",
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z"
        ),
        ("\0yes mani !", "17paNL19xttacUY"),
        ("\0\0yes mani !", "117paNL19xttacUY"),
        ("", ""),
    ])
    func `base58 of the drafts goes both ways`(_ words: String, _ text: String) {
        #expect(Base58.text(Array(words.utf8)) == text)
        #expect(Base58.bytes(text) == Array(words.utf8))
    }

    @Test(arguments: ["0", "O", "I", "l", "2NEpo 7", "é", "2NEpo7TZRRrLZSi2U\n"])
    func `a letter that base58 leaves out is refused`(_ text: String) {
        #expect(Base58.bytes(text) == nil)
    }

    @Test func `a number of more than 128 bytes is refused`() {
        let longest = [UInt8](repeating: 0xff, count: 128)
        #expect(Base58.bytes(Base58.text(longest)) == longest)
        #expect(Base58.bytes(String(repeating: "z", count: 180)) == nil)
        #expect(Base58.bytes(String(repeating: "1", count: 129)) == nil)
        #expect(Base58.bytes(String(repeating: "1", count: 100_000)) == nil)
    }

    /// multiformats/multibase `tests/basic.csv` and `tests/leading_zero.csv`.
    @Test(arguments: [
        ("yes mani !", "f796573206d616e692021"), ("yes mani !", "bpfsxgidnmfxgsibb"),
        ("yes mani !", "k2lcpzo5yikidynfl"),
        ("yes mani !", "z7paNL19xttacUY"), ("yes mani !", "ueWVzIG1hbmkgIQ"),
        ("\0yes mani !", "f00796573206d616e692021"), ("\0yes mani !", "bab4wk4zanvqw42jaee"),
        ("\0yes mani !", "k02lcpzo5yikidynfl"),
        ("\0yes mani !", "z17paNL19xttacUY"), ("\0yes mani !", "uAHllcyBtYW5pICE"),
    ])
    func `multibase reads the public cases`(_ words: String, _ text: String) {
        #expect(Multibase.bytes(text.utf8) == Array(words.utf8))
    }

    @Test(arguments: [
        "", "x00", "f0", "fF0", "bA", "bab4wk4zanvqw42jaef", "bpfsxgidnmfxgsibba", "ueWVzIG1hbmkgIR",
        "ueWVzIG1hbmkgIQ==",
    ])
    func `a text that nobody would write is refused`(_ text: String) {
        #expect(Multibase.bytes(text.utf8) == nil)
    }

    @Test(arguments: [1, 2, 3] as [UInt8])
    func `random bytes come back from every base`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<60 {
            let bytes = random.bytes(random.below(60)).map { $0 < 80 ? 0 : $0 }
            for base in [PositionalBase.base58, .base36] { #expect(base.bytes(base.text(bytes).utf8) == bytes) }
            for base in [BitwiseBase.base16, .base32, .base64url] {
                #expect(base.bytes(base.text(bytes).utf8) == bytes)
            }
        }
    }

    @Test(arguments: [4, 5, 6] as [UInt8])
    func `a text that is read is the one that is written`(_ seed: UInt8) {
        var random = SeededRandom(seed: [UInt8](repeating: seed, count: 32))
        for _ in 0..<1500 {
            let text = random.bytes(random.below(12)).map { $0 & 0x7f }
            for base in [PositionalBase.base58, .base36] {
                if let bytes = base.bytes(text) { #expect(Array(base.text(bytes).utf8) == text) }
            }
            for base in [BitwiseBase.base16, .base32, .base64url] {
                if let bytes = base.bytes(text) { #expect(Array(base.text(bytes).utf8) == text) }
            }
        }
    }
}
