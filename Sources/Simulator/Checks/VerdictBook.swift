internal import Primitives

/// What was found against each invariant: how often it was looked at, how often it failed, and where first.
struct VerdictBook: Sendable {
    /// Lines of transcript that a failure keeps.
    static let lastEventCountMax = 200

    private struct Page: Sendable {
        let invariant: Invariant
        var checkCount = 0
        var failureCount = 0
        var first: (kind: String?, detail: String, at: Instant, node: Int)?
        var lastEvents: [String] = []
    }

    /// In the order of the scenario.
    private var pages: [Page]
    /// Whether a first failure waits for its transcript.
    private(set) var wantsEvents = false

    init(_ invariants: [Invariant]) { pages = invariants.map { Page(invariant: $0) } }

    var hasFailed: Bool { pages.contains { $0.failureCount > 0 } }

    func watches(_ invariant: Invariant) -> Bool { pages.contains { $0.invariant == invariant } }

    /// Notes one look at an invariant; `detail` says what was wrong, in words, and is asked for only then.
    ///
    /// `kind` tells ways to fail apart where there are several.
    mutating func check(
        _ invariant: Invariant,
        _ holds: Bool,
        kind: String? = nil,
        node: Int,
        at now: Instant,
        _ detail: () -> String
    ) {
        guard let index = pages.firstIndex(where: { $0.invariant == invariant }) else { return }
        pages[index].checkCount += 1
        guard !holds else { return }
        pages[index].failureCount += 1
        guard pages[index].first == nil else { return }
        pages[index].first = (kind, detail(), now, node)
        wantsEvents = true
    }

    /// Takes the last events before the failures that have none yet.
    mutating func attach(_ lastEvents: [String]) {
        wantsEvents = false
        for index in pages.indices where pages[index].first != nil && pages[index].lastEvents.isEmpty {
            pages[index].lastEvents = lastEvents.suffix(Self.lastEventCountMax)
        }
    }

    var verdicts: [Verdict] {
        pages.map { page in
            guard let (kind, detail, at, node) = page.first else {
                return Verdict(name: page.invariant.rawValue, isPassed: true, finding: "held \(page.checkCount) times")
            }
            let finding = "\(detail); failed \(page.failureCount) of \(page.checkCount) times"
            let failure = Verdict.Failure(at: at, node: node, lastEvents: page.lastEvents)
            return Verdict(
                name: page.invariant.rawValue,
                isPassed: false,
                finding: finding,
                kind: kind,
                failure: failure
            )
        }
    }
}
