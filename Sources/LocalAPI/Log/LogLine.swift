internal import Foundation

/// One thing that happened, for people and for programs that watch a log.
///
/// Whatever strangers had a hand in is escaped when the line is written: no name of a peer can end a line or begin another.
public struct LogLine: Hashable, Sendable {
    /// No line needs more of a stranger's words.
    static let messageByteCountMax = 512

    public let level: LogLevel
    /// The part of the node that speaks: node, swarm, gossip, records, sync, store, api.
    public let component: String
    /// What happened, in words that stay the same from version to version.
    public let code: String
    public let message: String
    public var peer: String?
    public var address: String?
    /// How many lines like this one were left out before it.
    public var suppressed = 0

    public init(
        _ level: LogLevel,
        _ component: String,
        code: String,
        _ message: String,
        peer: String? = nil,
        address: String? = nil
    ) {
        (self.level, self.component, self.code) = (level, component, code)
        self.message = Self.cut(message)
        (self.peer, self.address) = (peer, address)
    }

    /// The line without its end.
    public func text(_ format: LogFormat, unixMilliseconds: Int64) -> String {
        let time = Self.time(unixMilliseconds)
        switch format {
        case .json: return JSONFormat.text(Entry(self, time: time))
        case .text: return plain(time)
        }
    }

    /// UTC as RFC 3339 writes it; whole seconds are formatted, because a fraction would be rounded down by its last bit.
    private static func time(_ unixMilliseconds: Int64) -> String {
        let (seconds, milliseconds) = max(0, unixMilliseconds).quotientAndRemainder(dividingBy: 1_000)
        let digits = String(milliseconds)
        let whole = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601).dropLast()
        return "\(whole).\(String(repeating: "0", count: 3 - digits.count))\(digits)Z"
    }

    private func plain(_ time: String) -> String {
        var parts = [time, level.rawValue, component, code]
        if let peer { parts.append("peer=\(Self.quoted(peer))") }
        if let address { parts.append("address=\(Self.quoted(address))") }
        if suppressed > 0 { parts.append("suppressed=\(suppressed)") }
        return (parts + [Self.escaped(message)]).joined(separator: " ")
    }

    private struct Entry: Encodable {
        let time: String
        let level: LogLevel
        let component: String
        let code: String
        let message: String
        let peer: String?
        let address: String?
        let suppressed: Int?

        init(_ line: LogLine, time: String) {
            (self.time, level, component, code) = (time, line.level, line.component, line.code)
            (message, peer, address) = (line.message, line.peer, line.address)
            suppressed = line.suppressed > 0 ? line.suppressed : nil
        }
    }

    private static func cut(_ text: String) -> String {
        guard text.utf8.count > messageByteCountMax else { return text }
        return String(decoding: text.utf8.prefix(messageByteCountMax), as: UTF8.self) + "…"
    }

    private static func quoted(_ text: String) -> String {
        let escaped = escaped(text)
        return escaped.contains(" ") || escaped.contains("\"") ? "\"\(escaped)\"" : escaped
    }

    /// Control characters, quotes and backslashes as JSON writes them.
    static func escaped(_ text: String) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .lineSeparator, .paragraphSeparator:
                let digits = String(scalar.value, radix: 16)
                escaped += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
            default:
                if scalar == "\"" || scalar == "\\" { escaped.unicodeScalars.append("\\") }
                escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
