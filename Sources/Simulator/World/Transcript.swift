public import Primitives

/// The last events of a run, as small as they can be kept; rendered only when somebody reads them.
struct EventRing: Sendable {
    /// As many as a failure shows.
    static let countMax = 200

    struct Entry: Sendable {
        let at: Instant
        let code: UInt64
        /// The node that it concerns; `UInt32.max` for the world.
        let node: UInt32
        /// Length, number, or whatever tells two of one kind apart.
        let size: UInt64
    }

    private var entries: [Entry] = []
    private var next = 0

    mutating func append(_ entry: Entry) {
        if entries.count < Self.countMax {
            entries.append(entry)
        } else {
            entries[next] = entry
            next = (next + 1) % Self.countMax
        }
    }

    /// Oldest first.
    var lines: [String] {
        (entries[next...] + entries[..<next]).map(\.text)
    }
}

extension EventRing.Entry {
    private static let names = [
        "", "deadline", "verified", "stored", "store failed", "dial failed", "opened", "identified", "asked",
        "bytes", "rpc", "data", "stream arrived", "stream refused", "stream closed", "stream reset", "closed", "watch",
        "trim", "world", "handshake",
    ]

    var text: String {
        let name = code < UInt64(Self.names.count) ? Self.names[Int(code)] : "event \(code)"
        let who = node == .max ? "world" : "node \(node)"
        return "\(at.seconds) \(who) \(name) \(size)"
    }
}

extension Instant {
    /// Seconds since the start with six digits: `12.345678`.
    public var seconds: String {
        let micros = nanoseconds / 1_000
        let rest = String(micros % 1_000_000)
        return "\(micros / 1_000_000)." + String(repeating: "0", count: 6 - rest.count) + rest
    }
}
