internal import Multistream
internal import Primitives
import Testing

@Suite struct `Multistream properties` {
    /// What a peer may say, whole, for each role.
    static let transcripts: [(role: MultistreamMachine.Role, bytes: [UInt8])] = [
        (.dialer(proposals: ["/a"], isLazy: true), wire(header, "/a") + [1, 2, 3]),
        (
            .dialer(proposals: ["/a", "/b"], isLazy: false),
            wire(header, "na", "/b") + Array(repeating: 0x0a, count: 40)
        ),
        (.dialer(proposals: ["/a", "/b"], isLazy: true), wire(header, "na", "na")),
        (.listener(supported: ["/a", "/b"]), wire(header, "/x", "ls", "/b") + wire(header)),
        (.listener(supported: ["/a"]), wire(header, "/x", "/y", "/z")),
    ]

    @Test(arguments: transcripts)
    func `bytes one by one give what the whole gives`(role: MultistreamMachine.Role, bytes: [UInt8]) {
        let whole = outputs(of: role, receiving: bytes) { $0 }
        #expect(whole.count > 1)
        #expect(outputs(of: role, receiving: bytes) { _ in 1 } == whole)
    }

    @Test(arguments: 0..<20)
    func `any split gives what the whole gives`(seed: UInt8) {
        var random = SeededRandom(seed)
        for (role, bytes) in Self.transcripts {
            let whole = outputs(of: role, receiving: bytes) { $0 }
            for _ in 0..<10 { #expect(outputs(of: role, receiving: bytes) { random.below($0) } == whole) }
        }
    }

    /// The agreement is the first of the dialer's names that the listener supports, however the bytes are cut.
    @Test(arguments: 0..<40)
    func `two machines agree on the dialer's first common name`(seed: UInt8) {
        var random = SeededRandom(seed)
        let names = ["/a", "/ab", "/b/1.0.0", "/na", "na", "ls", header]
        for _ in 0..<20 {
            let proposals = random.sample(Array(names.prefix(4)), 1 + random.below(4))
            let supported = random.sample(names, random.below(5))
            let isLazy = random.chance(1, in: 2)
            let ends = converse(
                .dialer(proposals: proposals, isLazy: isLazy),
                .listener(supported: supported),
                random: &random
            )
            if let common = proposals.first(where: supported.contains) {
                #expect(ends.dialer == .negotiated(protocolName: common, remainder: []))
                #expect(ends.listener == .negotiated(protocolName: common, remainder: []))
            } else {
                #expect(ends.dialer == .failed(.noCommonProtocol))
                #expect(ends.listener == nil)
            }
        }
    }

    /// Random bytes, truncated and flipped transcripts: never a trap, at most one end, nothing after it.
    @Test(arguments: 0..<20)
    func `no bytes trap it`(seed: UInt8) {
        var random = SeededRandom(seed)
        for (role, transcript) in Self.transcripts {
            for _ in 0..<40 {
                var bytes = transcript
                switch random.below(3) {
                case 0: bytes = random.bytes(random.below(200))
                case 1: bytes.removeLast(random.below(bytes.count))
                default: bytes[random.below(bytes.count)] ^= UInt8(1 + random.below(255))
                }
                let given = outputs(of: role, receiving: bytes) { random.below($0 + 1) }
                let ends = given.indices.filter { index in if case .send = given[index] { false } else { true } }
                #expect(ends.isEmpty || ends == [given.count - 1])
            }
        }
    }
}
