internal import ArgumentParser
internal import EventLoop
internal import Foundation
internal import LocalAPI
internal import Node
internal import Swarm

/// The command `rialto up`.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a node in the foreground.",
        discussion: """
            Prints 'listening <address>' for each address and then 'ready'. Ctrl-C, SIGTERM or 'rialto down' stop it in good \
            order: its offers say goodbye. Settings come from flags, then RIALTO_* variables, then config.yaml in the home; \
            SIGHUP or 'rialto config reload' reads them anew. What happens is logged on standard error.

            Examples:
              rialto up
              rialto up --bootstrap /ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…
              rialto up --home /tmp/a --listen /ip4/127.0.0.1/tcp/0 --api off
              rialto up --segments nvidia-datacenter
              rialto up --log json --log-level info
            """
    )

    @OptionGroup var options: GlobalOptions

    @Option(
        help: ArgumentHelp(
            "Where to listen; may be repeated (default: all interfaces, port 4180).",
            valueName: "multiaddr"
        )
    )
    var listen: [String] = []

    @Option(
        help: ArgumentHelp(
            "A node to be in touch with, as it prints its address; may be repeated.",
            valueName: "multiaddr"
        )
    )
    var bootstrap: [String] = []

    @Option(help: ArgumentHelp("HTTP API on loopback, or off (default: 127.0.0.1:4181).", valueName: "host:port"))
    var api: String?

    @Option(
        help: ArgumentHelp("Find peers by the distributed hash table: on or off (default: on).", valueName: "on|off")
    )
    var dht: String?

    @Option(
        help: ArgumentHelp(
            "Find peers on the LAN by multicast DNS, and be found: on or off (default: on).",
            valueName: "on|off"
        )
    )
    var mdns: String?

    @Option(
        help: ArgumentHelp(
            """
            Which part of the market to hold: all, auto (what this node has dealings in), or classes and segments like \
            nvidia-datacenter,nvidia-consumer/2 (default: all). A part also brings one segment of custody, and search asks \
            other nodes for the rest.
            """,
            valueName: "segments"
        )
    )
    var segments: String?

    @Option(help: ArgumentHelp("A settings file instead of config.yaml in the home.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("How the log on standard error is written: text or json.", valueName: "format"))
    var log: String?

    @Option(
        help: ArgumentHelp("From which level on: debug, info, warning, error (default: warning).", valueName: "level")
    )
    var logLevel: String?

    @Option(
        help: ArgumentHelp(
            "Write everything that the node hears to this new file, for 'rialto sim replay'; keep it as secret as the home.",
            valueName: "file"
        )
    )
    var record: String?

    func run() async throws {
        ProcessFacts.begin()
        let home = options.directory
        let read: @Sendable () throws -> NodeSettings = { [config, flags] in
            try NodeSettings.read(home: home, configPath: config, flags: flags)
        }
        let settings = try read()
        let log = NodeLog(format: settings.log.value, level: settings.logLevel.value)
        for warning in UnknownVariables.warnings(in: ProcessInfo.processInfo.environment) {
            log.warn("config", code: "unknown_variable", warning)
        }
        var nodeConfig = NodeConfig(listen: settings.listen.value, seeds: settings.bootstrap.value)
        nodeConfig.network = settings.network.value
        if !settings.dht.value { nodeConfig.kademlia = nil }
        nodeConfig.usesMulticastDNS = settings.mdns.value
        nodeConfig.followedSegments = settings.segments.value
        let tuning = settings.tuning
        (nodeConfig.banned, nodeConfig.allowed) = (tuning.banned, tuning.allowed)
        nodeConfig.leases = settings.policy.value.lease
        nodeConfig.hostID = HostID.bytes(home: home)
        nodeConfig.probeInterval = settings.probe.value ? Self.probeInterval : nil
        nodeConfig.swarm.trimming.lowWater = tuning.connectionsLow
        nodeConfig.swarm.trimming.highWater = tuning.connectionsHigh
        if let record {
            Terminal.complain("warning: \(record) will hold what this node says and hears in the clear: keep it secret")
        }
        let node = try RunningNode(home: home, config: nodeConfig, recordingPath: record)
        for warning in node.warnings { log.warn("store", code: "store_warning", "\(warning)") }
        let live = LiveSettings(settings, read: read) { new in
            guard case .done = try await node.send(.tune(new.tuning)) else {
                throw APIError(.badRequest, "the node did not take the new settings")
            }
            guard case .done = try await node.send(.setLeasePolicy(new.policy.value.lease)) else {
                throw APIError(.badRequest, "the node did not take the new policy")
            }
            log.setLevel(new.logLevel.value)
        }
        let hooks = LeaseHooks(home: home, log: log, policy: { live.value.policy.value }) { command in
            await Self.tell(node, command)
        }
        node.listen { hooks.note($0) }
        defer { node.listen { _ in } }
        let session = NodeSession(node: node, home: home, settings: live, log: log, isJSON: options.json) {
            await hooks.finish()
        }
        try await session.run()
    }

    /// Brings what came of a settlement to the node, however busy it is: the node waits for it.
    ///
    /// One that is stopping asks again at its next start.
    private static func tell(_ node: RunningNode, _ command: NodeCommand) async {
        while true {
            do {
                _ = try await node.send(command)
                return
            } catch LoopError.busy {
                do { try await Task.sleep(for: .milliseconds(100)) } catch { return }
            } catch { return }
        }
    }

    /// A few providers every ten minutes: a hundred and more probes a day, and no provider is a burden to another.
    private static let probeInterval = Duration.seconds(600)

    private var flags: [SettingKey: [String]] {
        [
            .network: options.network.map { [$0] } ?? [], .listen: listen, .bootstrap: bootstrap,
            .api: api.map { [$0] } ?? [], .dht: dht.map { [$0] } ?? [], .mdns: mdns.map { [$0] } ?? [],
            .segments: segments.map { [$0] } ?? [],
            .log: log.map { [$0] } ?? [], .logLevel: logLevel.map { [$0] } ?? [],
        ]
    }
}
