internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Glibc
public import Primitives
internal import Synchronization

/// Why the API cannot be served.
public enum LocalServerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Somebody answers on the socket: another node uses this home.
    case socketInUse(path: String)
    case pathTooLong(path: String)
    case portTaken(Endpoint)
    case notLoopback(Endpoint)
    case system(String)

    public var description: String {
        switch self {
        case .socketInUse(let path): "another node answers on \(path)"
        case .pathTooLong(let path): "\(path) is too long for a socket; choose a home directory with a shorter name"
        case .portTaken(let endpoint): "\(endpoint) is taken by another program"
        case .notLoopback(let endpoint): "the API is served on loopback only, not on \(endpoint)"
        case .system(let message): message
        }
    }
}

/// Serves one `APIService` on a Unix socket or on loopback TCP.
///
/// A server whose socket fails, for want of descriptors above all, is served again: a node that nobody can command is lost to its operator.
public final class LocalServer: Sendable {
    /// A connect command may take as long as its slowest dial.
    static let requestTimeoutSeconds = 60.0
    /// The longest path that a Unix socket address holds, with its final zero.
    static let pathByteCountMax = 107
    /// Between the end of a server and the next try: what it lacked may be there again.
    public static let restPause = Duration.seconds(1)

    /// Where it listens.
    private enum Place: Sendable {
        case path(String)
        case endpoint(Endpoint)
    }

    private struct State {
        var server: HTTPServer
        var isStopped = false
    }

    private let service: APIService
    private let place: Place
    private let restPause: Duration
    private let state: Mutex<State>
    private let task: Mutex<Task<Void, Never>?>
    /// With the real port if 0 was asked for; `nil` on a Unix socket.
    public let endpoint: Endpoint?

    private init(_ service: APIService, at place: Place, _ server: HTTPServer, restPause: Duration) {
        (self.service, self.place, self.restPause) = (service, place, restPause)
        if case .endpoint(let endpoint) = place { self.endpoint = endpoint } else { endpoint = nil }
        state = Mutex(State(server: server))
        task = Mutex(nil)
    }

    /// Listens on a socket file of mode 0600; the file that a dead node left behind is removed.
    ///
    /// `interrupted` hears why it did not listen for a while.
    public static func start(
        _ service: APIService,
        socketPath path: String,
        restPause: Duration = restPause,
        interrupted: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> LocalServer {
        guard path.utf8.count <= pathByteCountMax else { throw LocalServerError.pathTooLong(path: path) }
        if unsafe access(path, F_OK) == 0, isAnswered(path) { throw LocalServerError.socketInUse(path: path) }
        let place = Place.path(path)
        let (server, running) = try await listen(service, at: place)
        return supervised(LocalServer(service, at: place, server, restPause: restPause), running, interrupted)
    }

    /// Listens on a loopback address; port 0 lets the system choose one.
    public static func start(
        _ service: APIService,
        endpoint: Endpoint,
        restPause: Duration = restPause,
        interrupted: @escaping @Sendable (String) -> Void = { _ in }
    ) async throws -> LocalServer {
        guard endpoint.address.isLoopback else { throw LocalServerError.notLoopback(endpoint) }
        let (server, running) = try await listen(service, at: .endpoint(endpoint))
        var real = endpoint
        switch await server.listeningAddress {
        case .ip4(_, let port)?, .ip6(_, let port)?: real = Endpoint(address: endpoint.address, port: port)
        case .unix?, nil: break
        }
        return supervised(LocalServer(service, at: .endpoint(real), server, restPause: restPause), running, interrupted)
    }

    /// Stops listening, ends what is under way and removes the socket file.
    public func stop() async {
        let server = state.withLock { state in
            state.isStopped = true
            return state.server
        }
        await server.stop(timeout: 0)
        let task = task.withLock { $0 }
        task?.cancel()
        await task?.value
        if case .path(let path) = place { _ = unsafe unlink(path) }
    }

    // MARK: Listening

    private static func supervised(
        _ server: LocalServer,
        _ running: Task<Void, any Error>,
        _ interrupted: @escaping @Sendable (String) -> Void
    ) -> LocalServer {
        let task = Task { await server.supervise(running, interrupted) }
        server.task.withLock { $0 = task }
        return server
    }

    /// Waits for the end of a server and listens again, until it was stopped.
    private func supervise(_ first: Task<Void, any Error>, _ interrupted: @Sendable (String) -> Void) async {
        var running: Task<Void, any Error>? = first
        while !Task.isCancelled {
            var reason = "it ended"
            if let task = running {
                await withTaskCancellationHandler {
                    do { try await task.value } catch { reason = "\(error)" }
                } onCancel: {
                    task.cancel()
                }
            }
            guard !Task.isCancelled, !state.withLock(\.isStopped) else { return }
            if running != nil { interrupted(reason) }
            running = nil
            do { try await Task.sleep(for: restPause) } catch { return }
            guard Self.isListeningPossible(at: place),
                let (server, task) = try? await Self.listen(service, at: place)
            else { continue }
            running = task
            let isStopped = state.withLock { state in
                state.server = server
                return state.isStopped
            }
            if isStopped { await server.stop(timeout: 0) }
        }
    }

    /// A server that listens, and the task in which it runs.
    private static func listen(
        _ service: APIService,
        at place: Place
    ) async throws -> (HTTPServer, Task<Void, any Error>) {
        switch place {
        case .path(let path):
            // What a dead node left behind, or our own last socket.
            _ = unsafe unlink(path)
            let adapter = HTTPAdapter(service: service, origin: .socket)
            let server = server(at: sockaddr_un.unix(path: path), adapter)
            let task = try await run(server) { LocalServerError.system("\(path): \($0)") }
            // The directory lets nobody in; this is the second lock. A umask would reach every thread of the process.
            guard unsafe chmod(path, 0o600) == 0 else {
                task.cancel()
                await server.stop(timeout: 0)
                throw LocalServerError.system("\(path): its mode cannot be set")
            }
            return (server, task)
        case .endpoint(let endpoint):
            let adapter = HTTPAdapter(service: service, origin: .loopback)
            let text = endpoint.address.description
            let server =
                endpoint.address.isIPv4
                ? server(at: try sockaddr_in.inet(ip4: text, port: endpoint.port), adapter)
                : server(at: try sockaddr_in6.inet6(ip6: text, port: endpoint.port), adapter)
            let task = try await run(server) { error in
                if case SocketError.failed(_, EADDRINUSE, _) = error { return LocalServerError.portTaken(endpoint) }
                return LocalServerError.system("\(endpoint): \(error)")
            }
            return (server, task)
        }
    }

    private static func server(at address: some FlyingSocks.SocketAddress, _ adapter: HTTPAdapter) -> HTTPServer {
        HTTPServer(address: address, timeout: requestTimeoutSeconds, logger: .disabled, handler: adapter)
    }

    /// Runs a server in a task of its own and returns once it listens, or failed to.
    private static func run(
        _ server: HTTPServer,
        failure: @Sendable (any Error) -> LocalServerError
    ) async throws -> Task<Void, any Error> {
        let (beginnings, beginning) = AsyncStream.makeStream(of: (any Error)?.self)
        let task = Task {
            do { try await server.run() } catch {
                beginning.yield(error)
                throw error
            }
        }
        let waiting = Task {
            do {
                try await server.waitUntilListening()
                beginning.yield(nil)
            } catch { beginning.yield(error) }
        }
        defer { waiting.cancel() }
        var reason: any Error = CancellationError()
        for await error in beginnings {
            guard let error else { return task }
            reason = failure(error)
            break
        }
        // Whatever it was: nobody knows of this server, so nobody else would end it.
        task.cancel()
        await server.stop(timeout: 0)
        throw reason
    }

    /// Descriptors that a server needs at once, and some more.
    private static let descriptorCountMin = 8

    /// Whether a server could begin; one that fails to begin closes nothing of what it opened for that.
    private static func isListeningPossible(at place: Place) -> Bool {
        var spare: [Int32] = []
        defer { for descriptor in spare { _ = close(descriptor) } }
        for _ in 0..<descriptorCountMin {
            let descriptor = unsafe open("/dev/null", O_RDONLY | O_CLOEXEC)
            guard descriptor >= 0 else { return false }
            spare.append(descriptor)
        }
        switch place {
        case .path(let path):
            guard unsafe unlink(path) == 0 || errno == ENOENT, let socket = try? Socket(domain: AF_UNIX) else {
                return false
            }
            defer {
                try? socket.close()
                _ = unsafe unlink(path)
            }
            return (try? socket.bind(to: sockaddr_un.unix(path: path))) != nil
        case .endpoint(let endpoint):
            let text = endpoint.address.description
            guard let socket = try? Socket(domain: endpoint.address.isIPv4 ? AF_INET : AF_INET6) else { return false }
            defer { try? socket.close() }
            return (try? isBound(socket, text, endpoint)) == true
        }
    }

    private static func isBound(_ socket: Socket, _ text: String, _ endpoint: Endpoint) throws -> Bool {
        try socket.setValue(true, for: .localAddressReuse)
        if endpoint.address.isIPv4 {
            try socket.bind(to: sockaddr_in.inet(ip4: text, port: endpoint.port))
        } else {
            try socket.bind(to: sockaddr_in6.inet6(ip6: text, port: endpoint.port))
        }
        return true
    }

    /// Whether anybody accepts connections on the socket file.
    private static func isAnswered(_ path: String) -> Bool {
        guard let socket = try? Socket(domain: AF_UNIX) else { return false }
        defer { try? socket.close() }
        return (try? socket.connect(to: sockaddr_un.unix(path: path))) != nil
    }
}
