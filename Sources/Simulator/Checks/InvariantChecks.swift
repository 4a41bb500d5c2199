internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import Node
internal import Primitives

/// What must hold after every step, whatever the network does to the nodes.
///
/// The checks trust nobody's word but the bytes: a record is read again, its signatures are computed, its times are compared with the
/// clock that the node was told, and what a node says that it stored is looked for in its book.
struct InvariantChecks: Sendable {
    /// Nodes whose floors are watched: at most this many of the first, so that a hundred thousand nodes need no gigabytes.
    static let watchedNodeCountMax = 512
    /// Up to this many nodes, everyone is looked at every second; above, everyone every ten seconds.
    static let everySecondNodeCountMax = 200
    private static let rounds = 10

    private struct Signed: Hashable, Sendable {
        let author: Ed25519.PublicKey
        let sequence: UInt64
    }

    private struct Author: Sendable {
        /// The highest sequence that it has signed, and what that was when its present life began.
        var highest: UInt64 = 0
        var highestBefore: UInt64 = 0
    }

    var verdicts: VerdictBook
    private var floors: [Floors] = []
    private var signed: [Signed: Int] = [:]
    private var authors: [Ed25519.PublicKey: Author] = [:]
    let graylistThreshold = PeerScoreParams().graylistThreshold
    private var gauges: [Gauge] = []

    init(_ invariants: [Invariant]) { verdicts = VerdictBook(invariants) }

    // MARK: Lives

    mutating func started(
        _ node: Int,
        author: Ed25519.PublicKey,
        losesUnsynced: Bool,
        restored: [(subject: Int, lowest: UInt64)]
    ) {
        authors[author, default: Author()].highestBefore = authors[author]?.highest ?? 0
        guard node < Self.watchedNodeCountMax else { return }
        while floors.count <= node { floors.append(Floors()) }
        floors[node].restart(losesUnsynced: losesUnsynced, restored: restored)
    }

    mutating func acknowledged(_ ticket: Ticket, node: Int) {
        if node < floors.count { floors[node].acknowledged(ticket) }
    }

    mutating func failed(_ ticket: Ticket, node: Int) {
        if node < floors.count { floors[node].failed(ticket) }
    }

    // MARK: Records

    /// An honest node has taken a record into its book; says what that means for its floors.
    mutating func admitted(
        _ record: RecordRegistry.Entry,
        isSound: Bool,
        isFromHonestOwner: Bool,
        node: Int,
        unixMilliseconds: Int64,
        at now: Instant
    ) -> [(subject: Int, lowest: UInt64)] {
        let early = unixMilliseconds + RecordGate.clockToleranceMilliseconds
        let floor = node < floors.count ? floors[node].lowest(of: record.subject) : 0
        let fault: (kind: String, words: String)? =
            if !isSound {
                ("unsigned", "whose signature does not hold")
            } else if record.expiresAt <= unixMilliseconds {
                ("expired", "that expired \(unixMilliseconds - record.expiresAt) ms ago")
            } else if record.issuedAt > early {
                ("early", "from \(record.issuedAt - unixMilliseconds) ms in the future")
            } else if isFromHonestOwner, record.hasFloor, record.sequence < floor {
                ("below-floor", "with sequence \(record.sequence), below its floor \(floor)")
            } else {
                nil
            }
        verdicts.check(.validRecords, fault == nil, kind: fault?.kind, node: node, at: now) {
            "node \(node) holds record \(record.id.shortText) \(fault?.words ?? "")"
        }
        guard node < floors.count, record.hasFloor else { return [] }
        floors[node].raise(record.subject, to: record.sequence)
        return [(record.subject, record.sequence)]
    }

    /// A node has noted that a subject takes nothing up to a sequence.
    mutating func noted(floor sequence: UInt64, of subject: Int, node: Int) -> [(subject: Int, lowest: UInt64)] {
        guard node < floors.count, sequence < .max else { return [] }
        floors[node].raise(subject, to: sequence + 1)
        return [(subject, sequence + 1)]
    }

    mutating func wrote(_ ticket: Ticket, _ raised: [(subject: Int, lowest: UInt64)], node: Int) {
        if node < floors.count { floors[node].wrote(ticket, raised) }
    }

    /// An honest node has published a record of its own that nobody has seen before.
    mutating func signed(_ record: RecordRegistry.Entry, number: Int, node: Int, at now: Instant) {
        let sequence = record.signedSequence
        let key = Signed(author: record.author, sequence: sequence)
        let before = authors[record.author]?.highestBefore ?? 0
        let holds = signed[key].map { $0 == number } ?? true
        let kind = holds ? "lowered" : "repeated"
        verdicts.check(.risingSequences, holds && sequence > before, kind: kind, node: node, at: now) {
            holds
                ? "node \(node) signed sequence \(sequence) although \(before) was signed in a former life"
                : "node \(node) signed sequence \(sequence) twice"
        }
        signed[key] = number
        authors[record.author, default: Author()].highest = max(authors[record.author]?.highest ?? 0, sequence)
    }

    /// What a node said that it stored must be in its book.
    mutating func claimed(_ id: RecordID, node: Int, isHeld: Bool, at now: Instant) {
        verdicts.check(.honestCounts, isHeld, kind: "lacking", node: node, at: now) {
            "record \(id.shortText) was counted as delivered to node \(node), whose book lacks it"
        }
    }

    // MARK: Every second

    /// Looks at the scores and the sizes of an honest live node, if it is its turn.
    mutating func second(
        _ node: Int,
        of nodeCount: Int,
        second: Int,
        witness: inout some Witness,
        isHonest: (PeerID) -> Bool,
        at now: Instant
    ) {
        guard nodeCount <= Self.everySecondNodeCountMax || node % Self.rounds == second % Self.rounds else { return }
        if verdicts.watches(.noHonestGraylist) {
            for peer in witness.connectedPeers(of: node) where isHonest(peer) {
                let score = witness.score(of: peer, at: node)
                verdicts.check(.noHonestGraylist, score >= graylistThreshold, node: node, at: now) {
                    "node \(node) graylists an honest peer with score \(score)"
                }
            }
        }
        guard verdicts.watches(.bounded) else { return }
        gauges.removeAll(keepingCapacity: true)
        witness.gauges(of: node, into: &gauges)
        for gauge in gauges {
            verdicts.check(.bounded, gauge.value <= gauge.limit, kind: gauge.name, node: node, at: now) {
                "\(gauge.name) of node \(node) is \(gauge.value), above its limit \(gauge.limit)"
            }
        }
    }
}

extension RecordID {
    /// The first eight digits: enough to find it in a transcript.
    var shortText: String { String(description.prefix(8)) }
}
