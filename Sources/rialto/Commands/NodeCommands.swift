internal import ArgumentParser
internal import Foundation
internal import LocalAPI
internal import Primitives

/// The command `rialto down`.
struct Down: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Stop the running node in good order: its offers say goodbye.",
        discussion: "Example: rialto down --home /tmp/a"
    )

    @OptionGroup var options: GlobalOptions
    /// An orderly end takes a moment; one that takes longer is worth a complaint.
    private static var patience: Duration { .seconds(25) }

    func run() async throws {
        _ = try await options.client.send("POST", "/v1/shutdown", expecting: Outcome.self)
        let socket = options.directory + "/" + HomeLocation.socketName
        let deadline = ContinuousClock.now.advanced(by: Self.patience)
        while FileManager.default.fileExists(atPath: socket) {
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(.failed, "the node is still stopping", hint: "look at its output")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        print(options.json ? JSONFormat.text(Outcome()) : "stopped")
    }
}

/// The command `rialto id`.
struct Identify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "id",
        abstract: "Show this node's peer id and addresses.",
        discussion: "Example: rialto id --json"
    )

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let identity = try await options.client.send("GET", "/v1/id", expecting: IdentityView.self)
        guard !options.json else { return print(JSONFormat.text(identity)) }
        print(identity.peer)
        for address in identity.addresses { print(address) }
    }
}

/// The command `rialto status`.
struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the state of the running node.",
        discussion: "Example: rialto status --json"
    )

    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let status = try await options.client.send("GET", "/v1/status", expecting: StatusView.self)
        guard !options.json else { return print(JSONFormat.text(status)) }
        print("peer      \(status.peer)")
        print("network   \(status.network)")
        print("up        \(Amounts.age(seconds: status.uptimeSeconds))")
        print("peers     \(status.inboundPeers + status.outboundPeers) (\(status.outboundPeers) outbound)")
        if let table = status.dht { print("table     \(table.servers.counted("server")) (\(table.mode) itself)") }
        print("follows   \(Self.followed(status))")
        print("market    offers \(status.listings), records \(status.records)")
        print("own       \(status.ownOffers.counted("offer"))")
        print("signing   \(Self.signing(status))")
        print(
            "memory    \(status.memoryBytes / 1_024) KiB in \(status.connections) connections, \(status.streams) streams"
        )
        if let failure = status.storeFailure { print("store     fails: \(failure)") }
        print("ready     \(status.health.ready ? "yes" : "no")")
        for reason in status.health.reasons { print("          \(reason.message)") }
        for address in status.addresses { print("listening \(address)") }
    }

    private static func followed(_ status: StatusView) -> String {
        guard let segments = status.segments else { return "the whole market" }
        return segments.map { "\($0.segment) (\($0.reason))" }.joined(separator: ", ")
    }

    private static func signing(_ status: StatusView) -> String {
        switch status.signingState {
        case "signing": "yes"
        case "catching_up": "not yet: the peers are asked what the key has said before"
        case "clock_doubted": "no: the clock was set by a lot and nobody has confirmed it"
        default: "no: the key is in use elsewhere"
        }
    }
}

/// The command `rialto peers`.
struct Peers: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the node's peers, or connect to one.",
        discussion: """
            Examples:
              rialto peers
              rialto peers connect /ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…
            """,
        subcommands: [List.self, Connect.self],
        defaultSubcommand: List.self
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List connected peers.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let peers = try await options.client.send("GET", "/v1/peers", expecting: [PeerView].self)
            guard !options.json else {
                for peer in peers { print(JSONFormat.text(peer)) }
                return
            }
            var table = Table("PEER", "DIRECTION", "ADDRESS", "RTT", "SCORE", "AGENT")
            for peer in peers {
                let time = peer.roundTripMilliseconds.map { "\(Int($0.rounded())) ms" } ?? "-"
                let score = "\((peer.score * 100).rounded() / 100)"
                table.add(peer.peer, peer.direction, peer.address, time, score, peer.agent ?? "-")
            }
            table.print()
        }
    }

    struct Connect: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Connect to a peer.",
            discussion: "Example: rialto peers connect /ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "Its address or addresses, with /p2p/… at the end.")
        var addresses: [String]

        func run() async throws {
            let request = ConnectRequest(addresses: addresses)
            let peer = try await options.client.send("POST", "/v1/peers", body: request, expecting: PeerReference.self)
            print(options.json ? JSONFormat.text(peer) : "connected \(peer.peer)")
        }
    }
}
