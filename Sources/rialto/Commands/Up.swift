internal import ArgumentParser
internal import EventLoop
internal import LocalAPI
internal import Node
internal import Primitives
internal import Swarm

/// The command `rialto up`.
struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a node in the foreground.",
        discussion: """
            Prints 'listening <address>' for each address and then 'ready'. Ctrl-C, SIGTERM or 'rialto down' stop it in good \
            order: its offers say goodbye. Settings come from flags, then RIALTO_* variables, then config.yaml in the home.

            Examples:
              rialto up
              rialto up --bootstrap /ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…
              rialto up --home /tmp/a --listen /ip4/127.0.0.1/tcp/0 --api off
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

    @Option(help: ArgumentHelp("A settings file instead of config.yaml in the home.", valueName: "file"))
    var config: String?

    func run() async throws {
        let home = options.directory
        let settings = try NodeSettings.read(
            home: home,
            configPath: config,
            flags: [
                .network: options.network.map { [$0] } ?? [], .listen: listen, .bootstrap: bootstrap,
                .api: api.map { [$0] } ?? [],
            ]
        )
        var nodeConfig = NodeConfig(listen: settings.listen.value, seeds: settings.bootstrap.value)
        nodeConfig.network = settings.network.value
        let node = try RunningNode(home: home, config: nodeConfig)
        for warning in node.warnings { Terminal.complain("warning: \(warning)") }
        try await Session(node: node, home: home, settings: settings, isJSON: options.json).run()
    }
}

/// One node in the foreground, from its first line to its last.
private struct Session {
    let node: RunningNode
    let home: String
    let settings: NodeSettings
    let isJSON: Bool

    func run() async throws {
        let events = node.events()
        let servers = try await serve()
        let signals = StopSignals { [node] in node.loop.requestStop() }
        node.loop.start()
        let failure = await follow(events)
        await node.stop()
        for server in servers { await server.stop() }
        withExtendedLifetime(signals) {}
        if let failure { throw failure }
        say(.init(event: "stopped"), text: "stopped")
    }

    private func serve() async throws -> [LocalServer] {
        let service: APIService
        var servers: [LocalServer] = []
        do {
            let token = try APIToken.loadOrCreate(directory: home)
            service = APIService(node: node, token: token) { [node] in node.loop.requestStop() }
            servers.append(try await LocalServer.start(service, socketPath: home + "/" + HomeLocation.socketName))
        } catch let error as LocalServerError {
            throw CommandFailure(.failed, error.description)
        }
        guard let endpoint = settings.api.value else { return servers }
        do {
            let server = try await LocalServer.start(service, endpoint: endpoint)
            servers.append(server)
            if let real = server.endpoint {
                say(.init(event: "api", address: "http://\(real)"), text: "api http://\(real)")
            }
        } catch let error as LocalServerError {
            // Several nodes on one machine are common; only a port that was asked for must be free.
            guard settings.api.origin.isStandard else {
                for server in servers { await server.stop() }
                throw CommandFailure(.failed, error.description, hint: "choose another port with --api, or --api off")
            }
            Terminal.complain("warning: no HTTP API: \(error); choose a port with --api, or --api off")
        }
        return servers
    }

    /// Tells what happens until the node stops; what ended it before it began.
    private func follow(_ events: AsyncStream<NodeEvent>) async -> CommandFailure? {
        let stopped = Task { [node] in
            await node.loop.waitUntilStopped()
            await node.stop()
        }
        defer { stopped.cancel() }
        for await event in events {
            switch event {
            case .listening(let address):
                say(.init(event: "listening", address: "\(address)"), text: "listening \(address)")
            case .listenFailed(let endpoint, let failure):
                if let failure = explain(endpoint, failure) { return failure }
            case .ready(let hasSeeds):
                if !hasSeeds {
                    Terminal.complain(
                        "no peer is known: wait to be found, or give one with --bootstrap <address> or rialto peers connect"
                    )
                }
                say(.init(event: "ready"), text: "ready")
            case .storeFailed(let failure): Terminal.complain("warning: nothing can be written: \(failure)")
            case .storeRecovered: Terminal.complain("writing works again")
            case .signingStopped:
                Terminal.complain(
                    "warning: this node's key is in use elsewhere; stop the other one, then: rialto key resume"
                )
            case .clockStepped(let milliseconds):
                Terminal.complain("warning: the system's clock was set by \(milliseconds) ms")
            case .connectFailed, .connected, .disconnected, .listingsChanged, .recordRefused, .peerMisbehaved,
                .connectionRefused, .exchanged, .stopping:
                break
            }
        }
        return nil
    }

    /// `nil` if the node can do without: a machine need not have both families.
    private func explain(_ endpoint: Endpoint, _ failure: TransportFailure) -> CommandFailure? {
        switch failure {
        case .addressInUse:
            return CommandFailure(
                .failed,
                "port \(endpoint.port) is taken by another program",
                hint: "choose another with: --listen /ip4/0.0.0.0/tcp/\(endpoint.port &+ 10)"
            )
        case .permissionDenied:
            return CommandFailure(
                .failed,
                "listening on port \(endpoint.port) is not allowed",
                hint: "use a port above 1023"
            )
        default:
            if settings.listen.origin.isStandard, !endpoint.address.isIPv4 { return nil }
            return CommandFailure(.failed, "\(endpoint) cannot be listened on: \(failure)", hint: "see --listen")
        }
    }

    private struct Line: Encodable {
        var event: String
        var address: String?
    }

    private func say(_ line: Line, text: String) {
        Terminal.report(isJSON ? JSONFormat.text(line) : text)
    }
}
