internal import Cryptography
internal import Market
internal import OrderedCollections
internal import Primitives

/// What a node remembers of requests: its own as a renter, and those that it has bid on as a provider.
struct RequestDesk: Sendable {
    static let factName = "requests"
    /// Requests of others that this node has bids on; of more the oldest is forgotten, which only ends the bidding.
    static let answerCountMax = 1_024
    /// Bids that are accepted one after the other when providers do not keep their word: within the ten minutes that bids hold behind the
    /// deadline there is time for a hundred who are silent.
    static let attemptCountMax = 128
    /// How long a provider has for the award that it has promised: an award to somebody else may lapse meanwhile.
    static let patienceMilliseconds: Int64 = 15_000
    /// How long one that was never paid is waited for while others have bid: it is asked twice meanwhile.
    ///
    /// If it was only busy, it is asked once more when nobody else is left, and then in patience.
    static let answerMilliseconds: Int64 = 6_000
    /// How long a network from which a word was not kept stands behind the others, in milliseconds.
    static let lapseMilliseconds: Int64 = 3_600_000
    /// Networks that are remembered for it; of more the first are forgotten.
    static let lapseCountMax = 256
    /// What stands for the networks of all whose addresses nobody has proven: they take their turns together.
    static let unknownNetwork: UInt64 = 0
    /// Requests that are over and still shown.
    static let pastCountMax = 64
    /// How long behind its deadline a request waits for the renter's word.
    static let slackMilliseconds = BidBody.Bounds.auctionSlackMilliseconds

    /// A request of our own.
    struct Own: Sendable {
        var plan: RequestPlan
        /// As it was published.
        var record: SignedRecord?
        var outcome = RequestStatus.Outcome.open
        /// Whose bid is being accepted, and who waits for it.
        var accepting: (provider: Ed25519.PublicKey, network: UInt64, waiter: CommandID?)?
        /// Providers that did not keep their word.
        var tried: Set<Ed25519.PublicKey> = []
        /// Providers that have not answered, and are asked once more when nobody else is left.
        var silent: Set<Ed25519.PublicKey> = []
        /// What became of the bids that were accepted; of many the last.
        var attempts: [RequestStatus.Attempt] = []
        var attemptCount = 0
        /// How many of them each network has had.
        var turns: [UInt64: Int] = [:]
        var privateBids: PrivateBids?
        /// What there was when it failed.
        var shortage: RequestStatus.Shortage?

        /// A provider did not keep its word.
        mutating func note(_ attempt: RequestStatus.Attempt, of network: UInt64) {
            if attempts.count == RequestDesk.attemptCountMax { attempts.removeFirst() }
            attempts.append(attempt)
            attemptCount += 1
            turns[network, default: 0] += 1
            if attempt.answer == .bid(.noAnswer), silent.insert(attempt.provider).inserted { return }
            tried.insert(attempt.provider)
        }
    }

    /// What we bid on somebody's request.
    struct Answer: Sendable {
        let bid: BidID
        var micros: Int64
        var roundCount: Int
        let deadline: Int64
    }

    var own: OrderedDictionary<RequestID, Own> = [:]
    var answers: OrderedDictionary<SubjectKey, Answer> = [:]
    /// Requests whose plan waits for the disk, with what is to be signed behind it.
    var planned: OrderedDictionary<RequestID, (body: RequestBody, command: CommandID)> = [:]
    /// Bids that are placed once the disk knows that one was chosen.
    var chosen: OrderedDictionary<RequestID, BidWish> = [:]
    /// Plans that were written in an earlier life of the node, by which nobody decides once more.
    var bygone: Set<RequestID> = []
    /// Bids of ours that accept a promise, by the number of their command.
    var acceptances: OrderedDictionary<CommandID, RequestID> = [:]
    private var nextNumber: UInt64 = 1
    /// Networks from which a word was not kept, and until when that is remembered, in milliseconds since the Unix epoch.
    private var lapses: OrderedDictionary<UInt64, Int64> = [:]

    init(stored: [UInt8]) {
        for plan in RequestPlan.decoded(stored) {
            own[plan.request] = Own(plan: plan)
            if plan.isDecided { bygone.insert(plan.request) }
        }
    }

    /// The bytes under which the open plans are kept.
    var stored: [UInt8] { RequestPlan.encoded(own.values.filter { $0.outcome == .open }.map(\.plan)) }

    var openCount: Int { own.values.count { $0.outcome == .open } }

    /// When the next request is to be decided or given up, in milliseconds since the Unix epoch.
    var dueAt: Int64? {
        own.values.compactMap { request in
            guard request.outcome == .open, request.accepting == nil else { return nil }
            return decidesItself(request) ? request.plan.deadline : request.plan.deadline + Self.slackMilliseconds
        }.min()
    }

    /// Whether the node chooses a bid at the deadline.
    func decidesItself(_ request: Own) -> Bool {
        request.plan.isAutomatic && request.record != nil && !bygone.contains(request.plan.request)
    }

    /// A bid of ours on an offer goes by the number of a command that no driver gives.
    private static let mark: UInt64 = 3 << 61

    mutating func accept(_ request: RequestID) -> CommandID {
        defer { nextNumber += 1 }
        let command = CommandID(rawValue: Self.mark | nextNumber)
        acceptances[command] = request
        return command
    }

    static func owns(_ command: CommandID) -> Bool { command.rawValue >> 61 == 3 }

    // MARK: Words that were not kept

    mutating func note(_ attempt: RequestStatus.Attempt, of network: UInt64, on request: RequestID, at now: Int64) {
        own[request]?.note(attempt, of: network)
        guard attempt.answer.isBrokenWord, network != Self.unknownNetwork else { return }
        lapses[network] = nil
        if lapses.count == Self.lapseCountMax { lapses.removeFirst() }
        lapses[network] = now + Self.lapseMilliseconds
    }

    /// A network's word was kept.
    mutating func forgive(_ network: UInt64) { lapses[network] = nil }

    /// How many turns a network has had: one more if it did not keep its word on another request.
    func turns(of network: UInt64, for request: Own, at now: Int64) -> Int {
        (request.turns[network] ?? 0) + (lapses[network].map { $0 > now } == true ? 1 : 0)
    }

    // MARK: Bids

    mutating func note(_ answer: Answer, to request: SubjectKey, at now: Int64) {
        answers[request] = answer
        guard answers.count > Self.answerCountMax else { return }
        answers.removeAll { $0.value.deadline <= now }
        if answers.count > Self.answerCountMax { answers.removeFirst() }
    }

    /// Keeps a private bid on an open request of ours, if it is among those that there is room for.
    mutating func keep(
        _ record: SignedRecord,
        from network: UInt64,
        on request: RequestID,
        paid: () -> Set<Ed25519.PublicKey>
    ) -> Refusal? {
        guard case .request(let asked)? = own[request]?.record?.record.body else { return Refusal(.expired) }
        var bids = own[request]?.privateBids ?? PrivateBids(unit: asked.unit)
        let isKept = bids.keep(record, from: network, paid: paid)
        own[request]?.privateBids = bids
        return isKept ? nil : Refusal(.outbid)
    }

    mutating func forgetPast() {
        let past = own.filter { $0.value.outcome != .open }.map(\.key)
        for request in past.prefix(max(0, past.count - Self.pastCountMax)) { own[request] = nil }
    }

    /// Checks what must always hold; for tests and the simulator.
    func checkInvariants() {
        precondition(openCount <= RequestPlan.countMax && own.count <= RequestPlan.countMax + Self.pastCountMax)
        precondition(answers.count <= Self.answerCountMax)
        precondition(own.values.allSatisfy { ($0.privateBids?.count ?? 0) <= PrivateBids.countMax })
        precondition(own.values.allSatisfy { $0.attempts.count <= Self.attemptCountMax })
        precondition(own.values.allSatisfy { $0.attemptCount <= Self.attemptCountMax || !$0.plan.isAutomatic })
        precondition(lapses.count <= Self.lapseCountMax)
    }
}

extension RequestStatus.Attempt.Answer {
    /// Whether the provider did not do what it had promised; else it was not asked, or it was this node that did not go on.
    fileprivate var isBrokenWord: Bool {
        switch self {
        case .bid(.refused), .bid(.wrongAward), .bid(.slotTaken), .bid(.noAnswer), .bid(.uncertain): true
        case .bid(.clocksDiffer), .bid(.cancelled), .bid(.notSigned), .bid(.notDurable), .bid(.invalid),
            .bid(.tooManyBids), .notPlaced:
            false
        }
    }
}
