internal import Primitives

extension ProofBody {
    /// Reads the two embedded leases; neither embeds anything further, so the depth is one.
    init(parsing message: ParsedMessage) throws(RecordError) {
        let max = RecordKind.lease.envelopeByteCountMax
        let envelopes = try message.repeated(1, "proof.envelopes", countMax: 2, max: max)
        guard envelopes.count == 2 else { throw .missing("proof.envelopes") }
        let first = try SignedRecord(envelope: envelopes[0], as: .leaseOnly)
        let second = try SignedRecord(envelope: envelopes[1], as: .leaseOnly)
        guard first.id < second.id else { throw .unsorted("proof.envelopes") }
        guard let body = ProofBody(first, second) else { throw .contradiction("proof.envelopes") }
        self = body
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, first.envelope)
        writer.bytes(1, second.envelope)
    }
}
