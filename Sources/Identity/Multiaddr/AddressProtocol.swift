internal import Primitives

/// The protocols that an address may name: a part of the public table (multiformats/multiaddr, protocols.csv).
///
/// All that a go-libp2p node advertises are here, so that its addresses can be kept and shown; dialled are a few
/// (`Multiaddr.dialTarget`). Absent are the overlays and the paths (onion, garlic, unix, http-path): an address with them is
/// unusable and dropped, not the message around it.
public enum AddressProtocol: Int, Hashable, Sendable, CaseIterable {
    case ip4 = 4
    case tcp = 6
    case dccp = 33
    case ip6 = 41
    case ip6zone = 42
    case ipcidr = 43
    case dns = 53
    case dns4 = 54
    case dns6 = 55
    case dnsaddr = 56
    case sctp = 132
    case udp = 273
    case legacyWebRTCDirect = 276
    case webRTCDirect = 280
    case webRTC = 281
    case circuit = 290
    case udt = 301
    case utp = 302
    case p2p = 421
    case https = 443
    case tls = 448
    case sni = 449
    case noise = 454
    case quic = 460
    case quicV1 = 461
    case webTransport = 465
    case certHash = 466
    case ws = 477
    case wss = 478
    case http = 480
    case memory = 777
    case plaintextV2 = 7_367_777

    /// How long the value of a component is.
    enum Shape {
        case fixed(Int)
        case lengthPrefixed
    }

    public var name: String {
        switch self {
        case .ip4: "ip4"
        case .tcp: "tcp"
        case .dccp: "dccp"
        case .ip6: "ip6"
        case .ip6zone: "ip6zone"
        case .ipcidr: "ipcidr"
        case .dns: "dns"
        case .dns4: "dns4"
        case .dns6: "dns6"
        case .dnsaddr: "dnsaddr"
        case .sctp: "sctp"
        case .udp: "udp"
        case .legacyWebRTCDirect: "p2p-webrtc-direct"
        case .webRTCDirect: "webrtc-direct"
        case .webRTC: "webrtc"
        case .circuit: "p2p-circuit"
        case .udt: "udt"
        case .utp: "utp"
        case .p2p: "p2p"
        case .https: "https"
        case .tls: "tls"
        case .sni: "sni"
        case .noise: "noise"
        case .quic: "quic"
        case .quicV1: "quic-v1"
        case .webTransport: "webtransport"
        case .certHash: "certhash"
        case .ws: "ws"
        case .wss: "wss"
        case .http: "http"
        case .memory: "memory"
        case .plaintextV2: "plaintextv2"
        }
    }

    /// Finds a protocol by its name; `ipfs` is an old name of `p2p`.
    init?(name: some StringProtocol) {
        guard let found = Self.byName[String(name)] else { return nil }
        self = found
    }

    var shape: Shape {
        switch self {
        case .ip4: .fixed(4)
        case .ip6: .fixed(16)
        case .tcp, .udp, .dccp, .sctp: .fixed(2)
        case .ipcidr: .fixed(1)
        case .memory: .fixed(8)
        case .ip6zone, .dns, .dns4, .dns6, .dnsaddr, .p2p, .sni, .certHash: .lengthPrefixed
        case .legacyWebRTCDirect, .webRTCDirect, .webRTC, .circuit, .udt, .utp, .https, .tls, .noise, .quic, .quicV1,
            .webTransport, .ws, .wss, .http, .plaintextV2:
            .fixed(0)
        }
    }

    /// Whether a value stands behind the name in text.
    var hasValue: Bool {
        if case .fixed(0) = shape { false } else { true }
    }

    private static let byName: [String: AddressProtocol] = {
        var table = Dictionary(uniqueKeysWithValues: allCases.map { ($0.name, $0) })
        table["ipfs"] = .p2p
        return table
    }()
}
