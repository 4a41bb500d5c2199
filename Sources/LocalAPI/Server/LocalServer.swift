internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Glibc
public import Primitives

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
public final class LocalServer: Sendable {
    /// A connect command may take as long as its slowest dial.
    static let requestTimeoutSeconds = 60.0
    /// The longest path that a Unix socket address holds, with its final zero.
    static let pathByteCountMax = 107

    private let server: HTTPServer
    private let task: Task<Void, Never>
    /// Where it listens, with the real port if 0 was asked for; `nil` on a Unix socket.
    public let endpoint: Endpoint?
    private let path: String?

    private init(server: HTTPServer, task: Task<Void, Never>, endpoint: Endpoint?, path: String?) {
        (self.server, self.task, self.endpoint, self.path) = (server, task, endpoint, path)
    }

    /// Listens on a socket file of mode 0600; the file that a dead node left behind is removed.
    public static func start(_ service: APIService, socketPath path: String) async throws -> LocalServer {
        guard path.utf8.count <= pathByteCountMax else { throw LocalServerError.pathTooLong(path: path) }
        if unsafe access(path, F_OK) == 0 {
            if isAnswered(path) { throw LocalServerError.socketInUse(path: path) }
            _ = unsafe unlink(path)
        }
        let server = HTTPServer(
            address: sockaddr_un.unix(path: path),
            timeout: requestTimeoutSeconds,
            logger: .disabled,
            handler: HTTPAdapter(service: service, origin: .socket)
        )
        let task = try await run(server) { LocalServerError.system("\(path): \($0)") }
        // The directory lets nobody in; this is the second lock. A umask would reach every thread of the process.
        guard unsafe chmod(path, 0o600) == 0 else {
            task.cancel()
            throw LocalServerError.system("\(path): its mode cannot be set")
        }
        return LocalServer(server: server, task: task, endpoint: nil, path: path)
    }

    /// Listens on a loopback address; port 0 lets the system choose one.
    public static func start(_ service: APIService, endpoint: Endpoint) async throws -> LocalServer {
        guard endpoint.address.isLoopback else { throw LocalServerError.notLoopback(endpoint) }
        let handler = HTTPAdapter(service: service, origin: .loopback)
        let text = endpoint.address.description
        let server =
            endpoint.address.isIPv4
            ? HTTPServer(
                address: try .inet(ip4: text, port: endpoint.port),
                timeout: requestTimeoutSeconds,
                logger: .disabled,
                handler: handler
            )
            : HTTPServer(
                address: try .inet6(ip6: text, port: endpoint.port),
                timeout: requestTimeoutSeconds,
                logger: .disabled,
                handler: handler
            )
        let task = try await run(server) { error in
            if case SocketError.failed(_, EADDRINUSE, _) = error { return LocalServerError.portTaken(endpoint) }
            return LocalServerError.system("\(endpoint): \(error)")
        }
        var real = endpoint
        switch await server.listeningAddress {
        case .ip4(_, let port)?, .ip6(_, let port)?: real = Endpoint(address: endpoint.address, port: port)
        case .unix?, nil: break
        }
        return LocalServer(server: server, task: task, endpoint: real, path: nil)
    }

    /// Stops listening, ends what is under way and removes the socket file.
    public func stop() async {
        await server.stop(timeout: 0)
        task.cancel()
        await task.value
        if let path { _ = unsafe unlink(path) }
    }

    /// Runs a server in a task of its own and returns once it listens, or failed to.
    private static func run(
        _ server: HTTPServer,
        failure: @Sendable (any Error) -> LocalServerError
    ) async throws -> Task<Void, Never> {
        let (beginnings, beginning) = AsyncStream.makeStream(of: (any Error)?.self)
        let task = Task {
            do { try await server.run() } catch { beginning.yield(error) }
        }
        let waiting = Task {
            do {
                try await server.waitUntilListening()
                beginning.yield(nil)
            } catch { beginning.yield(error) }
        }
        defer { waiting.cancel() }
        for await error in beginnings {
            guard let error else { return task }
            throw failure(error)
        }
        throw CancellationError()
    }

    /// Whether anybody accepts connections on the socket file.
    private static func isAnswered(_ path: String) -> Bool {
        guard let socket = try? Socket(domain: AF_UNIX) else { return false }
        defer { try? socket.close() }
        return (try? socket.connect(to: sockaddr_un.unix(path: path))) != nil
    }
}
