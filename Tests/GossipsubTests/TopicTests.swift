import Testing

@testable import Gossipsub

@Suite struct `Topic names` {
    @Test func `hold one to 128 bytes of text`() {
        #expect(Topic(String(repeating: "t", count: 128)) != nil)
        #expect(Topic(String(repeating: "t", count: 129)) == nil)
        #expect(Topic(String("")) == nil)
        #expect(Topic(utf8: [0xff]) == nil)
    }
}
