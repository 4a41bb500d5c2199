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
        do {
            return try JSONFormat.decode(Answer.self, from: bytes)
        } catch {
            throw APIClientError.broken("the node's answer to \(method) \(path) is not of this version")
        }
    }

    /// Follows a search: calls `body` with each change until the node ends the stream or `body` throws.
    public func watch(query: [String: String], body: (WatchedChange) throws -> Void) async throws {
        var client = HTTPClient()
        let request = Self.request("GET", "/v1/search/watch", query, [])
        let response: HTTPResponse
        do {
            response = try await client.sendHTTPRequest(request, to: address)
        } catch {
            throw Self.failure(error)
        }
        if response.statusCode.code >= 400 { try Self.check(response, try await Self.whole(response)) }
        guard case .httpBody(let chunks) = response.payload else { return }
        var reader = EventReader()
        for try await chunk in chunks {
            for data in reader.read(chunk) {
                try body(try JSONFormat.decode(WatchedChange.self, from: data))
            }
        }
        _ = consume client
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

/// Takes server-sent events apart (HTML standard, "Server-sent events"): lines of `data:` until an empty line.
struct EventReader {
    private var line: [UInt8] = []
    private var data: [UInt8] = []

    mutating func read(_ bytes: some Sequence<UInt8>) -> [[UInt8]] {
        var events: [[UInt8]] = []
        for byte in bytes {
            guard byte == UInt8(ascii: "\n") else {
                line.append(byte)
                continue
            }
            let prefix = Array("data: ".utf8)
            if line.isEmpty, !data.isEmpty {
                events.append(data)
                data = []
            } else if line.starts(with: prefix) {
                data += line.dropFirst(prefix.count)
            }
            line = []
        }
        return events
    }
}
