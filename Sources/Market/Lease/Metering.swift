public import Cryptography
internal import Primitives

/// The provider's word on usage so far: everything in it is cumulative, so a lost tick loses nothing.
public struct MeterTick: Hashable, Sendable {
    public static let payloadType = Array("/rialto/tick/1".utf8)
    public static let digestByteCountMax = 32

    public let lease: LeaseID
    /// Rises with every tick: max(last + 1, now in ms).
    public let number: UInt64
    /// Milliseconds in which the GPUs were ready and not suspended.
    public let activeMilliseconds: Int64
    public let owedMicros: Int64
    /// Of the provider's probes since the last tick; may be empty.
    public let probeDigest: [UInt8]

    public init(
        lease: LeaseID,
        number: UInt64,
        activeMilliseconds: Int64,
        owedMicros: Int64,
        probeDigest: [UInt8] = []
    ) {
        self.lease = lease
        self.number = number
        self.activeMilliseconds = activeMilliseconds
        self.owedMicros = owedMicros
        self.probeDigest = probeDigest
    }

    func payload(network: String) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.text(1, network)
        writer.bytes(2, lease.bytes)
        writer.varint(3, number)
        writer.varint(4, UInt64(clamping: activeMilliseconds))
        writer.varint(5, UInt64(clamping: owedMicros))
        writer.bytes(6, probeDigest)
        return writer.bytes
    }

    public func signed(network: String, by key: Ed25519.PrivateKey) -> SignedTick {
        let payload = payload(network: network)
        return SignedTick(
            tick: self,
            signature: StreamSignature.sign(payloadType: Self.payloadType, payload: payload, by: key)
        )
    }

    /// What a voucher names the tick by.
    public func hash(network: String) -> [UInt8] { SHA256.hash(payload(network: network)) }
}

public struct SignedTick: Hashable, Sendable {
    public let tick: MeterTick
    public let signature: [UInt8]

    public func isSigned(by key: Ed25519.PublicKey, network: String) -> Bool {
        let payload = tick.payload(network: network)
        return StreamSignature.check(
            payloadType: MeterTick.payloadType,
            payload: payload,
            signature: signature,
            by: key
        )
        .holds
    }
}

/// The renter's promise of everything that it pays so far: the highest amount counts, so a lost voucher loses nothing.
public struct Voucher: Hashable, Sendable {
    public static let payloadType = Array("/rialto/voucher/1".utf8)

    public let lease: LeaseID
    /// Rises with every voucher: max(last + 1, now in ms).
    public let nonce: UInt64
    /// Cumulative, at most the lease's cap.
    public let amountMicros: Int64
    /// Of the tick that it answers, 32 bytes.
    public let tickHash: [UInt8]

    public init(lease: LeaseID, nonce: UInt64, amountMicros: Int64, tickHash: [UInt8]) {
        self.lease = lease
        self.nonce = nonce
        self.amountMicros = amountMicros
        self.tickHash = tickHash
    }

    func payload(network: String) -> [UInt8] {
        var writer = ProtobufWriter()
        writer.text(1, network)
        writer.bytes(2, lease.bytes)
        writer.varint(3, nonce)
        writer.varint(4, UInt64(clamping: amountMicros))
        writer.bytes(5, tickHash)
        return writer.bytes
    }

    public func signed(network: String, by key: Ed25519.PrivateKey) -> SignedVoucher {
        let payload = payload(network: network)
        return SignedVoucher(
            voucher: self,
            signature: StreamSignature.sign(payloadType: Self.payloadType, payload: payload, by: key)
        )
    }

    /// What a receipt names the voucher by.
    public func hash(network: String) -> [UInt8] { SHA256.hash(payload(network: network)) }
}

public struct SignedVoucher: Hashable, Sendable {
    public let voucher: Voucher
    public let signature: [UInt8]

    public func isSigned(by key: Ed25519.PublicKey, network: String) -> Bool {
        let payload = voucher.payload(network: network)
        return StreamSignature.check(payloadType: Voucher.payloadType, payload: payload, signature: signature, by: key)
            .holds
    }
}

extension SignedTick {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let lease = LeaseID(try message.bytes(1, "tick.lease_id", max: 16)) else {
            throw .missing("tick.lease_id")
        }
        tick = MeterTick(
            lease: lease,
            number: try message.sequence(2, "tick.number"),
            activeMilliseconds: try message.time(3, "tick.active_ms"),
            owedMicros: try message.amount(4, "tick.owed"),
            probeDigest: try message.bytes(5, "tick.probe_digest", max: MeterTick.digestByteCountMax)
        )
        signature = try message.bytes(6, "tick.signature", max: Ed25519.signatureByteCount)
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, tick.lease.bytes)
        writer.varint(2, tick.number)
        writer.varint(3, UInt64(clamping: tick.activeMilliseconds))
        writer.varint(4, UInt64(clamping: tick.owedMicros))
        writer.bytes(5, tick.probeDigest)
        writer.bytes(6, signature)
    }
}

extension SignedVoucher {
    init(parsing message: ParsedMessage) throws(RecordError) {
        guard let lease = LeaseID(try message.bytes(1, "voucher.lease_id", max: 16)) else {
            throw .missing("voucher.lease_id")
        }
        voucher = Voucher(
            lease: lease,
            nonce: try message.sequence(2, "voucher.nonce"),
            amountMicros: try message.amount(3, "voucher.amount"),
            tickHash: try message.bytes(4, "voucher.tick_hash", max: 32)
        )
        signature = try message.bytes(5, "voucher.signature", max: Ed25519.signatureByteCount)
    }

    func write(to writer: inout ProtobufWriter) {
        writer.bytes(1, voucher.lease.bytes)
        writer.varint(2, voucher.nonce)
        writer.varint(3, UInt64(clamping: voucher.amountMicros))
        writer.bytes(4, voucher.tickHash)
        writer.bytes(5, signature)
    }
}

extension ParsedMessage {
    /// A number that follows the rule of sequences: 1 ..< 2⁶³.
    func sequence(_ number: Int, _ name: String) throws(RecordError) -> UInt64 {
        UInt64(try int(number, name, in: 1...Int(Record.Bounds.sequenceMax)))
    }
}

extension LeaseBody {
    /// How long the GPUs may be used for an amount: the longest time that costs no more.
    public func milliseconds(for micros: Int64) -> Int64 {
        let rate = UInt64(max(0, price.gpuHourMicros)).multipliedReportingOverflow(by: UInt64(slots.count))
        guard !rate.overflow, rate.partialValue > 0, micros > 0 else { return 0 }
        let product = UInt64(micros).multipliedFullWidth(by: 3_600_000)
        guard product.high < rate.partialValue else { return Bounds.durationMillisecondsMax }
        let quotient = rate.partialValue.dividingFullWidth(product).quotient
        return Int64(min(quotient, UInt64(Bounds.durationMillisecondsMax)))
    }

    /// What `milliseconds` of use cost, in micros, rounded up and never above the cap.
    public func cost(ofMilliseconds milliseconds: Int64) -> Int64 {
        let active = UInt64(max(0, min(milliseconds, Bounds.durationMillisecondsMax)))
        let rate = UInt64(max(0, price.gpuHourMicros)).multipliedReportingOverflow(by: UInt64(slots.count))
        guard !rate.overflow else { return capMicros }
        let product = rate.partialValue.multipliedFullWidth(by: active)
        let divisor: UInt64 = 3_600_000
        guard product.high < divisor else { return capMicros }
        let (quotient, remainder) = divisor.dividingFullWidth(product)
        return Int64(min(quotient &+ (remainder > 0 ? 1 : 0), UInt64(max(0, capMicros))))
    }
}
