internal import ArgumentParser
internal import LocalAPI

/// What every command takes.
struct GlobalOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The node's directory (default: $RIALTO_HOME, else ~/.local/share/rialto).",
            valueName: "dir"
        )
    )
    var home: String?

    @Flag(help: "Print JSON, one object per line.")
    var json = false

    @Option(
        help: ArgumentHelp(
            "The market's name; nodes of different names share nothing and let go of each other (default: main).",
            valueName: "name"
        )
    )
    var network: String?

    var directory: String { HomeLocation.path(flag: home) }

    var client: NodeClient { NodeClient(home: directory) }
}

/// The running node of a home directory.
struct NodeClient {
    let home: String
    private let api: APIClient

    init(home: String) {
        self.home = home
        api = APIClient(socketPath: home + "/" + HomeLocation.socketName)
    }

    func send<Answer: Decodable>(
        _ method: String,
        _ path: String,
        query: [String: String] = [:],
        expecting type: Answer.Type
    ) async throws -> Answer {
        try checkNames(in: path)
        do {
            return try await api.send(method, path, query: query, expecting: type)
        } catch APIClientError.notRunning {
            throw notRunning
        }
    }

    func send<Answer: Decodable>(
        _ method: String,
        _ path: String,
        body: some Encodable,
        expecting type: Answer.Type
    ) async throws -> Answer {
        try checkNames(in: path)
        do {
            return try await api.send(method, path, body: body, expecting: type)
        } catch APIClientError.notRunning {
            throw notRunning
        }
    }

    func watch(query: [String: String], body: (WatchedChange) throws -> Void) async throws {
        do {
            try await api.watch(query: query, body: body)
        } catch APIClientError.notRunning {
            throw notRunning
        }
    }

    /// Scripts give empty names when a variable of theirs is not set: such a path would be another route.
    private func checkNames(in path: String) throws {
        guard path.hasSuffix("/") || path.contains("//") else { return }
        throw CommandFailure(.usage, "an id or a name is empty", hint: "is a variable of your script not set?")
    }

    private var notRunning: CommandFailure {
        CommandFailure(.notRunning, "no node is running in \(home); start one with: rialto up")
    }
}
