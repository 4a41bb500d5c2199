import Cryptography
import Primitives
import Testing

@testable import Gossipsub

@Suite struct `RPC codec` {
    /// Encodings written out by hand from the schema of libp2p/specs, pubsub and gossipsub.
    @Test func `each part has its golden bytes`() {
        let subscription = RPC(subscriptions: [Subscription(topic: "t", isSubscribed: true)])
        #expect(subscription.encoded == [0x0a, 5, 0x08, 1, 0x12, 1, 0x74])
        let left = RPC(subscriptions: [Subscription(topic: "t", isSubscribed: false)])
        #expect(left.encoded == [0x0a, 5, 0x08, 0, 0x12, 1, 0x74])
        let signed = WireMessage(author: [1], data: [2, 3], sequence: [4], topic: "t", signature: [5], key: [6])
        #expect(
            RPC(messages: [signed]).encoded
                == [0x12, 19, 0x0a, 1, 1, 0x12, 2, 2, 3, 0x1a, 1, 4, 0x22, 1, 0x74, 0x2a, 1, 5, 0x32, 1, 6]
        )
        let control = ControlMessage(
            ihave: [IHave(topic: "t", ids: [id("a")])],
            iwant: [id("b")],
            graft: ["t"],
            prune: [Prune(topic: "t", backoffSeconds: 60, peers: [PeerInfo(peer: [1], record: [2])])],
            idontwant: [id("c")],
            choke: ["t"],
            unchoke: ["u"],
            extensions: GossipExtensions(choke: true)
        )
        let ihave: [UInt8] = [0x0a, 6, 0x0a, 1, 0x74, 0x12, 1, 0x61]
        let iwant: [UInt8] = [0x12, 3, 0x0a, 1, 0x62]
        let graft: [UInt8] = [0x1a, 3, 0x0a, 1, 0x74]
        let prune: [UInt8] = [0x22, 13, 0x0a, 1, 0x74, 0x12, 6, 0x0a, 1, 1, 0x12, 1, 2, 0x18, 60]
        let idontwant: [UInt8] = [0x2a, 3, 0x0a, 1, 0x63]
        // Experimental fields: 0x215254 of the extensions, 0x215255 and 0x215256 of control.
        let extensions: [UInt8] = [0x32, 5, 0xa0, 0xa5, 0xaa, 0x08, 1]
        let choke: [UInt8] = [0xaa, 0xa5, 0xaa, 0x08, 3, 0x0a, 1, 0x74]
        let unchoke: [UInt8] = [0xb2, 0xa5, 0xaa, 0x08, 3, 0x0a, 1, 0x75]
        let all = ihave + iwant + graft + prune + idontwant + extensions + choke + unchoke
        #expect(RPC(control: control).encoded == [0x1a, UInt8(all.count)] + all)
    }

    @Test func `an empty RPC says nothing`() throws {
        #expect(try parse([]) == RPC())
        #expect(try parse([0x1a, 0]) == RPC())
    }

    @Test func `unknown fields are skipped, among them those of newer versions`() throws {
        // Field 10 of RPC, field 3 of a subscription, field 9 of a message, field 77 of control.
        let subscription: [UInt8] = [0x0a, 7, 0x08, 1, 0x12, 1, 0x74, 0x18, 1]
        let message: [UInt8] = [0x12, 8, 0x12, 1, 9, 0x22, 1, 0x74, 0x48, 1]
        let rpc = try parse([0x52, 1, 0xff] + subscription + message + [0x1a, 3, 0xe8, 0x04, 1])
        #expect(rpc.subscriptions == [Subscription(topic: "t", isSubscribed: true)])
        #expect(rpc.messages == [WireMessage(data: [9], topic: "t")])
    }

    @Test func `a stranger's backoff is cut to an hour as it is read`() throws {
        for (wire, expected) in [(UInt64(0), 0), (1, 1), (3600, 3600), (3601, 3600), (1 << 31, 3600), (.max, 3600)] {
            #expect(try parse(pruneBytes(backoff: wire)).control.prune.first?.backoffSeconds == expected)
        }
    }

    @Test func `topics that are empty, too long or no text are left out`() throws {
        let long = [UInt8](repeating: 0x61, count: 129)
        for topic in [[], long, [0xff]] {
            var writer = ProtobufWriter()
            writer.message(1) { nested in
                nested.bool(1, true)
                nested.requiredBytes(2, topic)
            }
            #expect(try parse(writer.bytes) == RPC())
        }
    }

    @Test func `counts beyond the limits are left out`() throws {
        let topics = (0..<700).map { Topic(stringLiteral: "t\($0)") }
        let many = RPC(
            subscriptions: topics.map { Subscription(topic: $0, isSubscribed: true) },
            messages: (0..<3000).map { _ in WireMessage(topic: "t") },
            control: ControlMessage(graft: topics)
        )
        let parsed = try parse(many.encoded)
        #expect(parsed.subscriptions.count == 100)
        #expect(parsed.messages.count == 2048)
        #expect(parsed.control.graft.count == 512)
    }

    @Test func `control over 16 KiB loses gossip, never GRAFT and PRUNE`() throws {
        let ids = (0..<2000).map { id("message number \($0)") }
        let control = ControlMessage(
            ihave: [IHave(topic: "t", ids: ids)],
            iwant: ids,
            graft: ["g"],
            prune: [Prune(topic: "p", backoffSeconds: 1, peers: [])],
            idontwant: ids
        )
        let parsed = try parse(RPC(control: control).encoded).control
        let kept = parsed.ihave.flatMap(\.ids) + parsed.iwant + parsed.idontwant
        #expect((600...1000).contains(kept.count))
        #expect(kept.reduce(0) { $0 + $1.bytes.count } <= 16 << 10)
        #expect(parsed.graft == ["g"])
        #expect(parsed.prune.map(\.topic) == ["p"])
    }

    @Test(arguments: 1...20) func `what is written is read back`(seed: Int) throws {
        var random = random(seed)
        let rpc = RPC.drawn(&random)
        #expect(try parse(rpc.encoded) == rpc)
    }

    @Test(arguments: 1...20) func `no bytes trap the decoder`(seed: Int) {
        var random = random(seed)
        let valid = RPC.drawn(&random).encoded
        for _ in 0..<100 {
            var bytes = random.chance(1, in: 3) ? random.bytes(random.below(200)) : valid
            if random.chance(1, in: 2) { bytes = Array(bytes.prefix(random.below(bytes.count + 1))) }
            for _ in 0..<random.below(8) where !bytes.isEmpty { bytes[random.below(bytes.count)] = random.bytes(1)[0] }
            if let rpc = try? parse(bytes) { #expect((try? parse(rpc.encoded)) != nil) }
        }
    }

    /// Who delivers RPCs without encoding them must split, limit and count them exactly as if they had been encoded.
    @Test(arguments: 1...10) func `sizes and limits are those of the encoded form`(seed: Int) throws {
        var random = random(seed)
        for _ in 0..<10 {
            let rpc = RPC.drawn(&random)
            #expect(rpc.byteCount == rpc.encoded.count)
            var limits = RPCLimits()
            limits.subscriptionCountMax = 1 + random.below(3)
            limits.messageCountMax = 1 + random.below(3)
            limits.gossipByteCountMax = 1 + random.below(300)
            limits.meshControlCountMax = 1 + random.below(2)
            limits.exchangeCountMax = 1
            #expect(try rpc.bounded(by: limits) == RPC(decoding: rpc.encoded, limits: limits))
            limits.byteCountMax = max(0, rpc.byteCount - 1)
            guard rpc.byteCount > 0 else { continue }
            #expect(throws: GossipRPCError.oversized(byteCount: rpc.byteCount)) { try rpc.bounded(by: limits) }
        }
    }

    /// The prefix and the order of fields are the specification's (pubsub, "Message Signing").
    @Test func `a signature covers all but itself and the key`() {
        let message = WireMessage(author: [1], data: [2], sequence: [3], topic: "t", signature: [4], key: [5])
        let covered: [UInt8] = [0x0a, 1, 1, 0x12, 1, 2, 0x1a, 1, 3, 0x22, 1, 0x74]
        #expect(message.signedBytes == Array("libp2p-pubsub:".utf8) + covered)
    }
}

@Suite struct `RPC packer` {
    @Test func `subscriptions are split at one hundred`() throws {
        var parts = RPCParts()
        for number in 0..<250 { parts.announce(Topic(stringLiteral: "t\(number)"), isSubscribed: true) }
        #expect(try parts.packed().map { try parse($0.encoded).subscriptions.count } == [100, 100, 50])
    }

    @Test func `control is split at 16 KiB and stays one field`() throws {
        var parts = RPCParts()
        for number in 0..<6 {
            let ids = (0..<500).map { id("\(number) \($0) padding") }
            parts.gossip.append(.ihave(IHave(topic: "t", ids: ids)))
        }
        let packed = parts.packed()
        #expect(packed.count > 1)
        for rpc in packed {
            #expect(rpc.encoded.count <= 17 << 10)
            #expect(try parse(rpc.encoded).control.ihave.isEmpty == false)
        }
        #expect(try packed.flatMap { try parse($0.encoded).control.ihave }.flatMap(\.ids).count == 3000)
    }

    @Test func `long ids are told in portions that one RPC holds`() throws {
        let ids = (0..<500).map { MessageID(bytes: Array(repeating: UInt8($0 & 0xff), count: 46)) }
        let portions = ControlMessage.portions(ids)
        #expect(portions.count == 2 && portions.flatMap(\.self) == ids)
        for portion in portions {
            let parsed = try parse(RPC(control: ControlMessage(iwant: portion)).encoded)
            #expect(parsed.control.iwant == portion)
        }
        #expect(ControlMessage.portions([]).isEmpty)
    }

    @Test func `a large message travels alone`() {
        var parts = RPCParts()
        let large = WireMessage(data: [UInt8](repeating: 1, count: 70_000), topic: "t")
        let small = WireMessage(data: [1], topic: "t")
        for message in [small, large, small] { parts.messages.append(message) }
        #expect(parts.packed() == [small, large, small].map { RPC(messages: [$0]) })
    }
}

typealias RPC = GossipRPC

extension RPCParts {
    func packed() -> [RPC] {
        var packed: [RPC] = []
        pack { packed.append($0) }
        return packed
    }
}

func parse(_ bytes: [UInt8]) throws -> RPC { try RPC(decoding: bytes, limits: RPCLimits()) }

func pruneBytes(backoff: UInt64, topic: Topic = "t") -> [UInt8] {
    var writer = ProtobufWriter()
    writer.message(3) { control in
        control.message(4) { prune in
            prune.text(1, topic.text)
            prune.requiredVarint(3, backoff)
        }
    }
    return writer.bytes
}

extension RPC {
    /// A random RPC within the limits.
    fileprivate static func drawn(_ random: inout SeededRandom) -> RPC {
        func topic() -> Topic { Topic(stringLiteral: "topic \(random.below(1000))") }
        func ids() -> [MessageID] {
            (0...random.below(5)).map { _ in MessageID(bytes: random.bytes(1 + random.below(40))) }
        }
        func optional() -> [UInt8]? { random.chance(1, in: 2) ? random.bytes(random.below(80)) : nil }
        var rpc = RPC()
        for _ in 0..<random.below(5) {
            rpc.subscriptions.append(Subscription(topic: topic(), isSubscribed: random.chance(1, in: 2)))
        }
        for _ in 0..<random.below(5) {
            let (author, data, sequence) = (optional(), optional(), optional())
            let (name, signature, key) = (topic(), optional(), optional())
            rpc.messages.append(
                WireMessage(author: author, data: data, sequence: sequence, topic: name, signature: signature, key: key)
            )
        }
        for _ in 0..<random.below(4) { rpc.control.ihave.append(IHave(topic: topic(), ids: ids())) }
        if random.chance(1, in: 2) { rpc.control.iwant = ids() }
        for _ in 0..<random.below(4) { rpc.control.graft.append(topic()) }
        for _ in 0..<random.below(4) {
            let peers = (0..<random.below(3)).map { _ in PeerInfo(peer: random.bytes(38), record: random.bytes(100)) }
            rpc.control.prune.append(Prune(topic: topic(), backoffSeconds: random.below(3601), peers: peers))
        }
        if random.chance(1, in: 2) { rpc.control.idontwant = ids() }
        for _ in 0..<random.below(4) { rpc.control.choke.append(topic()) }
        for _ in 0..<random.below(4) { rpc.control.unchoke.append(topic()) }
        if random.chance(1, in: 2) { rpc.control.extensions = GossipExtensions(choke: random.chance(1, in: 2)) }
        return rpc
    }
}
