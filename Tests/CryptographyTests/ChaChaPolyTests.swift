import Primitives
import Testing

@testable import Cryptography

@Suite struct `ChaCha20-Poly1305` {
    /// RFC 8439 §2.8.2.
    private let key = Array(UInt8(0x80)...0x9f)
    private let nonce = hex("07000000 4041424344454647")
    private let associatedData = hex("50515253c0c1c2c3c4c5c6c7")
    private let plaintext = Array(
        """
        Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.
        """.utf8
    )
    private let ciphertext = hex(
        """
        d31a8d34648e60db7b86afbc53ef7ec2 a4aded51296e08fea9e2b5a736ee62d6
        3dbea45e8ca9671282fafb69da92728b 1a71de0a9e060b2905d6a5b67ecd3b36
        92ddbd7f2d778b8c9803aee328091b58 fab324e4fad675945585808b4831d7bc
        3ff4def08e4b7a9de576d26586cec64b 6116 1ae10b594f09e26a7e902ecbd0600691
        """
    )

    @Test func `the vector of RFC 8439 seals and opens`() {
        var (sealed, opened): ([UInt8], [UInt8]) = ([], [])
        let cipher = ChaChaPoly(key: key)
        cipher.seal(plaintext.span, nonce: nonce, associatedData: associatedData, into: &sealed)
        #expect(sealed == ciphertext)
        let isOpen = cipher.open(ciphertext.span, nonce: nonce, associatedData: associatedData, into: &opened)
        #expect(isOpen)
        #expect(opened == plaintext)
    }

    @Test func `every flipped bit of ciphertext and tag is found, and nothing comes out`() {
        let cipher = ChaChaPoly(key: key)
        for bit in 0..<ciphertext.count * 8 {
            var forged = ciphertext
            forged[bit / 8] ^= 1 << UInt8(bit % 8)
            var output: [UInt8] = [42]
            let isOpen = cipher.open(forged.span, nonce: nonce, associatedData: associatedData, into: &output)
            #expect(!isOpen, "bit \(bit)")
            #expect(output == [42])
        }
    }

    @Test func `other associated data, another counter, another key do not open`() {
        let cipher = ChaChaPoly(key: key)
        var sealed: [UInt8] = []
        cipher.seal(plaintext.span, counter: 5, associatedData: [1], into: &sealed)
        var output: [UInt8] = []
        let other = ChaChaPoly(key: [UInt8](repeating: 1, count: 32))
        #expect(!cipher.open(sealed.span, counter: 5, associatedData: [2], into: &output))
        #expect(!cipher.open(sealed.span, counter: 6, associatedData: [1], into: &output))
        #expect(!other.open(sealed.span, counter: 5, associatedData: [1], into: &output))
        #expect(output.isEmpty)
        #expect(cipher.open(sealed.span, counter: 5, associatedData: [1], into: &output))
        #expect(output == plaintext)
    }

    /// Noise, §12.3: 32 zero bits, then the counter in little-endian order.
    @Test func `a counter stands little-endian behind four zero bytes`() {
        let cipher = ChaChaPoly(key: key)
        var (byCounter, byNonce): ([UInt8], [UInt8]) = ([], [])
        cipher.seal(plaintext.span, counter: 0x0102_0304_0506_0708, into: &byCounter)
        cipher.seal(plaintext.span, nonce: hex("00000000 0807060504030201"), associatedData: [], into: &byNonce)
        #expect(byCounter == byNonce)
    }

    @Test(arguments: [0, 1, 15])
    func `less than a tag does not open`(_ count: Int) {
        var output: [UInt8] = []
        #expect(!ChaChaPoly(key: key).open([UInt8](repeating: 0, count: count).span, counter: 0, into: &output))
    }

    @Test(arguments: [0, 1, 15, 16, 17, 63, 64, 65, 65_519])
    func `a message of any length is appended and comes back`(_ count: Int) {
        var random = SeededRandom(seed: [UInt8](repeating: 4, count: 32))
        let cipher = ChaChaPoly(key: random.bytes(32))
        let message = random.bytes(count)
        var (sealed, opened): ([UInt8], [UInt8]) = ([1, 2], [3])
        cipher.seal(message.span, counter: .max, into: &sealed)
        #expect(sealed.count == 2 + count + ChaChaPoly.tagByteCount)
        #expect(sealed.prefix(2) == [1, 2])
        #expect(cipher.open(sealed.span.extracting(2...), counter: .max, into: &opened))
        #expect(opened == [3] + message)
    }
}
