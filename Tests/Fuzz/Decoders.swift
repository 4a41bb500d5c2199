import Compression
import Cryptography
import DaemonControl
@testable import Gossipsub
import Identify
@testable import Identity
import Kademlia
@testable import Market
import MulticastDNS
@testable import Node
@testable import Noise
import Primitives
import Reconciliation

/// Every decoder by itself: what it accepts, its encoder must write again.
enum Decoders {
    static func multiaddr(_ bytes: [UInt8]) {
        guard let address = try? Multiaddr(bytes: bytes) else { return }
        precondition(address.bytes == bytes, "an address has two encodings")
        precondition((try? Multiaddr(text: address.description)) == address, "an address is not its text")
        _ = (address.tcpEndpoint, address.peerID, address.withoutPeer, address.dialTarget)
    }

    static func multiaddrText(_ bytes: [UInt8]) {
        guard let address = try? Multiaddr(text: String(decoding: bytes, as: UTF8.self)) else { return }
        precondition((try? Multiaddr(bytes: address.bytes)) == address, "an address is not its bytes")
    }

    static func peerID(_ bytes: [UInt8]) {
        guard let peer = try? PeerID(bytes: bytes) else { return }
        precondition(peer.bytes == bytes)
        precondition((try? PeerID(text: peer.description)) == peer, "a peer id is not its text")
        if let key = peer.publicKey { precondition(PeerID(publicKey: key) == peer, "one key has two ids") }
    }

    static func peerIDText(_ bytes: [UInt8]) {
        guard let peer = try? PeerID(text: String(decoding: bytes, as: UTF8.self)) else { return }
        precondition((try? PeerID(bytes: peer.bytes)) == peer)
    }

    static func publicKey(_ bytes: [UInt8]) {
        guard let key = try? KeyCodec.decodePublicKey(bytes) else { return }
        precondition(KeyCodec.encode(key) == bytes, "a key has two encodings")
    }

    static func privateKey(_ bytes: [UInt8]) {
        _ = try? KeyCodec.decodePrivateKey(bytes)
    }

    static func envelope(_ bytes: [UInt8]) {
        guard let envelope = try? SignedEnvelope(parsing: bytes.span, byteCountMax: 8 << 10) else { return }
        precondition(envelope.bytes == bytes, "an envelope has two encodings")
    }

    static func peerRecord(_ bytes: [UInt8]) {
        guard let record = try? PeerRecord(parsing: bytes.span) else { return }
        precondition(record.addresses.count <= PeerRecord.addressCountMax)
    }

    static func frames(_ bytes: [UInt8]) {
        var frames = LengthPrefixedFrames(byteCountMax: 1_000)
        var script = Script(bytes)
        do {
            while !script.isAtEnd {
                frames.append(script.piece())
                while let frame = try frames.next() { precondition(frame.count <= 1_000) }
                precondition(frames.pendingByteCount <= 1_002)
            }
        } catch {}
    }

    static func identify(_ bytes: [UInt8]) {
        var reader = IdentifyReader()
        guard (try? reader.receive(bytes)) != nil, let message = try? reader.finished() else { return }
        precondition((try? IdentifyMessage(parsing: message.encoded().span)) != nil)
        _ = message.updated(by: message)
    }

    static func handshakePayload(_ bytes: [UInt8]) {
        _ = try? HandshakePayload(parsing: bytes.span)
    }

    static func rpc(_ bytes: [UInt8]) {
        guard let rpc = try? GossipRPC(decoding: bytes, limits: RPCLimits()) else { return }
        let again = try? GossipRPC(decoding: rpc.encoded, limits: RPCLimits())
        precondition(again == rpc, "an RPC changes as it is passed on")
    }

    static func record(_ bytes: [UInt8]) {
        guard let record = try? SignedRecord(envelope: bytes) else { return }
        precondition((try? record.record.payload()) != nil, "a record was accepted that nobody may write")
    }

    static func recordPayload(_ bytes: [UInt8]) {
        guard let record = try? Record(payload: bytes) else { return }
        precondition((try? record.payload()) == bytes, "a record has two encodings")
    }

    static func syncRequest(_ bytes: [UInt8]) {
        guard let request = try? SyncRequest(parsing: bytes.span) else { return }
        precondition((try? SyncRequest(parsing: request.encoded.span)) == request, "a question changes")
        if case .give(let batch) = request { unpack(batch) }
    }

    static func syncAnswer(_ bytes: [UInt8]) {
        guard let answer = try? SyncAnswer(parsing: bytes.span) else { return }
        precondition((try? SyncAnswer(parsing: answer.encoded.span)) == answer, "an answer changes")
        if case .batch(let batch) = answer { unpack(batch) }
    }

    private static func unpack(_ batch: RecordBatch) {
        guard let envelopes = try? batch.envelopes() else { return }
        precondition(envelopes.count <= SyncLimits.batchRecordCountMax)
        precondition(envelopes.reduce(0) { $0 + $1.count } <= SyncLimits.batchByteCountMax)
    }

    static func marketMessage(_ bytes: [UInt8]) {
        guard let message = try? MarketMessage(parsing: bytes) else { return }
        precondition(message.encoded == bytes, "a message has two encodings")
        for envelope in message.envelopes { _ = try? SignedRecord(envelope: envelope) }
    }

    static func leaseTerms(_ bytes: [UInt8]) {
        guard let terms = try? LeaseTerms(parsing: bytes) else { return }
        precondition(terms.encoded == bytes && terms.isWithinBounds, "terms have two encodings")
    }

    /// What a bidder may have put into the box: it is opened by a node that knows nothing of it.
    static func sealedTerms(_ bytes: [UInt8]) {
        let (bid, own) = (MarketSamples.lease.bid, LeaseVictim.key.publicKey)
        let head = bid.bytes + own.bytes + own.bytes + Array(repeating: 3, count: LeaseTerms.Bounds.saltByteCount)
        var script = Script(bytes)
        let isWrapped = script.below(2) == 0
        let plain = isWrapped ? LengthPrefixedFrames.framed(head + script.rest()) : script.rest()
        let secret = [UInt8](repeating: 4, count: 32)
        guard let box = SealedBox.seal(plain, to: LeaseVictim.sealing.publicKey, ephemeralSecret: secret) else {
            preconditionFailure("a box cannot be closed")
        }
        let hash = isWrapped ? SHA256.hash(head.suffix(LeaseTerms.Bounds.saltByteCount) + bytes.dropFirst()) : []
        _ = LeaseTerms.opened(box, bid: bid, from: own, to: own, hash: hash, secret: secret)
    }

    static func dnsMessage(_ bytes: [UInt8]) {
        guard let message = try? DNSMessage(parsing: bytes) else { return }
        precondition((try? DNSMessage(parsing: message.encoded)) == message, "a datagram changes")
    }

    static func kademliaMessage(_ bytes: [UInt8]) {
        guard let message = try? KademliaMessage(parsing: bytes.span) else { return }
        precondition(message.encoded.count <= KademliaMessage.byteCountMax)
        precondition((try? KademliaMessage(parsing: message.encoded.span)) != nil)
    }

    static func controlRequest(_ bytes: [UInt8]) {
        _ = try? ControlRequest(parsing: bytes)
        _ = try? ControlResponse(parsing: bytes)
    }

    static func reconciliation(_ bytes: [UInt8]) {
        guard let answer = try? RangeReconciliation.answer(bytes.span, reconciled) else { return }
        precondition(answer.count <= RangeReconciliation.messageByteCountMax)
        _ = try? RangeReconciliation.learn(bytes.span, reconciled)
    }

    static let reconciled = ReconciliationIndex(
        (0..<600).compactMap { number in
            let id = ItemID(SHA256.hash([UInt8(number & 255), UInt8(number >> 8)]))
            return id.map { ReconciliationItem(timestamp: UInt64(number / 3), id: $0) }
        }
    )

    static func block(_ bytes: [UInt8]) {
        var script = Script(bytes)
        let said = script.below(256) * 16
        guard let content = try? LZ4Block.decompress(script.rest(), byteCount: said) else { return }
        precondition(content.count == said)
    }

    static func searchQuery(_ bytes: [UInt8]) {
        guard let query = try? SearchQuery(text: String(decoding: bytes, as: UTF8.self)) else { return }
        precondition((try? SearchQuery(text: query.description))?.description == query.description)
    }

    static func searchSort(_ bytes: [UInt8]) {
        guard let sort = try? SearchSort(text: String(decoding: bytes, as: UTF8.self)) else { return }
        precondition((try? SearchSort(text: sort.description)) == sort)
    }
}

extension MarketMessage {
    /// Records that a message carries.
    fileprivate var envelopes: [[UInt8]] {
        switch content {
        case .bid(let envelope, _), .receipt(let envelope), .state(let envelope), .lease(let envelope),
            .countersignature(let envelope):
            [envelope]
        case .held(let envelope, let words): [envelope] + words
        case .award(let award): award.pasts.flatMap { [$0.lease, $0.close] }
        case .accept, .cancel, .tick, .voucher, .notice, .refusal, .done: []
        }
    }
}
