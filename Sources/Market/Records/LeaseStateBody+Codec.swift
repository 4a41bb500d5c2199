internal import Cryptography
internal import Primitives

extension LeaseStateBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let lease = LeaseID(try message.bytes(1, "lease_state.lease_id", max: 16)) else {
            throw .missing("lease_state.lease_id")
        }
        guard let marketClass: MarketClass = try message.value(2, "lease_state.class") else {
            throw .missing("lease_state.class")
        }
        guard let provider = Ed25519.PublicKey(try message.bytes(3, "lease_state.provider", max: 32)) else {
            throw .missing("lease_state.provider")
        }
        guard let standing: LeaseStanding = try message.value(4, "lease_state.standing") else {
            throw .missing("lease_state.standing")
        }
        let code = try message.int(5, "lease_state.code", in: 0...CloseCode.bounds.upperBound)
        self.init(
            lease: lease,
            marketClass: marketClass,
            provider: provider,
            standing: standing,
            code: CloseCode(rawValue: code),
            endAt: try message.time(6, "lease_state.end_at")
        )
        guard code == 0 || self.code != nil else { throw .outOfBounds("lease_state.code") }
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, lease.bytes)
        writer.varint(2, UInt64(marketClass.rawValue))
        writer.bytes(3, provider.bytes)
        writer.varint(4, UInt64(standing.rawValue))
        writer.varint(5, UInt64(code?.rawValue ?? 0))
        writer.varint(6, UInt64(endAt))
    }

    /// Checks every bound, for what we sign as for what we read.
    func check(issuedAt: Int64) throws(RecordError) {
        guard (standing == .closed) == (code != nil) else { throw .contradiction("lease_state.code") }
        let latest = LeaseBody.Bounds.startMillisecondsMax + LeaseBody.Bounds.durationMillisecondsMax
        guard (1...Record.Bounds.timeMax).contains(endAt), endAt - issuedAt <= latest else {
            throw .outOfBounds("lease_state.end_at")
        }
    }
}
