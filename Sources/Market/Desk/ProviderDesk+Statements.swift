internal import OrderedCollections
internal import Primitives

// One author, one row of sequence numbers: whatever else the node signs as records, it signs here.
extension ProviderDesk {
    /// Statements that wait for a block of numbers; more are refused.
    public static let heldAnswerCountMax = 1_024

    mutating func answerSigned(
        _ id: DeskRequestID,
        _ body: RecordBody,
        expiresAt: Int64,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        guard phase == .open else {
            let refusal: DeskRefusal =
                switch phase {
                case .closed: .shuttingDown
                case .doubting: .clockDoubted
                case .catchingUp, .open: .signingNotYet
                case .stopped: .signingStopped
                }
            outputs.append(.answered(id, .failure(refusal)))
            return
        }
        guard heldAnswers.count < Self.heldAnswerCountMax else {
            outputs.append(.answered(id, .failure(.tooManyRequests)))
            return
        }
        let record: SignedRecord
        do {
            record = try sign(body, expiresAt: expiresAt, at: now)
        } catch {
            outputs.append(.answered(id, .failure(error)))
            return
        }
        guard let block = sequence.blockToReserve else {
            outputs.append(.answered(id, .success(record)))
            return
        }
        let ticket = drawTicket()
        heldAnswers[ticket] = (block, id, record)
        outputs.append(.persist(ticket, [.reserveSequences(upTo: block)]))
    }
}
