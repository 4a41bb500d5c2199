internal import FlyingFox
internal import FlyingSocks
internal import Foundation
internal import Glibc

/// Why there is no answer.
public enum APIClientError: Error, Hashable, Sendable {
    /// Nobody listens on the socket.
    case notRunning
    /// The connection broke, or what came back is not of this version.
    case broken(String)
}

/// Talks to a node over its Unix socket.
public struct APIClient: Sendable {
    private let socketPath: String

    public init(socketPath: String) {
        self.socketPath = socketPath
    }

    /// Asks and reads the answer.
    ///
    /// - Throws: `APIError` as the node said it; `APIClientError` if it said nothing.
    public func send<Answer: Decodable>(
        _ method: String,
        _ path: String,
        query: [String: String] = [:],
        expecting: Answer.Type
    ) async throws -> Answer {
        try await exchange(method, path, query, body: [])
    }

    /// As above with a body.
    public func send<Answer: Decodable>(
        _ method: String,
        _ path: String,
        body: some Encodable,
        expecting: Answer.Type
    ) async throws -> Answer {
        try await exchange(method, path, [:], body: JSONFormat.encode(body))
    }

    private func exchange<Answer: Decodable>(
        _ method: String,
        _ path: String,
        _ query: [String: String],
        body: [UInt8]
    ) async throws -> Answer {
        let bytes = try await bytes(method, path, query, body: body)
        do {
            return try JSONFormat.decode(Answer.self, from: bytes)
        } catch {
            throw APIClientError.broken("the node's answer to \(method) \(path) is not of this version")
        }
    }

    /// Asks a route that answers in words, not in JSON.
    public func text(_ method: String, _ path: String) async throws -> String {
        String(decoding: try await bytes(method, path, [:], body: []), as: UTF8.self)
    }

    private func bytes(
        _ method: String,
        _ path: String,
        _ query: [String: String],
        body: [UInt8]
    ) async throws -> [UInt8] {
        var client = HTTPClient()
        let response: HTTPResponse
        do {
            response = try await client.sendHTTPRequest(Self.request(method, path, query, body), to: address)
        } catch {
            throw Self.failure(error)
        }
        let bytes = try await Self.whole(response)
        _ = consume client
        try Self.check(response, bytes)
        return bytes
    }

    /// Follows a search: calls `body` with each change until the node ends the stream or `body` throws.
    ///
    /// The library's client reads an answer to its end before it gives it out, so a stream is read from the socket here.
    public func watch(query: [String: String], body: (WatchedChange) throws -> Void) async throws {
        let socket: AsyncSocket
        do {
            socket = try await AsyncSocket.connected(to: address)
        } catch {
            throw Self.failure(error)
        }
        defer { try? socket.close() }
        try await socket.write(Self.watchHead(query))
        var reader = StreamReader()
        while let bytes = try await Self.more(socket) {
            for data in reader.read(bytes) {
                guard reader.status < 400 else {
                    throw (try? JSONFormat.decode(APIError.self, from: data))
                        ?? APIError(.internal, "status \(reader.status)")
                }
                try body(try JSONFormat.decode(WatchedChange.self, from: data))
            }
        }
    }

    private static func watchHead(_ query: [String: String]) -> Data {
        var parts = URLComponents()
        parts.path = "/v1/search/watch"
        parts.queryItems = query.sorted { $0.key < $1.key }.map { URLQueryItem(name: $0.key, value: $0.value) }
        let target = parts.percentEncodedPath + "?" + (parts.percentEncodedQuery ?? "")
        return Data("GET \(target) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8)
    }

    /// `nil` at the end of the stream.
    private static func more(_ socket: AsyncSocket) async throws -> [UInt8]? {
        do {
            return try await socket.read(atMost: 16_384)
        } catch SocketError.disconnected {
            return nil
        }
    }

    private var address: sockaddr_un { .unix(path: socketPath) }

    private static func request(
        _ method: String,
        _ path: String,
        _ query: [String: String],
        _ body: [UInt8]
    ) -> HTTPRequest {
        let items = query.sorted { $0.key < $1.key }.map { HTTPRequest.QueryItem(name: $0.key, value: $0.value) }
        return HTTPRequest(
            method: HTTPMethod(method),
            version: .http11,
            path: path,
            query: items,
            headers: [.host: "localhost", .contentType: "application/json"],
            body: Data(body)
        )
    }

    private static func failure(_ error: any Error) -> APIClientError {
        if case SocketError.failed(type: "Connect", _, _) = error { return .notRunning }
        return .broken("\(error)")
    }

    /// Throws what the node refused.
    private static func check(_ response: HTTPResponse, _ bytes: [UInt8]) throws {
        guard response.statusCode.code >= 400 else { return }
        if let error = try? JSONFormat.decode(APIError.self, from: bytes) { throw error }
        throw APIClientError.broken("status \(response.statusCode.code)")
    }

    private static func whole(_ response: HTTPResponse) async throws -> [UInt8] {
        guard case .httpBody(let chunks) = response.payload else { return [] }
        var bytes: [UInt8] = []
        for try await chunk in chunks { bytes.append(contentsOf: chunk) }
        return bytes
    }
}
