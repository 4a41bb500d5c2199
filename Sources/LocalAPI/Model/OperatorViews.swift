internal import Node
internal import Swarm

/// One ban.
public struct BanView: Codable, Hashable, Sendable {
    /// A peer id, an address or a network.
    public let target: String
    /// Unix time in milliseconds; absent if it holds for ever.
    public let untilUnixMs: Int64?
    public let reason: String
    /// `own` if a command gave it, `settings` if config.yaml did.
    public let origin: String

    init(_ ban: Ban, origin: String) {
        (target, untilUnixMs, reason) = (ban.target.description, ban.until, ban.reason)
        self.origin = origin
    }
}

/// Whom to shut out.
public struct BanRequest: Codable, Hashable, Sendable {
    /// A peer id, an address or a network such as 203.0.113.0/24.
    public let target: String
    /// For ever if absent.
    public let seconds: Int?
    public let reason: String?

    public init(target: String, seconds: Int? = nil, reason: String? = nil) {
        (self.target, self.seconds, self.reason) = (target, seconds, reason)
    }
}

/// Where own state is to be copied.
public struct BackupRequest: Codable, Hashable, Sendable {
    /// An absolute path at which nothing is.
    public let path: String

    public init(path: String) {
        self.path = path
    }
}

/// What became of new settings.
public struct ReloadView: Codable, Hashable, Sendable {
    /// Keys whose new value is in force.
    public let changed: [String]
    /// Keys whose new value waits for a restart.
    public let needsRestart: [String]

    public init(changed: [String], needsRestart: [String]) {
        (self.changed, self.needsRestart) = (changed, needsRestart)
    }
}

/// What became of a wish to sign again.
public struct ResumeView: Codable, Hashable, Sendable {
    public let done: Bool
    /// What the node did before: `signing`, `catching_up`, `stopped` or `clock_doubted`.
    public let before: String
}
