internal import Primitives

/// One search of the hash table as it went, for whoever counts; that of a command, or the table's own upkeep.
public struct LookupSummary: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case findPeer = "find-peer"
        case closest
        /// A bucket, or the neighbourhood of the node itself, is looked through.
        case refresh
        case provide
        case findProviders = "find-providers"
        case putValue = "put-value"
        case getValue = "get-value"
    }

    public let kind: Kind
    /// `nil` for upkeep.
    public let command: KademliaCommandID?
    /// How many answers led to the nearest peer that answered, its own included; 0 if nobody did.
    public let hops: Int
    /// Those who were asked on the way, and those who were to store.
    public let requestCount: Int
    /// How many of them could not be reached, did not answer in time, or did not store.
    public let failureCount: Int
    public let lasted: Duration
    /// Whether it ended with what was looked for, or with somebody who stores; nothing but the answers' word.
    public let isFound: Bool

    init(_ query: Query, _ result: KademliaResult, at now: Instant) {
        (kind, command) = (query.purpose.summaryKind, query.command)
        hops = query.lookup.nearest?.hops ?? 0
        requestCount = query.lookup.requestCount + query.sentCount
        failureCount = query.lookup.failureCount + query.sentCount - (query.storing?.stored ?? 0)
        lasted = query.startedAt.duration(to: now)
        if case .failed = result { isFound = false } else { isFound = true }
    }
}

extension Query.Purpose {
    fileprivate var summaryKind: LookupSummary.Kind {
        switch self {
        case .findPeer: .findPeer
        case .closest: .closest
        case .refresh: .refresh
        case .provide: .provide
        case .findProviders: .findProviders
        case .putValue: .putValue
        case .getValue: .getValue
        }
    }
}
