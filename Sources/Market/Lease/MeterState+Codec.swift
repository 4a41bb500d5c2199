internal import Cryptography
internal import Primitives

// What the disk keeps of a meter: with it a restarted party goes on where it was, and pays and is paid nothing twice.

extension ProviderMeter.MeterState {
    /// Reads what `stored` wrote; nobody watched since, so nothing has been counted.
    public init(stored bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        self.init()
        let ready = try message.time(1, "meter.ready_at")
        readyAt = ready == 0 ? nil : ready
        activeMilliseconds = try message.time(2, "meter.active_ms")
        lastNumber = try message.uint(3).opaque
        if message.numbers.contains(4) { best = try SignedVoucher(parsing: message.message(4, "meter.voucher")) }
    }

    public var stored: [UInt8] {
        var writer = ProtobufWriter()
        writer.varint(1, UInt64(clamping: readyAt ?? 0))
        writer.varint(2, UInt64(clamping: activeMilliseconds))
        writer.varint(3, lastNumber)
        if let best { writer.message(4) { best.write(to: &$0) } }
        return writer.bytes
    }
}

extension RenterMeter.MeterState {
    /// Reads what `stored` wrote.
    public init(stored bytes: [UInt8]) throws(RecordError) {
        let message = try ParsedMessage(bytes)
        self.init()
        let ready = try message.time(1, "meter.ready_at")
        readyAt = ready == 0 ? nil : ready
        lastTick = try message.uint(2).opaque
        lastNonce = try message.uint(3).opaque
        promisedMicros = try message.amount(4, "meter.promised")
        guard message.numbers.contains(5) else { return }
        newest = try SignedVoucher(parsing: message.message(5, "meter.voucher")).voucher
    }

    public var stored: [UInt8] {
        var writer = ProtobufWriter()
        writer.varint(1, UInt64(clamping: readyAt ?? 0))
        writer.varint(2, lastTick)
        writer.varint(3, lastNonce)
        writer.varint(4, UInt64(clamping: promisedMicros))
        // The signature is the key's, and made again when it is needed.
        if let newest { writer.message(5) { SignedVoucher(voucher: newest, signature: []).write(to: &$0) } }
        return writer.bytes
    }
}
