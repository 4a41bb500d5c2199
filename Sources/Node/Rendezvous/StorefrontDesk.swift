internal import Identity
internal import Kademlia
internal import Market
internal import OrderedCollections

/// The commands that want a storefront, and the newest storefronts that they have found.
///
/// A notice hangs at four doors, each with its date and the owner's seal. Whoever owns one door can leave last week's notice there:
/// the seal is good. So all four are read, and the latest date counts; and whoever has read a later one before is not told last week's
/// as news.
struct StorefrontDesk: Sendable {
    /// Providers of whom the newest storefront is remembered, a few kilobytes each; the longest not asked for are forgotten first.
    static let newestCountMax = 256

    private struct Question {
        let target: PeerID
        /// Replicas that are still looked up.
        var pendingCount = StorefrontValues.replicaCount
        var newest: SignedRecord?
        var failure = KademliaFailure.notFound
    }

    /// By the command that waits; as many as the table has searches for.
    private var questions: OrderedDictionary<CommandID, Question> = [:]
    private var newest: OrderedDictionary<PeerID, SignedRecord> = [:]

    /// Every replica of a provider's storefront is about to be looked up.
    mutating func ask(for target: PeerID, _ command: CommandID) {
        precondition(questions[command] == nil, "a command wants one storefront")
        questions[command] = Question(target: target)
    }

    /// One of the replicas has been looked up; with the last of them there is an answer, and whose storefront it is about.
    ///
    /// Values are those that ``StorefrontValues`` has let through. The newest that was ever found counts until it expires.
    mutating func heard(
        _ result: KademliaResult,
        for command: CommandID,
        at unixMilliseconds: Int64
    ) -> (target: PeerID, answer: Result<SignedRecord, KademliaFailure>)? {
        guard var question = questions[command] else { return nil }
        question.pendingCount -= 1
        switch result {
        case .value(let envelope):
            if let found = try? SignedRecord(envelope: envelope) {
                question.newest = Self.newer(question.newest, found)
            }
        // That nobody knows of it is the least that can be said.
        case .failed(let failure): if failure != .notFound { question.failure = failure }
        case .peer, .closest, .provided, .providers, .stored, .withdrawn: break
        }
        questions[command] = question
        guard question.pendingCount == 0 else { return nil }
        questions[command] = nil
        if let seen = newest[question.target], seen.record.expiresAt > unixMilliseconds {
            question.newest = Self.newer(question.newest, seen)
        }
        guard let found = question.newest else { return (question.target, .failure(question.failure)) }
        remember(found, of: question.target)
        return (question.target, .success(found))
    }

    private static func newer(_ known: SignedRecord?, _ other: SignedRecord) -> SignedRecord {
        guard let known, known.record.sequence >= other.record.sequence else { return other }
        return known
    }

    private mutating func remember(_ record: SignedRecord, of target: PeerID) {
        newest[target] = nil
        newest[target] = record
        if newest.count > Self.newestCountMax { newest.removeFirst() }
    }

    /// Checks what must always hold; for tests and the simulator.
    func checkInvariants() {
        precondition(newest.count <= Self.newestCountMax)
        precondition(questions.values.allSatisfy { (1...StorefrontValues.replicaCount).contains($0.pendingCount) })
    }
}
