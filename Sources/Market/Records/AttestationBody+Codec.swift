internal import Cryptography
internal import Primitives

extension AttestationBody {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let marketClass: MarketClass = try message.value(1, "attestation.class") else {
            throw .missing("attestation.class")
        }
        guard let provider = Ed25519.PublicKey(try message.bytes(2, "attestation.provider", max: 32)) else {
            throw .missing("attestation.provider")
        }
        guard let kind: Kind = try message.value(4, "attestation.kind") else { throw .missing("attestation.kind") }
        self.init(
            marketClass: marketClass,
            provider: provider,
            devices: try message.repeated(
                3,
                "attestation.devices",
                countMax: Bounds.deviceCountMax,
                max: MachineBody.Bounds.commitmentByteCount
            ),
            kind: kind,
            metric: try message.text(5, "attestation.metric", max: Bounds.metricByteCountMax),
            valueMicros: try message.amount(6, "attestation.value"),
            unit: try message.text(7, "attestation.unit", max: Bounds.unitByteCountMax),
            method: try message.text(8, "attestation.method", max: Bounds.methodByteCountMax),
            seed: try message.bytes(9, "attestation.seed", max: Bounds.seedByteCountMax),
            digests: try message.repeated(
                10,
                "attestation.digests",
                countMax: Bounds.digestCountMax,
                max: Bounds.digestByteCount
            ),
            from: try message.time(11, "attestation.from"),
            to: try message.time(12, "attestation.to")
        )
    }

    func write(to writer: inout ProtobufWriter) {
        writer.varint(1, UInt64(marketClass.rawValue))
        writer.bytes(2, provider.bytes)
        for device in devices { writer.bytes(3, device) }
        writer.varint(4, UInt64(kind.rawValue))
        writer.text(5, metric)
        writer.varint(6, UInt64(valueMicros))
        writer.text(7, unit)
        writer.text(8, method)
        writer.bytes(9, seed)
        for digest in digests { writer.bytes(10, digest) }
        writer.varint(11, UInt64(from))
        writer.varint(12, UInt64(to))
    }

    /// Checks every bound, for what we sign as for what we read.
    func check(issuedAt: Int64) throws(RecordError) {
        guard devices.count <= Bounds.deviceCountMax,
            devices.allSatisfy({ $0.count == MachineBody.Bounds.commitmentByteCount })
        else { throw .outOfBounds("attestation.devices") }
        guard isStrictlyAscending(devices, by: { $0.lexicographicallyPrecedes($1) }) else {
            throw .unsorted("attestation.devices")
        }
        try RecordText.check(metric, "attestation.metric", min: 1, max: Bounds.metricByteCountMax)
        try RecordAmount.check(valueMicros, "attestation.value")
        try RecordText.check(unit, "attestation.unit", min: 1, max: Bounds.unitByteCountMax)
        try RecordText.check(method, "attestation.method", min: 1, max: Bounds.methodByteCountMax)
        guard seed.count <= Bounds.seedByteCountMax else { throw .outOfBounds("attestation.seed") }
        guard digests.count <= Bounds.digestCountMax, digests.allSatisfy({ $0.count == Bounds.digestByteCount }) else {
            throw .outOfBounds("attestation.digests")
        }
        guard from > 0, to > from, to <= issuedAt, to - from <= Bounds.windowMillisecondsMax else {
            throw .outOfBounds("attestation.to")
        }
    }
}
