internal import Cryptography
internal import Identity
internal import Noise
internal import Primitives
import Testing

@Suite struct `Noise handshake` {
    var alice = Party(1)
    var bob = Party(2)

    @Test mutating func `authenticates both sides and makes keys that fit`() throws {
        var pair = Pair(
            initiator: alice.handshake(.initiator, expecting: bob.peer),
            responder: bob.handshake(.responder)
        )
        pair.run()
        let (outputs, others) = (pair.initiatorOutputs, pair.responderOutputs)
        let (mine, yours) = (try #require(outputs.session), try #require(others.session))
        #expect(mine.remotePeer == bob.peer && mine.remoteKey == bob.identity.publicKey)
        #expect(yours.remotePeer == alice.peer && yours.remoteKey == alice.identity.publicKey)
        #expect(mine.muxer == nil && yours.muxer == nil)
        #expect(mine.remainder == [] && yours.remainder == [])

        var (sending, receiving) = (mine.transport, yours.transport)
        var (wire, plaintext): ([UInt8], [UInt8]) = ([], [])
        try sending.seal([1, 2, 3], into: &wire)
        try receiving.receive(wire, into: &plaintext)
        #expect(plaintext == [1, 2, 3])
    }

    /// Sizes as captured from go and py peers, with the length of two bytes in front.
    @Test(arguments: [([], [34, 202, 170]), (["/yamux/1.0.0"], [34, 218, 186])])
    mutating func `messages are as long as those of other implementations`(muxers: [String], byteCounts: [Int]) {
        var pair = Pair(
            initiator: alice.handshake(.initiator, muxers: muxers),
            responder: bob.handshake(.responder, muxers: muxers)
        )
        pair.run()
        #expect(pair.sentByteCounts == byteCounts)
    }

    @Test(arguments: 0..<12)
    mutating func `messages may be split at any byte`(seed: UInt8) {
        var random = SeededRandom(seed)
        var pair = Pair(
            initiator: alice.handshake(.initiator, muxers: ["/a"]),
            responder: bob.handshake(.responder, muxers: ["/a"])
        )
        pair.run { $0.pieces(&random, pieceMax: seed == 0 ? 1 : 100) }
        #expect(pair.initiatorOutputs.session?.remotePeer == bob.peer)
        #expect(pair.responderOutputs.session?.remotePeer == alice.peer)
    }

    @Test mutating func `bytes behind the third message belong to the transport`() throws {
        var (initiator, responder) = (alice.handshake(.initiator), bob.handshake(.responder))
        _ = responder.start()
        let answer = responder.receive(initiator.start().sent).sent
        let outputs = initiator.receive(answer)
        var session = try #require(outputs.session)
        var wire = outputs.sent
        try session.transport.seal(Array("early".utf8), into: &wire)

        let ended = responder.receive(wire)
        var other = try #require(ended.session)
        #expect(other.remainder.count == 2 + 5 + 16)
        var plaintext: [UInt8] = []
        try other.transport.receive(other.remainder, into: &plaintext)
        #expect(plaintext == Array("early".utf8))
    }

    @Test mutating func `ignores what comes after the end`() {
        var responder = bob.handshake(.responder)
        _ = responder.start()
        #expect(responder.receive([0, 31]).failure == .messageLength(31))
        #expect(responder.receive(framed(alice.staticKeyPair.publicKey)).isEmpty)
    }
}

@Suite struct `Early muxer` {
    var alice = Party(3)
    var bob = Party(4)

    mutating func run(_ initiator: [String], _ responder: [String]) -> Pair {
        var pair = Pair(
            initiator: alice.handshake(.initiator, muxers: initiator),
            responder: bob.handshake(.responder, muxers: responder)
        )
        pair.run()
        return pair
    }

    @Test(arguments: [
        (["/a", "/b"], ["/b", "/a"], "/a"),
        (["/c", "/b", "/a"], ["/a", "/b"], "/b"),
        (["/a"], ["/b", "/a"], "/a"),
    ])
    mutating func `is the first of the initiator's that the responder lists too`(
        initiator: [String],
        responder: [String],
        chosen: String
    ) {
        let pair = run(initiator, responder)
        #expect(pair.initiatorOutputs.session?.muxer == chosen)
        #expect(pair.responderOutputs.session?.muxer == chosen)
    }

    @Test(arguments: [([], ["/a"]), (["/a"], []), ([], [])] as [([String], [String])])
    mutating func `is left to multistream when a side sends no list`(initiator: [String], responder: [String]) throws {
        let pair = run(initiator, responder)
        let (mine, yours) = (pair.initiatorOutputs.session, pair.responderOutputs.session)
        #expect(try #require(mine).muxer == nil)
        #expect(try #require(yours).muxer == nil)
    }

    @Test mutating func `fails the connection when the lists share nothing`() {
        let pair = run(["/a", "/b"], ["/c"])
        #expect(pair.initiatorOutputs.failure == .noCommonMuxer)
        #expect(pair.responderOutputs.endCount == 0)
    }

    /// The initiator of such a handshake does not check, as some implementations do not.
    @Test mutating func `fails at the responder too`() throws {
        var (initiator, responder) = (alice.bareHandshake(.initiator), bob.handshake(.responder, muxers: ["/c"]))
        _ = responder.start()
        let answer = responder.receive(framed(try initiator.writeMessage(payload: []))).sent
        _ = try initiator.readMessage(Array(answer.dropFirst(2)))
        let last = try initiator.writeMessage(payload: alice.payload(muxers: ["/a"]).encoded)
        #expect(responder.receive(framed(last)).failure == .noCommonMuxer)
    }

    @Test mutating func `names are equal by bytes, not by Unicode equivalence`() {
        #expect(run(["/caf\u{e9}"], ["/cafe\u{301}"]).initiatorOutputs.failure == .noCommonMuxer)
    }
}
