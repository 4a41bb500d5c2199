internal import Cryptography

/// Who may do what over loopback TCP.
///
/// A page in a browser can send requests to a port of this machine, and can make a name of its own point there (DNS rebinding).
/// So the request must be addressed to loopback, come from no foreign page, and, unless it only reads the market, carry the token.
public struct APIGuard: Sendable {
    private let token: String

    public init(token: String) {
        self.token = token
    }

    func check(_ request: APIRequest, needsToken: Bool) throws(APIError) {
        guard request.origin == .loopback else { return }
        guard let host = request.headers["host"], Self.isLoopback(authority: host) else {
            throw APIError(.forbidden, "the Host of this request is not this machine")
        }
        if let page = request.headers["origin"] {
            let scheme = "http://"
            guard page.hasPrefix(scheme), page.dropFirst(scheme.count) == host else {
                throw APIError(.forbidden, "requests of foreign pages are refused")
            }
        }
        guard needsToken else { return }
        let presented = Array((request.headers["authorization"] ?? "").utf8)
        guard constantTimeEqual(presented, Array("Bearer \(token)".utf8)) else {
            throw APIError(
                .unauthorized,
                "this request needs the token of this node",
                hint: "send 'Authorization: Bearer …' with what api.token in the home directory holds"
            )
        }
    }

    /// Whether a Host header names loopback, with or without a port.
    static func isLoopback(authority: String) -> Bool {
        var name = authority.lowercased()
        if let colon = name.lastIndex(of: ":"), name[name.index(after: colon)...].allSatisfy(\.isNumber) {
            name = String(name[..<colon])
        }
        return ["127.0.0.1", "localhost", "[::1]"].contains(name)
    }
}
