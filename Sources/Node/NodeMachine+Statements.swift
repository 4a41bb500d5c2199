internal import Market
internal import Primitives

// What the node says as records besides offers and leases: signed by the desk, then put into the book and gossiped.
extension NodeMachine {
    /// Has the desk sign a statement; what becomes of it says `statementSigned`.
    mutating func state(_ body: RecordBody, expiresAt: Int64, for purpose: StatementDesk.Purpose) {
        work.append(.desk(.sign(statements.sign(for: purpose), body, expiresAt: expiresAt)))
    }

    mutating func statementSigned(
        _ purpose: StatementDesk.Purpose,
        _ result: Result<SignedRecord, DeskRefusal>,
        at now: Instant,
        into outputs: inout [Output]
    ) {
        switch (purpose, result) {
        case (.request(let request, let command), _):
            requestSigned(request, command, result, at: now, into: &outputs)
        case (.storefront, _): storefrontSigned(result, at: now, into: &outputs)
        case (.announcement, .success(let record)): publishStatement(record, at: now)
        case (.privateBid, .success(let record)): work.append(.leases(.tell(record)))
        case (.statement(let command), .success(let record)):
            publishStatement(record, at: now)
            outputs.append(.answer(command, .statement(record)))
        case (.statement(let command), .failure(let refusal)):
            outputs.append(.answer(command, .failed(.refused(refusal))))
        // What nobody waits for is said another time.
        case (.announcement, .failure), (.privateBid, .failure): break
        }
    }

    mutating func publishStatement(_ record: SignedRecord, at now: Instant) {
        admitOwn(record, at: now)
        gossip(record)
    }
}
