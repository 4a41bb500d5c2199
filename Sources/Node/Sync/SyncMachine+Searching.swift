internal import Identity
internal import Market
internal import OrderedCollections
internal import Primitives
internal import Swarm

// Lanes come and go, and some are only asked about: both sides of a search in a segment that the asker does not follow.
extension SyncMachine {
    /// Rows that one token of a peer's allowance lets it make us look at.
    private static let rowsPerToken = 512

    mutating func follow(_ lanes: [Int], newWith peers: [PeerID]) {
        for lane in lanes where !followed.contains(lane) { reconciledAt[lane] = nil }
        followed = lanes.sorted()
        // Much was refused only because nobody here followed it.
        refused = RefusedRecords()
        for peer in peers { enqueue(.compare(.whole), to: peer) }
    }

    /// A question of a search goes before whatever else the peer is to be asked.
    mutating func search(_ errand: SyncErrand, _ peer: PeerID, into outputs: inout [Output]) {
        guard let id = errand.query else { preconditionFailure("only searches wait for an answer") }
        let errands = waiting[peer] ?? []
        guard partners[peer] != nil, errands.count < SyncLimits.errandsPerPeerMax,
            waiting[peer] != nil || waiting.count < SyncLimits.waitingCountMax
        else { return outputs.append(.searched(peer, id, nil)) }
        waiting.removeValue(forKey: peer)
        waiting.updateValue([errand] + errands, forKey: peer, insertingAt: 0)
    }

    /// The offers that a peer asks about, the cheapest first, each with what vouches for it: as many as fit into one batch.
    mutating func find(
        _ question: SyncQuestion,
        for peer: PeerID,
        _ stream: StreamHandle,
        _ view: View,
        into outputs: inout [Output]
    ) {
        guard spend(view.book.listings.count / Self.rowsPerToken, by: peer, at: view.now) else {
            return say(.busy, on: stream, into: &outputs)
        }
        let known = question.network == network ? question.lanes.filter { followed.contains(Int($0)) } : []
        let unknown = question.lanes.filter { !known.contains($0) }
        let asked = OfferQuestion(segments: segments(known), models: Set(question.models), after: question.after)
        var (sent, room): (OrderedDictionary<RecordID, [UInt8]>, RecordBatch.Room) = ([:], RecordBatch.Room())
        var last: OfferPlace?
        var isCut = false
        for listing in view.book.listings(answering: asked, at: view.unixMilliseconds) {
            let new = view.book.records(behind: listing).filter { sent[$0.id] == nil }
            // A row goes whole or not at all: half of it would look as if it had been left out.
            guard room.take(new.map(\.envelope)) else {
                isCut = true
                break
            }
            for record in new { sent[record.id] = record.envelope }
            last = listing.place
        }
        let batch = RecordBatch(packing: Array(sent.values))
        guard spend(batch.byteCount / SyncLimits.servedByteCountPerToken, by: peer, at: view.now) else {
            return say(.busy, on: stream, into: &outputs)
        }
        say(.found(batch, unknown: unknown, next: isCut ? last : nil), on: stream, into: &outputs)
    }

    /// The segments among lanes that are given by their numbers.
    func segments(_ numbers: [UInt8]) -> Set<Segment> {
        Set(
            numbers.compactMap { number in
                if Int(number) < lanes.count, case .offers(let segment) = lanes[Int(number)] { segment } else { nil }
            }
        )
    }
}
