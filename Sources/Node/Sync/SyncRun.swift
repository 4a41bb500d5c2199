internal import Cryptography
internal import Market
internal import Primitives
internal import Reconciliation
internal import Swarm

/// How much two peers compare.
enum SyncScope: Hashable, Sendable {
    /// What presences of the last minutes lie in: the lazy lane.
    case window
    /// Everything: anti-entropy.
    case whole

    /// What is asked about first: one fingerprint for each part, so that the newest presences are settled before what they replace.
    func parts(from cut: UInt64) -> [RangeReconciliation.Part] {
        let base = cut - UInt64(SyncLimits.cutMargin)
        let (start, end) = (base + UInt64(SyncLimits.windowStart), base + UInt64(SyncLimits.windowEnd))
        let isWhole = self == .whole
        return [
            RangeReconciliation.Part(upTo: start, isCompared: isWhole),
            RangeReconciliation.Part(upTo: end, isCompared: true),
        ] + (isWhole ? [RangeReconciliation.Part(upTo: .max, isCompared: true)] : [])
    }
}

/// What a peer is asked for.
enum SyncErrand: Hashable, Sendable {
    case compare(SyncScope)
    /// The newest records of one author.
    case author(Ed25519.PublicKey, isOwn: Bool)
    /// The newest records of one author, for a search that waits for them.
    case hear(Ed25519.PublicKey, for: SyncQueryID)
    /// Offers of lanes that we do not follow ourselves.
    case find(SyncQuestion, for: SyncQueryID)

    /// Whose search waits for it.
    var query: SyncQueryID? {
        switch self {
        case .compare, .author: nil
        case .hear(_, let id), .find(_, let id): id
        }
    }
}

/// Names a question of a search: unique among those of one node.
struct SyncQueryID: Hashable, Sendable {
    let rawValue: UInt64
}

/// What a peer found.
struct SyncFinding: Hashable, Sendable {
    /// Of every record that it sent.
    var ids: Set<RecordID> = []
    /// Lanes that it does not follow, by number.
    var unknown: [UInt8] = []
    /// Where its answer ends; `nil` if nothing is behind it.
    var next: OfferPlace?
}

/// How a run with a peer ended.
public struct SyncOutcome: Hashable, Sendable {
    public enum Ending: Hashable, Sendable, CaseIterable {
        /// Both hold the same now, but for what is refused.
        case complete
        /// A limit was reached: the rest comes with a later run.
        case limited
        /// The peer asks for patience, or has had as much of us as it may.
        case busy
        case unsupported
        case timedOut
        case disconnected
        /// The peer's bytes were no answer, or it gave what was not asked for.
        case malformed
    }

    public var ending: Ending
    /// Whether everything was compared, not the newest presences alone.
    public var isWhole = false
    /// Questions that compared.
    public var roundCount = 0
    /// Records that only one of the two had.
    public var differenceCount = 0
    /// Records that came and were new.
    public var takenCount = 0
    /// Records that we gave.
    public var givenCount = 0

    public init(ending: Ending) {
        self.ending = ending
    }
}

/// One run of ours with one peer: from the first fingerprints until each has what the other had.
///
/// The order is what keeps it cheap. A presence that was renewed stands on one side in its new and on the other in its old version.
/// The newest are fetched first and given next; by then most old versions are gone from both books, and are neither fetched
/// nor given.
struct SyncRun: Sendable {
    enum State: Sendable {
        case opening
        case comparing
        case fetching([RecordID])
        case askingAuthor
        case finding
        /// What came is being judged; what is left of a question that was answered in part.
        case judging(batch: UInt64, rest: Int, asked: Set<RecordID>?, unanswered: [RecordID])
        case giving([RecordID])
    }

    /// What is moved, in this order.
    enum Step: Int, Sendable {
        case fetchNewest, giveNewest, fetchRest, giveRest, done
    }

    let errand: SyncErrand
    var state = State.opening
    var step = Step.fetchNewest
    /// When the run began, by our wall clock: in seconds since the Unix epoch, the same in every question.
    var unixSeconds: Int64 = 0
    /// What expires earlier both sides leave out, in milliseconds since the Unix epoch.
    var cut: UInt64 = 0
    var isLimited = false
    /// For a search.
    var finding = SyncFinding()
    var outcome = SyncOutcome(ending: .complete)
    /// Records that were compared, ours.
    var comparedCount = 0
    /// Ids that the peer announced and did not have.
    var goneCount = 0
    /// Records outside the window that changed hands: what the lazy lane did not explain.
    var movedCount = 0
    /// Records that changed hands although gossip should have brought them to both.
    var lateCount = 0
    /// Lanes that the peer does not follow, by number.
    var unknownLanes: Set<UInt8> = []
    // Each newest first: the last is taken next.
    var wantedNewest: [RecordID] = []
    var wantedRest: [RecordID] = []
    var surplusNewest: [RecordID] = []
    var surplusRest: [RecordID] = []
    /// When the peer's next word is due, and when the run ends whatever it says.
    var deadline: Instant
    let endsAt: Instant

    init(_ errand: SyncErrand, at now: Instant) {
        self.errand = errand
        if case .compare(.whole) = errand { outcome.isWhole = true }
        deadline = now.advanced(by: SyncLimits.answerTimeout)
        endsAt = now.advanced(by: SyncLimits.runTimeout)
    }

    mutating func extend(at now: Instant) {
        deadline = min(endsAt, now.advanced(by: SyncLimits.answerTimeout))
    }

    /// Where the newest presences begin.
    var windowStart: UInt64 { cut + UInt64(SyncLimits.windowStart - SyncLimits.cutMargin) }
    var windowEnd: UInt64 { cut + UInt64(SyncLimits.windowEnd - SyncLimits.cutMargin) }

    var wantedCount: Int { wantedNewest.count + wantedRest.count }

    func isInWindow(_ timestamp: UInt64) -> Bool { windowStart <= timestamp && timestamp < windowEnd }

    /// Whether the difference says that much more may be found.
    var foundMuch: Bool { isLimited || movedCount >= max(SyncLimits.muchCountMin, comparedCount / 100) }

    /// Whether the peer only talked: it said that much differs, or took long to say that nothing does, and no record came of it.
    func isFruitless(at now: Instant) -> Bool {
        guard outcome.takenCount == 0, outcome.givenCount == 0 else { return false }
        return isLimited || now.advanced(by: SyncLimits.runTimeout) >= endsAt.advanced(by: SyncLimits.patience)
    }

    /// Whether the peer announced what it does not have: what we gave it may have replaced some.
    var isDeceived: Bool { goneCount > outcome.givenCount + outcome.takenCount + SyncLimits.brokenPromiseCountMax }
}
