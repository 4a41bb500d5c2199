internal import Market
internal import Node
internal import Primitives

extension RequestStatus {
    /// Why no lease came of a request, in a sentence that says how far it got; `nil` unless it failed.
    var reason: String? {
        guard outcome == .failed, let shortage else { return nil }
        guard attempts.isEmpty else { return askedAndAnswered }
        guard shortage.bidCount > 0 else {
            guard shortage.offerCount > 0 else { return "no offer in the market had what was asked" }
            return "\(shortage.offerCount.counted("offer")) had what was asked, and no provider bid for that price"
        }
        guard shortage.fittingCount > 0 else {
            let best = shortage.shortfall.map { "; of the best: \($0)" } ?? ""
            return "\(shortage.bidCount.counted("bid")) came, and none could be accepted\(best)"
        }
        return "\(shortage.fittingCount.counted("bid")) could be accepted, and nobody did in time"
    }

    private var askedAndAnswered: String {
        var answers: [(sentence: String, count: Int)] = []
        for attempt in attempts {
            let sentence = attempt.answer.sentence
            if let known = answers.firstIndex(where: { $0.sentence == sentence }) {
                answers[known].count += 1
            } else {
                answers.append((sentence, 1))
            }
        }
        let said = answers.map { answers.count == 1 && $0.count == 1 ? $0.sentence : "\($0.count) × \($0.sentence)" }
        return "\(attempts.count.counted("bid")) accepted, and no lease came of it: \(said.joined(separator: "; "))"
    }
}

extension RequestStatus.Attempt.Answer {
    /// What the provider answered, or why it was not asked.
    var sentence: String {
        switch self {
        case .bid(let failure): failure.sentence
        case .notPlaced(let failure): APIError(failure).message
        }
    }
}

/// A provider whose bid was accepted, and why no lease came of it.
public struct RequestAttemptView: Codable, Hashable, Sendable {
    public let provider: String
    public let answer: String
}
