/// One decoder, or one machine, that reads what a stranger wrote.
enum FuzzTarget: String, CaseIterable {
    case multiaddrBytes = "multiaddr-bytes"
    case multiaddrText = "multiaddr-text"
    case peerIDBytes = "peer-id-bytes"
    case peerIDText = "peer-id-text"
    case publicKey = "public-key"
    case privateKey = "private-key"
    case envelope
    case peerRecord = "peer-record"
    case frames
    case identify
    case handshakePayload = "handshake-payload"
    case rpc
    case record
    case recordPayload = "record-payload"
    case syncRequest = "sync-request"
    case syncAnswer = "sync-answer"
    case kademliaMessage = "kademlia-message"
    case marketMessage = "market-message"
    case leaseTerms = "lease-terms"
    case sealedTerms = "sealed-terms"
    case dnsMessage = "dns-message"
    case controlRequest = "control-request"
    case reconciliation
    case block
    case searchQuery = "search-query"
    case searchSort = "search-sort"
    case multistreamListener = "multistream-listener"
    case multistreamDialer = "multistream-dialer"
    case noiseResponder = "noise-responder"
    case noiseInitiator = "noise-initiator"
    case noiseTransport = "noise-transport"
    case yamux
    case multicastDNS = "multicast-dns"
    case marketStreams = "market-streams"
    /// The other party of leases, who signs what it likes.
    case leases
    /// A peer to reconcile with, or to search at, which says what it likes.
    case sync
    /// Bytes of a stranger's socket, from the first one on, at a whole node.
    case connection
    /// Frames of a peer that passed the handshake, at a whole node.
    case session
    /// Streams of a peer that passed the handshake and identify: every protocol of a whole node.
    case streams

    /// Reads one input; returning is passing.
    func run(_ bytes: [UInt8]) {
        switch self {
        case .multiaddrBytes: Decoders.multiaddr(bytes)
        case .multiaddrText: Decoders.multiaddrText(bytes)
        case .peerIDBytes: Decoders.peerID(bytes)
        case .peerIDText: Decoders.peerIDText(bytes)
        case .publicKey: Decoders.publicKey(bytes)
        case .privateKey: Decoders.privateKey(bytes)
        case .envelope: Decoders.envelope(bytes)
        case .peerRecord: Decoders.peerRecord(bytes)
        case .frames: Decoders.frames(bytes)
        case .identify: Decoders.identify(bytes)
        case .handshakePayload: Decoders.handshakePayload(bytes)
        case .rpc: Decoders.rpc(bytes)
        case .record: Decoders.record(bytes)
        case .recordPayload: Decoders.recordPayload(bytes)
        case .syncRequest: Decoders.syncRequest(bytes)
        case .syncAnswer: Decoders.syncAnswer(bytes)
        case .kademliaMessage: Decoders.kademliaMessage(bytes)
        case .marketMessage: Decoders.marketMessage(bytes)
        case .leaseTerms: Decoders.leaseTerms(bytes)
        case .sealedTerms: Decoders.sealedTerms(bytes)
        case .dnsMessage: Decoders.dnsMessage(bytes)
        case .controlRequest: Decoders.controlRequest(bytes)
        case .reconciliation: Decoders.reconciliation(bytes)
        case .block: Decoders.block(bytes)
        case .searchQuery: Decoders.searchQuery(bytes)
        case .searchSort: Decoders.searchSort(bytes)
        case .multistreamListener: Handshakes.multistreamListener(bytes)
        case .multistreamDialer: Handshakes.multistreamDialer(bytes)
        case .noiseResponder: Handshakes.noiseResponder(bytes)
        case .noiseInitiator: Handshakes.noiseInitiator(bytes)
        case .noiseTransport: Handshakes.noiseTransport(bytes)
        case .yamux: Handshakes.yamux(bytes)
        case .multicastDNS: Conversations.multicastDNS(bytes)
        case .marketStreams: Conversations.marketStreams(bytes)
        case .leases: Conversations.leases(bytes)
        case .sync: Conversations.sync(bytes)
        case .connection: Sieges.connection(bytes)
        case .session: Sieges.session(bytes)
        case .streams: Sieges.streams(bytes)
        }
    }
}
