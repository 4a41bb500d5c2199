internal import Primitives

extension ConflictBody {
    /// Reads the two embedded envelopes; a conflict in a conflict is refused before it is opened, so is a proof, so the depth is bounded.
    init(parsing message: ParsedMessage) throws(RecordError) {
        let envelopes = try message.repeated(1, "conflict.envelopes", countMax: 2, max: SignedRecord.byteCountMax)
        guard envelopes.count == 2 else { throw .missing("conflict.envelopes") }
        let first = try SignedRecord(envelope: envelopes[0], as: .rival)
        let second = try SignedRecord(envelope: envelopes[1], as: .rival)
        guard first.id < second.id else { throw .unsorted("conflict.envelopes") }
        guard let body = ConflictBody(first, second) else { throw .contradiction("conflict.envelopes") }
        self = body
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, first.envelope)
        writer.bytes(1, second.envelope)
    }
}
