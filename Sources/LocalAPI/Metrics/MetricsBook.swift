internal import Kademlia
internal import Market
public import Node
public import Primitives

/// Counts what a node tells; a value, so that a test can count without a node.
///
/// Every key is a word of ours: no peer, topic or text of a stranger becomes a label, so the book stays as small as it began.
public struct MetricsBook: Sendable {
    private(set) var refusedConnections: [String: UInt64] = [:]
    private(set) var rejectedRecords: [String: UInt64] = [:]
    private(set) var misbehaviours: [String: UInt64] = [:]
    private(set) var reconciliations: [String: UInt64] = [:]
    private(set) var lookups: [String: UInt64] = [:]
    private(set) var lookupRequestCount: UInt64 = 0
    private(set) var storeFailureCount: UInt64 = 0
    private(set) var clockStepCount: UInt64 = 0
    private(set) var listingChangeCount: UInt64 = 0
    private(set) var connectedPeerCount: UInt64 = 0
    private(set) var disconnectedPeerCount: UInt64 = 0

    public init() {}

    public mutating func count(_ event: NodeEvent, at now: Instant) {
        switch event {
        case .connected: connectedPeerCount += 1
        case .disconnected: disconnectedPeerCount += 1
        case .connectionRefused(_, let reason): refusedConnections[reason.label, default: 0] += 1
        case .recordRefused(_, .reject(let rejection)): rejectedRecords[rejection.label, default: 0] += 1
        case .peerMisbehaved(_, let what): misbehaviours[Self.component(of: what), default: 0] += 1
        case .reconciled(_, let outcome): reconciliations[outcome.ending.label, default: 0] += 1
        case .searched(let summary, _):
            lookups[summary.isFound ? "found" : "failed", default: 0] += 1
            lookupRequestCount += UInt64(summary.requestCount)
        case .listingsChanged(let changes): listingChangeCount += UInt64(changes.count)
        case .storeFailed: storeFailureCount += 1
        case .clockStepped: clockStepCount += 1
        case .listening, .listenFailed, .ready, .otherNetwork, .connectFailed, .recordRefused, .storeRecovered,
            .signingStopped,
            .stopping, .bidEnded, .leaseStarted, .leaseChanged, .leaseEnded, .settlementDue:
            break
        }
    }

    /// The part that noticed it; what stands behind the colon may hold a stranger's words.
    private static func component(of what: String) -> String {
        if what.hasPrefix("gossip:") { return "gossip" }
        if what.hasPrefix("sync:") { return "sync" }
        return what.hasPrefix("gossip message") ? "gossip_framing" : "other"
    }
}

extension SyncOutcome.Ending {
    /// The word for it as a label.
    var label: String {
        switch self {
        case .complete: "complete"
        case .limited: "limited"
        case .busy: "busy"
        case .unsupported: "unsupported"
        case .timedOut: "timed_out"
        case .disconnected: "disconnected"
        case .malformed: "malformed"
        }
    }
}
