internal import Cryptography
internal import Identity
internal import Market
internal import Node
internal import Primitives

/// The answer to a search.
public struct SearchView: Codable, Sendable {
    /// The query and the order as they were carried out.
    public let query: String
    public let sort: String
    public let matches: Int
    public let rows: [OfferRow]
    public let explanation: ExplanationView?
    /// What was asked of peers; absent if this node follows all that was searched.
    public let asked: AskedView?
}

/// Whom the node has asked about segments that it does not follow.
public struct AskedView: Codable, Sendable {
    public struct Replica: Codable, Sendable {
        public let peer: String
        public let segments: [String]
        public let records: Int
        /// Offers that others have, that still stand, and that it did not show.
        public let omitted: Int
    }

    public let segments: [String]
    public let replicas: [Replica]
    /// Segments for which fewer than three peers in distinct networks answered in full: offers may be missing.
    public let weak: [String]

    /// What whoever relies on the rows must know, a sentence each: who hid something, and where too few were asked.
    public var warnings: [String] {
        let hidden = replicas.filter { $0.omitted > 0 }.map { replica in
            let offers = replica.omitted.counted("offer")
            return "\(replica.peer) left out \(offers) that others have; it is asked last from now on"
        }
        guard !weak.isEmpty else { return hidden }
        let segments = weak.joined(separator: ", ")
        return hidden
            + ["fewer than 3 peers in distinct networks answered for \(segments): offers may be missing"]
    }

    init(_ report: SearchReport) {
        segments = report.segments.map(\.name)
        replicas = report.replicas.map { replica in
            Replica(
                peer: replica.peer.description,
                segments: replica.segments.map(\.name),
                records: replica.recordCount,
                omitted: replica.omittedCount
            )
        }
        weak = report.weak.map(\.name)
    }
}

/// How the search narrowed the market down.
public struct ExplanationView: Codable, Sendable {
    public struct Step: Codable, Sendable {
        public let condition: String
        /// How many rows this condition alone would pass, how many do not state what it asks, how many are left behind it.
        public let passes: Int
        public let unknown: Int
        public let left: Int
    }

    public let rows: Int
    public let steps: [Step]
    public let nearestMiss: NearestMiss?
    public let notes: [String]

    public struct NearestMiss: Codable, Sendable {
        public let provider: String
        public let offerID: String
        public let reasons: [String]
    }

    init(_ explanation: SearchExplanation) {
        rows = explanation.rowCount
        steps = explanation.steps.map {
            Step(condition: $0.term, passes: $0.passCount, unknown: $0.unknownCount, left: $0.survivorCount)
        }
        nearestMiss = explanation.nearestMiss.map { miss in
            NearestMiss(
                provider: PeerID(publicKey: miss.id.provider).description,
                offerID: miss.id.offer.description,
                reasons: miss.shortfalls.map(\.description)
            )
        }
        notes = explanation.notes
    }
}

/// One line of a watched search.
public struct WatchedChange: Codable, Sendable {
    public enum Change: String, Codable, Sendable {
        case appeared, changed, gone
    }

    public let change: Change
    public let provider: String
    public let offerID: String
    /// Absent where the row is gone.
    public let row: OfferRow?
}
