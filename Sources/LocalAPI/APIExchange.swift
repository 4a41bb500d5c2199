internal import Foundation

/// One request, apart from how it arrived.
public struct APIRequest: Sendable {
    /// Which door it came through.
    public enum Origin: Sendable {
        /// The Unix socket: the file's permissions are the guard.
        case socket
        /// Loopback TCP: open to every program, and through a browser to every page, on this machine.
        case loopback
    }

    /// No request is larger: an import of `NodeLimits.importCountMax` records of the usual size.
    public static let bodyByteCountMax = 8 << 20

    public let method: String
    public let path: String
    public let query: [String: String]
    /// By lower-case name.
    public let headers: [String: String]
    public let body: [UInt8]
    public let origin: Origin

    public init(
        _ method: String,
        _ path: String,
        query: [String: String] = [:],
        headers: [String: String] = [:],
        body: [UInt8] = [],
        origin: Origin = .socket
    ) {
        (self.method, self.path, self.query) = (method, path, query)
        (self.headers, self.body, self.origin) = (headers, body, origin)
    }

    var segments: [String] {
        path.split(separator: "/").map { $0.removingPercentEncoding ?? String($0) }
    }

    func decoded<Value: Decodable>(_ type: Value.Type) throws(APIError) -> Value {
        do {
            return try JSONFormat.decode(type, from: body)
        } catch {
            throw APIError(.badRequest, "the body is not the JSON that this route takes", hint: "see /openapi.yaml")
        }
    }

    func number(_ name: String, orElse usual: Int) throws(APIError) -> Int {
        guard let text = query[name] else { return usual }
        guard let number = Int(text) else { throw APIError(.badRequest, "'\(name)' is '\(text)', not a number") }
        return number
    }
}

/// What a request is answered with, apart from how it travels.
public struct APIResponse: Sendable {
    public enum Body: Sendable {
        case bytes([UInt8])
        /// Server-sent events, each whole; the answer ends with the stream.
        case events(AsyncStream<[UInt8]>)
    }

    public let status: Int
    public let contentType: String
    public let body: Body

    init(status: Int = 200, contentType: String, body: Body) {
        (self.status, self.contentType, self.body) = (status, contentType, body)
    }

    static func json(_ value: some Encodable, status: Int = 200) -> APIResponse {
        APIResponse(status: status, contentType: "application/json", body: .bytes(JSONFormat.encode(value)))
    }

    static func failure(_ error: APIError) -> APIResponse {
        json(error, status: error.status)
    }

    static func text(_ text: String, status: Int = 200) -> APIResponse {
        APIResponse(status: status, contentType: "text/plain; charset=utf-8", body: .bytes(Array(text.utf8)))
    }
}
