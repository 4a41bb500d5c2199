/// Why a request was not carried out: a code for programs, a sentence for people, and what to do next.
public struct APIError: Error, Codable, Hashable, Sendable {
    public enum Code: String, Codable, Sendable {
        /// The request makes no sense; sending it again will not help.
        case badRequest = "bad_request"
        case unauthorized
        case forbidden
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case ambiguous
        /// The node understood and said no.
        case refused
        case tooMany = "too_many"
        case unavailable
        case `internal`
    }

    public let code: Code
    public let message: String
    /// What to do about it; may be absent.
    public let hint: String?

    public init(_ code: Code, _ message: String, hint: String? = nil) {
        (self.code, self.message, self.hint) = (code, message, hint)
    }

    /// The status line's number (RFC 9110).
    public var status: Int {
        switch code {
        case .badRequest: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .notFound: 404
        case .methodNotAllowed: 405
        case .ambiguous, .refused: 409
        case .tooMany: 429
        case .unavailable: 503
        case .internal: 500
        }
    }
}
