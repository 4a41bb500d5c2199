import Compression
import Cryptography
@testable import Gossipsub
import Identify
import Identity
import Kademlia
@testable import Market
@testable import MulticastDNS
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
        case .marketMessage: MarketSamples.messages.map(\.encoded)
        case .leaseTerms, .sealedTerms: Samples.terms
        case .dnsMessage: Samples.datagrams
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
        case .multicastDNS: Samples.datagrams.map { [2] + Samples.piece($0) }
        case .marketStreams: Samples.marketMoves
        case .leases: Samples.leaseMoves
        case .sync: Samples.syncMoves
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
        message.protocols = ["/meshsub/1.3.0", "/ipfs/ping/1.0.0"]
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
        [0, 7, 4, 255] + piece(identification.encoded()) + [7, 255],
        [0, 8, 2, 255] + piece(Array(repeating: 1, count: 32)) + [9, 200],
        [0, 5] + MarketSamples.messages.flatMap { [4, 255] + piece($0.encoded) },
    ]

    static let terms = [LeaseTerms(image: "a"), Counterparty.terms].map(\.encoded)

    /// A question, and an answer with an address.
    static let datagrams: [[UInt8]] = {
        let service = DomainName("_p2p", "_udp", "local")
        let name = DomainName("a", "_p2p", "_udp", "local")
        let address = Array("dnsaddr=/ip4/10.0.0.2/tcp/4180/p2p/\(peer)".utf8)
        let question = DNSMessage.Question(name: service, type: DNSMessage.pointerType)
        let pointer = DNSMessage.Record(name: service, content: .pointer(name), seconds: 120)
        let text = DNSMessage.Record(name: name, content: .texts([address]), seconds: 120)
        return [
            DNSMessage(isResponse: false, questions: [question]).encoded,
            DNSMessage(isResponse: true, records: [pointer, text]).encoded,
        ]
    }()

    /// A stream comes, every message is said on it, and what is asked is answered.
    static let marketMoves: [[UInt8]] = [
        [0, 0, 0] + MarketSamples.messages.flatMap { [0, 0, 1] + piece($0.encoded) + [0, 0, 10] },
        [1, 3, 7, 1, 1, 3, 8, 1, 1, 3, 8, 1] + [1, 3, 1] + piece(MarketMessage(id: 1, content: .done).encoded),
    ]

    /// A lease from bid to receipt, with the victim as provider and as renter, and then what may go wrong.
    static let leaseMoves: [[UInt8]] = {
        func moves(_ moves: Counterparty.Move...) -> [UInt8] { moves.flatMap(arguments) }
        func arguments(_ move: Counterparty.Move) -> [UInt8] {
            switch move {
            case .wait: [move.rawValue, 16]
            case .answer: [move.rawValue, 0, 0, 0]
            case .state: [move.rawValue, 1, 0]
            case .bid, .accept, .voucher, .tick, .notice, .receipt, .held, .place: [move.rawValue, 0]
            case .command, .trouble, .stream: [move.rawValue, 0]
            case .end, .seen: [move.rawValue, 0, 0]
            case .words, .frame, .cancel, .countersign: [move.rawValue]
            }
        }
        let lets = moves(.bid, .accept, .wait, .voucher, .wait, .held, .seen)
        let rents = moves(.place, .answer, .answer, .state, .tick, .wait, .tick, .notice, .held)
        let close: [UInt8] = [Counterparty.Move.state.rawValue, 3, 0]
        let long: [UInt8] = [Counterparty.Move.wait.rawValue, 20]
        return [
            lets + close + moves(.wait, .answer, .countersign, .seen), rents + close + moves(.receipt, .wait, .seen),
            lets + long + moves(.answer), rents + long + moves(.receipt), lets + rents + moves(.trouble) + close,
            moves(.bid, .cancel, .bid, .trouble, .accept, .end, .stream, .wait),
            lets + [Counterparty.Move.command.rawValue, 1, 0] + moves(.wait, .answer),
        ]
    }()

    /// The victim asks and is answered; the peer asks in turn.
    static let syncMoves: [[UInt8]] = {
        func move(_ move: SyncVictim.Move, _ arguments: UInt8...) -> [UInt8] { [move.rawValue] + arguments }
        let compared = move(.wait, 15) + move(.reconcile, 0, 0, 0, 0)
        let batch: [UInt8] = [10, 20, 0, 20, 0, 0]
        return [
            compared + move(.answer, 0) + batch + move(.answer, 1, 0, 0, 0) + compared,
            move(.search, 0) + move(.answer, 2) + batch + move(.search, 1) + move(.answer, 0) + batch,
            move(.streams) + (0..<5).flatMap { move(.ask, 5, $0, 1) },
            move(.streams) + move(.ask, 5, 1) + batch + move(.busy, 0) + move(.end, 0, 0) + move(.meet, 0)
                + move(.meet, 2, 0),
            move(.follow, 4) + move(.author) + move(.wait, 12) + move(.frame) + piece([34, 0]) + [0],
        ]
    }()

    static func words(_ name: String) -> [UInt8] { LengthPrefixedFrames.framed(Array("\(name)\n".utf8)) }

    static func piece(_ bytes: [UInt8]) -> [UInt8] {
        [UInt8(bytes.count >> 8 & 255), UInt8(bytes.count & 255)] + bytes
    }
}
