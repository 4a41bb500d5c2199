internal import Cryptography
internal import Gossipsub
internal import Identity
internal import Market
internal import OrderedCollections

/// What waits for its signatures: records from gossip, reconciliation and commands, and foreign gossip messages.
///
/// Verification is the scarce resource of a node, so the inbox is bounded in all and per peer, and hands checks to the driver in
/// batches that it can spread over cores.
struct RecordInbox: Sendable {
    /// Who is told the verdict.
    enum Origin: Hashable, Sendable {
        case gossip(PeerID, ValidationID)
        case sync(Sending, RecordID)
        case command(CommandID, index: Int)

        var peer: PeerID? {
            switch self {
            case .gossip(let peer, _): peer
            case .sync(let sending, _): sending.peer
            case .command: nil
            }
        }
    }

    /// Where among the records that a peer sent in one batch one stands.
    struct Sending: Hashable, Sendable {
        let peer: PeerID
        let batch: UInt64
        let place: Int
    }

    enum Item: Sendable {
        case record(PendingRecord, Origin)
        /// A StrictSign message: only whether it is signed, not what it says.
        case message(ValidationID)
    }

    private struct Entry: Sendable {
        let item: Item
        let checkCount: Int
    }

    private var entries: [Entry] = []
    private var checks: [SignatureCheck] = []
    private var batches: OrderedDictionary<BatchID, [Entry]> = [:]
    private var pendingPerPeer: OrderedDictionary<PeerID, Int> = [:]
    private(set) var pendingCount = 0
    private var nextBatch: UInt64 = 1

    /// Whether one more record from there may wait.
    func hasRoom(for origin: Origin) -> Bool {
        guard pendingCount < NodeLimits.pendingRecordCountMax else { return false }
        guard let peer = origin.peer else { return true }
        return pendingPerPeer[peer, default: 0] < NodeLimits.pendingRecordsPerPeerMax
    }

    mutating func add(_ item: Item, checks added: [SignatureCheck]) {
        entries.append(Entry(item: item, checkCount: added.count))
        checks += added
        pendingCount += 1
        if let peer = item.peer { pendingPerPeer[peer, default: 0] += 1 }
    }

    /// The batches that this step filled.
    mutating func takeBatches() -> [(BatchID, [SignatureCheck])] {
        guard !entries.isEmpty else { return [] }
        var taken: [(BatchID, [SignatureCheck])] = []
        var (batch, batchChecks): ([Entry], [SignatureCheck]) = ([], [])
        var offset = 0
        for entry in entries {
            if batchChecks.count + entry.checkCount > NodeLimits.signatureBatchCountMax, !batch.isEmpty {
                taken.append((close(batch), batchChecks))
                (batch, batchChecks) = ([], [])
            }
            batch.append(entry)
            batchChecks += checks[offset..<offset + entry.checkCount]
            offset += entry.checkCount
        }
        if !batch.isEmpty { taken.append((close(batch), batchChecks)) }
        (entries, checks) = ([], [])
        return taken
    }

    private mutating func close(_ batch: [Entry]) -> BatchID {
        let id = BatchID(rawValue: nextBatch)
        nextBatch += 1
        batches[id] = batch
        return id
    }

    /// What a batch was about, each with whether all its signatures hold; empty for a batch that is not known.
    mutating func takeResults(of batch: BatchID, _ results: [Bool]) -> [(Item, Bool)] {
        guard let entries = batches.removeValue(forKey: batch) else { return [] }
        precondition(results.count == entries.reduce(0) { $0 + $1.checkCount }, "a batch came back with another count")
        var offset = 0
        return entries.map { entry in
            defer { offset += entry.checkCount }
            pendingCount -= 1
            if let peer = entry.item.peer { forget(one: peer) }
            return (entry.item, results[offset..<offset + entry.checkCount].allSatisfy(\.self))
        }
    }

    private mutating func forget(one peer: PeerID) {
        let rest = pendingPerPeer[peer, default: 1] - 1
        pendingPerPeer[peer] = rest == 0 ? nil : rest
    }

    func checkInvariants() {
        precondition(pendingCount >= 0 && pendingCount <= NodeLimits.pendingRecordCountMax + NodeLimits.importCountMax)
        precondition(pendingPerPeer.values.allSatisfy { $0 > 0 && $0 <= NodeLimits.pendingRecordsPerPeerMax })
    }
}

extension RecordInbox.Item {
    fileprivate var peer: PeerID? {
        switch self {
        case .record(_, let origin): origin.peer
        case .message: nil
        }
    }
}
