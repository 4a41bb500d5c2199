import Compression
import Cryptography
@testable import Gossipsub
import Identify
import Identity
import Kademlia
@testable import Market
@testable import Node
@testable import Noise
import Primitives
import Reconciliation

extension FuzzTarget {
    /// Valid inputs to start from: what honest peers send.
    var seeds: [[UInt8]] {
        switch self {
        case .multiaddrBytes: Samples.addresses.map(\.bytes)
        case .multiaddrText: Samples.addresses.map { Array($0.description.utf8) }
        case .peerIDBytes: [Samples.peer.bytes]
        case .peerIDText: [Array(Samples.peer.description.utf8)]
        case .publicKey: [KeyCodec.encode(Handshakes.key.publicKey)]
        case .privateKey: [KeyCodec.encode(Handshakes.key)]
        case .envelope: [Samples.envelope.bytes]
        case .peerRecord: [Samples.envelope.payload]
        case .frames: [[0, 4, 3, 1, 2, 3], [0, 2, 0x80, 1]]
        case .identify: [Samples.identification.encodedFrames()]
        case .handshakePayload: [Handshakes.staticKey.payload(muxers: ["/yamux/1.0.0"])]
        case .rpc: Samples.rpcs
        case .record: Samples.records
        case .recordPayload:
            Samples.records.compactMap { try? SignedEnvelope(parsing: $0.span, byteCountMax: 9 << 10).payload }
        case .syncRequest: Samples.questions
        case .syncAnswer: Samples.answers
        case .kademliaMessage: KademliaMessage.Kind.allCases.map { Samples.message($0).encoded }
        case .controlRequest: [[8, 0], [8, 3], [8, 8, 66, 2, 8, 0], [8, 2, 26, 4, 10, 0, 18, 0]]
        case .reconciliation: [RangeReconciliation.opening(Decoders.reconciled), RangeReconciliation.opening(.init())]
        case .block: [[1] + LZ4Block.compress(Array(repeating: 7, count: 16))]
        case .searchQuery:
            ["gpu=rtx-4090 count>=2 memory>=24GB price<=0.40 country in [DE,FR]", "(gpu=h100 or gpu=a100) trust>=0.5"]
                .map { Array($0.utf8) }
        case .searchSort: ["price", "-age", "price/mtok:7B:2", "kwh/mtok:70B:0.5"].map { Array($0.utf8) }
        case .multistreamListener: [Samples.piece(Samples.words("/multistream/1.0.0") + Samples.words("/noise"))]
        case .multistreamDialer: [Samples.piece(Samples.words("/multistream/1.0.0") + Samples.words("na"))]
        case .noiseResponder: [Samples.piece([0, 32] + Array(repeating: 9, count: 32))]
        case .noiseInitiator: [Samples.piece([0, 80] + Array(repeating: 9, count: 80))]
        case .noiseTransport: [Samples.piece([0, 20] + Array(repeating: 7, count: 20))]
        case .yamux: Samples.frames.map { [3] + Samples.piece($0) }
        case .connection:
            [
                [1]
                    + Samples.piece(
                        Samples.words("/multistream/1.0.0") + Samples.words("/noise") + [0, 32]
                            + Array(repeating: 9, count: 32)
                    )
            ]
        case .session: Samples.frames.map { [1] + Samples.piece($0) }
        case .streams: Samples.moves
        }
    }
}

/// What honest peers send, by kind.
private enum Samples {
    static let peer = PeerID(publicKey: Handshakes.key.publicKey)

    static let addresses = [
        "/ip4/198.51.100.7/tcp/4180", "/ip6/2001:db8::1/tcp/4180/p2p/\(peer)", "/dns4/example.org/tcp/443/wss",
        "/dnsaddr/bootstrap.example.org/p2p/\(peer)",
        "/ip4/198.51.100.7/tcp/4180/p2p/\(peer)/p2p-circuit/p2p/\(peer)", "/ip4/198.51.100.7/udp/4180/quic-v1",
    ].compactMap { try? Multiaddr(text: $0) }

    static let envelope = PeerRecord(peer: peer, sequence: 7, addresses: addresses).seal(by: Handshakes.key)

    static let identification: IdentifyMessage = {
        var message = IdentifyMessage()
        message.agentVersion = "rialto"
        message.publicKey = KeyCodec.encode(Handshakes.key.publicKey)
        message.listenAddresses = addresses
        message.protocols = ["/meshsub/1.2.0", "/ipfs/ping/1.0.0"]
        message.signedPeerRecord = envelope.bytes
        return message
    }()

    static let records: [[UInt8]] = {
        guard let offer = OfferID(Array(repeating: 5, count: 16)) else { return [] }
        let body = WithdrawalBody(subject: .offer(offer), marketClass: .nvidiaConsumer, reason: 1)
        let record = Record(
            network: "main",
            sequence: 1_767_225_600_000,
            issuedAt: 1_767_225_600_000,
            expiresAt: 1_767_229_200_000,
            body: .withdrawal(body)
        )
        guard let signed = try? SignedRecord(signing: record, by: Handshakes.key) else { return [] }
        return [signed.envelope]
    }()

    static let rpcs: [[UInt8]] = {
        let topic: Topic = "/rialto/main/p/1"
        var hello = GossipRPC()
        hello.subscriptions = [Subscription(topic: topic, isSubscribed: true)]
        var control = GossipRPC()
        let id = MessageID(bytes: Array(repeating: 3, count: 20))
        control.control.ihave = [IHave(topic: topic, ids: [id])]
        control.control.iwant = [id]
        control.control.graft = [topic]
        control.control.prune = [
            Prune(topic: topic, backoffSeconds: 60, peers: [PeerInfo(peer: peer.bytes, record: envelope.bytes)])
        ]
        control.control.idontwant = [id]
        var message = GossipRPC()
        message.messages = records.map { WireMessage(data: $0, topic: topic) }
        return [hello.encoded, control.encoded, message.encoded]
    }()

    static func message(_ kind: KademliaMessage.Kind) -> KademliaMessage {
        KademliaMessage(
            kind: kind,
            key: peer.bytes,
            record: KademliaValue(key: peer.bytes, value: [1, 2, 3]),
            closerPeers: [],
            providerPeers: []
        )
    }

    static let questions: [[UInt8]] = {
        let lane = LaneMessage(lane: 24, message: RangeReconciliation.opening(Decoders.reconciled))
        let comparison = SyncComparison(network: "main", unixSeconds: 1_767_225_600, lanes: [lane])
        let ids = records.compactMap { try? SignedRecord(envelope: $0).id }
        let requests: [SyncRequest] = [
            .compare(comparison), .fetch(ids), .give(RecordBatch(packing: records)),
            .author(Handshakes.key.publicKey.bytes),
        ]
        return requests.map(\.encoded)
    }()

    static let answers: [[UInt8]] = {
        let lane = LaneMessage(lane: 24, message: RangeReconciliation.opening(Decoders.reconciled))
        let answers: [SyncAnswer] = [
            .compared([lane], unknown: [3, 4], unixSeconds: 1_767_225_600),
            .batch(RecordBatch(packing: records, answeredCount: 2)),
            .taken(refused: [0]), .busy,
        ]
        return answers.map(\.encoded)
    }()

    /// SYN with data, a window update, a ping, a go-away; stream 1 opened by the dialer (hashicorp/yamux, spec.md).
    static let frames: [[UInt8]] = [
        [0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 3, 9, 9, 9], [0, 1, 0, 1, 0, 0, 0, 3, 0, 0, 1, 0],
        [0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7], [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
        [0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 0], [0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 0],
    ]

    /// Opens a gossip stream and says each RPC; opens one of reconciliation and asks.
    static let moves: [[UInt8]] = [
        [0, 0] + rpcs.flatMap { [4, 255] + piece($0) },
        [0, 3] + questions.flatMap { [4, 255] + piece($0) } + [7, 255],
        [0, 6, 4, 255] + piece(identification.encoded()) + [7, 255],
        [0, 7, 2, 255] + piece(Array(repeating: 1, count: 32)) + [9, 200],
    ]

    static func words(_ name: String) -> [UInt8] { LengthPrefixedFrames.framed(Array("\(name)\n".utf8)) }

    static func piece(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(bytes.count >> 8 & 255), UInt8(bytes.count & 255)] + bytes
    }
}
