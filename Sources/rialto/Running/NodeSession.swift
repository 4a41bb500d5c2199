internal import Identity
internal import EventLoop
internal import Glibc
internal import LocalAPI
internal import Market
internal import Node
internal import Primitives
internal import Swarm

/// One node in the foreground, from its first line to its last.
struct NodeSession {
    let node: RunningNode
    let home: String
    let settings: LiveSettings
    let log: NodeLog
    let isJSON: Bool
    /// What is waited for once the node has stopped; whoever signals again does not wait.
    let ending: @Sendable () async -> Void
    let service = ServiceNotifier()

    func run() async throws {
        let events = node.events()
        let servers = try await serve()
        let signals = StopSignals { [node] in node.loop.requestStop() }
        let hadTerminal = Terminal.isAttached
        let hangUps = SignalWatch(SIGHUP) {
            // A terminal that was closed takes its node with it; to a service the signal means new settings.
            if hadTerminal, !Terminal.isAttached { node.loop.requestStop() } else { reload() }
        }
        let watchdog = watch()
        node.loop.start()
        let failure = await follow(events)
        service?.tell("STOPPING=1")
        await node.stop()
        for server in servers { await server.stop() }
        watchdog?.cancel()
        await ending()
        withExtendedLifetime((signals, hangUps)) {}
        if let failure { throw failure }
        say(.init(event: "stopped"), text: "stopped")
    }

    // MARK: The API

    private var shell: NodeShell {
        var shell = node.shell
        shell.reload = { [settings] in try await settings.reload() }
        shell.outboundPeerCountMin = { [settings] in settings.value.readyPeers.value }
        shell.auditors = { [settings] in settings.value.auditors.value }
        shell.offerDefaults = { [settings] in
            var defaults = OfferDefaults()
            let policy = settings.value.policy.value
            (defaults.awardWindowSeconds, defaults.runtimes) = (policy.awardWindowSeconds, policy.runtimes)
            (defaults.settlement, defaults.settlesByProgram) = (policy.settlement, !policy.settle.isEmpty)
            defaults.floorMicros = policy.lease.counter.floorMicros
            return defaults
        }
        return shell
    }

    private func serve() async throws -> [LocalServer] {
        let api: APIService
        var servers: [LocalServer] = []
        do {
            let token = try APIToken.loadOrCreate(directory: home)
            api = APIService(node: node, token: token, shell: shell)
            let path = home + "/" + HomeLocation.socketName
            servers.append(try await LocalServer.start(api, socketPath: path, interrupted: interrupted))
        } catch let error as LocalServerError {
            throw CommandFailure(.failed, error.description)
        }
        let setting = settings.value.api
        guard let endpoint = setting.value else { return servers }
        do {
            let server = try await LocalServer.start(api, endpoint: endpoint, interrupted: interrupted)
            servers.append(server)
            if let real = server.endpoint {
                say(.init(event: "api", address: "http://\(real)"), text: "api http://\(real)")
            }
        } catch let error as LocalServerError {
            // Several nodes on one machine are common; only a port that was asked for must be free.
            guard setting.origin.isStandard else {
                for server in servers { await server.stop() }
                throw CommandFailure(.failed, error.description, hint: "choose another port with --api, or --api off")
            }
            log.warn("api", code: "no_http_api", "no HTTP API: \(error); choose a port with --api, or --api off")
        }
        return servers
    }

    private var interrupted: @Sendable (String) -> Void {
        { [log] reason in
            log.warn("api", code: "api_interrupted", "the API stopped and is started again: \(reason)")
        }
    }

    // MARK: What happens

    /// Tells what happens until the node stops; what ended it before it began.
    private func follow(_ events: AsyncStream<NodeEvent>) async -> CommandFailure? {
        let stopped = Task { [node] in
            await node.loop.waitUntilStopped()
            await node.stop()
        }
        defer { stopped.cancel() }
        for await event in events {
            log.note(event)
            switch event {
            case .listening(let address):
                say(.init(event: "listening", address: "\(address)"), text: "listening \(address)")
            case .listenFailed(let endpoint, let failure):
                if let failure = explain(endpoint, failure) { return failure }
            case .ready:
                say(.init(event: "ready"), text: "ready")
                service?.tell("READY=1", "STATUS=peer \(node.peer)")
            case .stopping: service?.tell("STOPPING=1")
            case .storeFailed, .storeRecovered, .signingStopped, .clockStepped, .connectFailed, .connected,
                .disconnected, .otherNetwork, .listingsChanged, .recordRefused, .peerMisbehaved, .connectionRefused,
                .reconciled,
                .searched, .bidEnded, .leaseStarted, .leaseChanged, .leaseEnded, .settlementDue:
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
            if settings.value.listen.origin.isStandard, !endpoint.address.isIPv4 { return nil }
            return CommandFailure(.failed, "\(endpoint) cannot be listened on: \(failure)", hint: "see --listen")
        }
    }

    // MARK: The operator

    private func reload() {
        Task { [settings, log] in
            do {
                let view = try await settings.reload()
                let changed =
                    view.changed.isEmpty ? "nothing has changed" : "changed: " + view.changed.joined(separator: " ")
                log.write(LogLine(.info, "config", code: "reloaded", changed))
                guard !view.needsRestart.isEmpty else { return }
                let keys = view.needsRestart.joined(separator: " ")
                log.warn("config", code: "needs_restart", "these settings wait for a restart: \(keys)")
            } catch {
                let reason = (error as? APIError)?.message ?? "\(error)"
                log.warn("config", code: "reload_failed", "the settings were not taken: \(reason)")
            }
        }
    }

    /// Tells whoever watches over the service that it lives, as long as the loop turns.
    private func watch() -> Task<Void, Never>? {
        guard let service, let interval = service.watchdogInterval else { return nil }
        return Task { [node] in
            while !Task.isCancelled {
                var facts = ShellFacts()
                facts.sinceLastTurn = node.loop.sinceLastTurn
                if facts.isAlive { service.tell("WATCHDOG=1") }
                // Half the time, as sd_watchdog_enabled(3) asks for.
                try? await Task.sleep(for: interval / 2)
            }
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
