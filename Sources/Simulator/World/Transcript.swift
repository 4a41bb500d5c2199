public import Primitives

/// One event as it goes into the trace, the ring of the last ones, and the transcript: small, and readable once somebody asks.
struct EventNote: Hashable, Sendable {
    static let world = UInt32.max

    let at: Instant
    let code: UInt64
    /// The node that it concerns; `world` for the world's own.
    let node: UInt32
    /// The node that it comes from, if there is one; else `world`.
    var far = EventNote.world
    /// Length, number, or whatever tells two of one kind apart.
    let size: UInt64

    /// One line: when, who, from whom, what; `more` stands behind it.
    func text(_ more: String = "") -> String {
        let who = node == Self.world ? "world" : "node \(node)"
        let whence = far == Self.world ? "" : " <- node \(far)"
        return "\(at.seconds) \(who)\(whence): \(what)\(more)"
    }

    /// The node that an event of the world's own acts upon.
    var subject: Int? {
        guard node == Self.world else { return nil }
        switch size >> 32 {
        case 1, 2, 3, 4, 7, 9, 10: return Int(size & 0xFFFF_FFFF)
        default: return nil
        }
    }

    /// The number of the step that a fault takes with it.
    var faultStep: Int? { node == Self.world && size >> 32 == 6 ? Int(size & 0xFFFF_FFFF) : nil }

    private var what: String {
        let (high, low) = (size >> 32, size & 0xFFFF_FFFF)
        return switch code {
        case 1: "timer"
        case 3: "write \(size) is durable"
        case 4: "write \(size) failed"
        case 5: "dial \(size >> 2) failed: \(DialFailure(rawValue: UInt8(size & 3)).map { "\($0)" } ?? "unknown")"
        case 6: "connected"
        case 7: "identified"
        case 8: "is asked who it is"
        case 9: "\(size) bytes"
        case 10: high == 0 ? "gossip control" : "gossip with \(high) records, \(low) bytes"
        case 11: "\(low) bytes on stream \(high)"
        case 12: "stream \(size) opened"
        case 13: "no protocol in common for stream request \(size)"
        case 14: "stream \(size) closed"
        case 15: "stream \(size) reset"
        case 16: "connection ended: \(WireEnding(rawValue: UInt8(size)).map { "\($0)" } ?? "unknown")"
        case 17: "looks whether the other can be heard"
        case 18: "looks whether there are too many connections"
        case 20: "message \(size) of the handshake"
        default: worldText(high, low)
        }
    }

    private func worldText(_ kind: UInt64, _ subject: UInt64) -> String {
        switch kind {
        case 1: "starts node \(subject)"
        case 2: "ends the session of node \(subject)"
        case 3: "has node \(subject) publish an offer"
        case 4: "has node \(subject) change a price"
        case 5: "has somebody change a price"
        case 6: "fault step \(subject)"
        case 7: "wakes adversary \(subject)"
        case 9: "has node \(subject) bid"
        case 10: "has node \(subject) search"
        case 11: "has somebody look something up"
        default: "a second has passed"
        }
    }
}

extension WorldEvent {
    /// Kind and subject, for the trace.
    var noteSize: UInt64 {
        switch self {
        case .start(let node): 1 << 32 | UInt64(node)
        case .leave(let life): 2 << 32 | UInt64(life.node)
        case .publish(let life, _): 3 << 32 | UInt64(life.node)
        case .change(let life): 4 << 32 | UInt64(life.node)
        case .changeSomewhere: 5 << 32
        case .fault(let number): 6 << 32 | UInt64(number)
        case .adversary(let life): 7 << 32 | UInt64(life.node)
        case .second: 8 << 32
        case .bid(let life): 9 << 32 | UInt64(life.node)
        case .search(let life): 10 << 32 | UInt64(life.node)
        case .lookUp: 11 << 32
        }
    }
}

/// The last events of a run, rendered only when something has failed.
struct EventRing: Sendable {
    /// As many as a failure shows.
    static let countMax = 200

    private var notes: [EventNote] = []
    private var next = 0

    mutating func append(_ note: EventNote) {
        if notes.count < Self.countMax {
            notes.append(note)
        } else {
            notes[next] = note
            next = next + 1 == Self.countMax ? 0 : next + 1
        }
    }

    /// Oldest first.
    var all: [EventNote] { Array(notes[next...] + notes[..<next]) }
}

/// One event of a run as a line of text.
public struct TranscriptLine: Hashable, Sendable {
    public let text: String
    /// Whom it reached, or upon whom the world acted.
    let nodes: [Int]

    public func concerns(_ node: Int) -> Bool { nodes.contains(node) }
}

extension Simulation {
    /// The last events, as a failure keeps them.
    var lastEvents: [String] { ring.all.map { transcriptLine(of: $0).text } }

    func transcriptLine(of note: EventNote) -> TranscriptLine {
        guard let step = note.faultStep, step < faults.count else {
            let whom = note.node == EventNote.world ? note.subject : Int(note.node)
            return TranscriptLine(text: note.text(), nodes: whom.map { [$0] } ?? [])
        }
        return TranscriptLine(text: note.text(": " + faults[step].words), nodes: faults[step].nodes)
    }
}

extension FaultAction {
    /// So many nodes are named in words.
    private static let namedCountMax = 16

    /// What it does, and to whom.
    var words: String {
        switch self {
        case .partition(_, _, let isOneWay):
            isOneWay ? "what one side says is lost: \(named)" : "nothing passes between one side and the rest: \(named)"
        case .heal: "the partition heals"
        case .swizzle: "links begin to stop and come back"
        case .clog(_, let left, let right): "the link between the nodes \(left) and \(right) stops"
        case .unclog(_, let left, let right): "the link between the nodes \(left) and \(right) comes back"
        case .crash(_, let losesUnsynced):
            losesUnsynced ? "crashes and loses what was not synced: \(named)" : "crashes: \(named)"
        case .restart: "starts whoever crashed of \(named)"
        case .depart: "departs: \(named)"
        case .arrive(let count): "brings new nodes: \(count)"
        case .disconnect: "cuts every connection: \(named)"
        case .slow(_, let factor): factor == 1 ? "no longer slow: \(named)" : "\(factor) times slower: \(named)"
        case .stepClock(_, let by): "steps the clock by \(by.phrase): \(named)"
        case .diskFull(_, let isFull): isFull ? "the disk is full: \(named)" : "the disk has room again: \(named)"
        case .pause(_, let isPaused): isPaused ? "stands still: \(named)" : "goes on: \(named)"
        case .corrupt(let perMille):
            perMille == 0 ? "bytes arrive as they are again" : "changes \(perMille) of a thousand sends"
        }
    }

    /// Whom it hits; empty if that is everybody, or nobody who was there before.
    var nodes: [Int] {
        switch self {
        case .partition(_, let hit, _), .crash(let hit, _), .restart(let hit), .depart(let hit), .disconnect(let hit),
            .slow(let hit, _), .stepClock(let hit, _), .diskFull(let hit, _), .pause(let hit, _):
            hit
        case .clog(_, let left, let right), .unclog(_, let left, let right): [left, right]
        case .heal, .swizzle, .arrive, .corrupt: []
        }
    }

    private var named: String {
        let shown = nodes.prefix(Self.namedCountMax).map { "\($0)" }.joined(separator: ", ")
        let more = nodes.count - Self.namedCountMax
        return (nodes.count == 1 ? "node " : "nodes ") + shown + (more > 0 ? " and \(more) more" : "")
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
