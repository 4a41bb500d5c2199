/// One flag of the command line.
struct DaemonFlag: Sendable {
    /// Whether the flag alone means `true`.
    let isSwitch: Bool
    /// The one value that it may have here.
    var only: String?
    /// What it does, for `-help`; `nil` for flags that have no effect.
    var help: String?

    /// All flags of go-libp2p-daemon and its successors: a driver's command line must not fail over one that it needs not.
    static let all: [String: DaemonFlag] = {
        var all: [String: DaemonFlag] = [:]
        for (name, flag) in obeyed { all[name] = flag }
        for name in ignoredSwitches { all[name] = DaemonFlag(isSwitch: true) }
        for name in ignoredValues { all[name] = DaemonFlag(isSwitch: false) }
        return all
    }()

    static let obeyed: [(name: String, flag: DaemonFlag)] = [
        ("listen", value("control address, /unix/<path> or /ip4/<address>/tcp/<port>; /unix/tmp/p2pd.sock")),
        ("id", value("file with the private key, as p2p-keygen writes it; without it a fresh one is made")),
        ("hostAddrs", value("where to listen for peers, separated by commas; /ip4/0.0.0.0/tcp/0")),
        ("announceAddrs", value("further addresses that lead here, separated by commas")),
        ("noListenAddrs", toggle("listen nowhere")),
        ("b", toggle("connect to the bootstrap peers")),
        ("bootstrapPeers", value("multiaddrs with peer ids, separated by commas")),
        ("pubsub", toggle("gossipsub with signed messages")),
        ("pubsubRouter", value("gossipsub", only: "gossipsub")),
        ("pubsubSign", toggle("true", only: "true")),
        ("pubsubSignStrict", toggle("true", only: "true")),
        ("gossipsubHeartbeatInterval", value("such as 500ms; 1s")),
        ("gossipsubHeartbeatInitialDelay", value("such as 50ms; 100ms")),
        ("dht", toggle("search the DHT of /ipfs/kad/1.0.0, as a client")),
        ("dhtClient", toggle("the same")),
        ("dhtServer", toggle("answer there too")),
        ("connManager", toggle("close connections above the high-water mark")),
        ("connLo", value("low-water mark; 256")),
        ("connHi", value("high-water mark; 512")),
        ("connGrace", value("how long a young connection is safe; 2m")),
        ("noise", toggle("true", only: "true")),
        ("noiseOnly", toggle("true", only: "true")),
        ("muxer", value("yamux", only: "yamux")),
        ("q", toggle("print nothing")),
        ("help", toggle("print this")),
        ("h", toggle("print this")),
    ]

    /// `tls` is one of them: a peer that speaks both chooses Noise.
    private static let ignoredSwitches = [
        "tls", "quic", "natPortMap", "relay", "relayActive", "relayHop", "autoRelay", "relayDiscovery", "relayService",
        "autonat", "pprof", "forceReachabilityPublic", "forceReachabilityPrivate", "i",
    ]

    private static let ignoredValues = [
        "relayHopLimit", "trustedRelays", "relayMaxCircuits", "relayMaxReservations", "relayBufferSize",
        "relayDataLimit", "relayTimeLimit", "metricsAddr", "f", "pprofPort", "idleTimeout", "persistentConnMaxMsgSize",
    ]

    private static func value(_ help: String, only: String? = nil) -> DaemonFlag {
        DaemonFlag(isSwitch: false, only: only, help: help)
    }

    private static func toggle(_ help: String, only: String? = nil) -> DaemonFlag {
        DaemonFlag(isSwitch: true, only: only, help: help)
    }
}

extension DaemonFlags {
    /// What `-help` prints.
    package static let help: String = {
        var text = """
            usage: libp2pd [flags]

            A libp2p host that other programs command over a socket, by the control protocol of go-libp2p-daemon.
            Flags may have one dash or two; a flag's value stands behind a space or an equals sign.


            """
        for (name, flag) in DaemonFlag.obeyed {
            guard let help = flag.help, name != "h" else { continue }
            let column = "  -\(name)" + String(repeating: " ", count: max(1, 32 - name.utf8.count))
            text += column + help + (flag.only == nil ? "" : " (nothing else is possible)") + "\n"
        }
        return text + "\nOther flags of go-libp2p-daemon are accepted and have no effect.\n"
    }()
}
