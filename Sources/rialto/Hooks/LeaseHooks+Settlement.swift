internal import Cryptography
internal import Foundation
internal import Identity
internal import LocalAPI
internal import Market
internal import Node

// Settling by the operator's program: it is called until it says what the payment is called.
extension LeaseHooks {
    /// Every order is answered, whatever comes of it: the node waits, and asks again in its own time.
    func settle(_ order: SettlementOrder) {
        let isTaken = enqueue(order.lease.lease) { [self] in
            let outcome = await attempt(order)
            await answer(.settleLease(order.lease.lease, nonce: order.settlement.key.nonce, outcome))
        }
        guard !isTaken else { return }
        let outcome = Settlement.Outcome.failed(complaint: "too many programs wait already")
        Task { [answer] in
            await answer(.settleLease(order.lease.lease, nonce: order.settlement.key.nonce, outcome))
        }
    }

    private func attempt(_ order: SettlementOrder) async -> Settlement.Outcome {
        let (arguments, key) = (policy().settle, order.settlement.key)
        guard !arguments.isEmpty else {
            // A renter without a program has nothing to mend: its provider's rail may have taken the payment.
            guard order.lease.isProvider else { return failed(key, "this node has no program that settles") }
            return failed(key, "no program settles: name it in policy.yaml, settle: [/usr/local/bin/settle]")
        }
        let timeout = Duration.seconds(policy().hookSeconds)
        let result: HookProcess.Result
        do {
            result = try await runProgram(
                arguments,
                input: JSONFormat.encode(SettlementView(order)),
                environment: environment("settle", order.lease).merging(["RIALTO_SETTLEMENT": "\(key)"]) { $1 },
                timeout: timeout
            )
        } catch { return failed(key, "\(arguments[0]) \(error)") }
        let complaint = result.complaint.isEmpty ? "" : ": \(Table.harmless(result.complaint))"
        guard !result.timedOut else {
            return failed(key, "\(arguments[0]) took longer than \(timeout.components.seconds) s\(complaint)")
        }
        guard result.exitCode == 0 else {
            let how = result.exitCode.map { "ended with \($0)" } ?? "was ended by a signal"
            return failed(key, "\(arguments[0]) \(how)\(complaint)")
        }
        let reference = result.output.split(separator: "\n").first.map { Table.harmless(String($0)) } ?? ""
        guard reference.utf8.count <= Settlement.Bounds.referenceByteCountMax else {
            return failed(key, "\(arguments[0]) printed a name of more than 128 bytes")
        }
        log.write(LogLine(.info, "hook", code: "settled", "settlement \(key) is \(reference)"))
        return .settled(reference: reference)
    }

    private func failed(_ key: SettlementKey, _ complaint: String) -> Settlement.Outcome {
        log.warn("hook", code: "settlement_failed", "settlement \(key): \(complaint)")
        var kept = complaint
        while kept.utf8.count > Settlement.Bounds.complaintByteCountMax { kept.removeLast() }
        return .failed(complaint: kept)
    }
}

/// What a program that settles reads on standard input: one JSON object.
struct SettlementView: Encodable {
    struct VoucherView: Encodable {
        let nonce: UInt64
        let amountMicros: Int64
        let tickHash: String
        let signature: String
    }

    /// Is to be paid once, however often it comes.
    let key: String
    /// Whether the program may have been called with this key before.
    let again: Bool
    /// `provider` or `renter`: for whom it settles.
    let role: String
    let leaseID: String
    let provider: String
    let renter: String
    let unit: String
    /// What the renter has promised to the provider in all.
    let amountMicros: Int64
    let voucher: VoucherView
    /// The signed envelopes, in hexadecimal.
    let leaseRecord: String
    let receiptRecord: String?

    init(_ order: SettlementOrder) {
        let lease = order.lease
        (key, again) = ("\(order.settlement.key)", order.isRepeated)
        (role, leaseID) = (lease.isProvider ? "provider" : "renter", lease.lease.description)
        provider = PeerID(publicKey: lease.body.provider).description
        renter = PeerID(publicKey: lease.body.renter).description
        (unit, amountMicros) = (lease.body.price.unit, order.settlement.amountMicros)
        voucher = VoucherView(
            nonce: order.voucher.voucher.nonce,
            amountMicros: order.voucher.voucher.amountMicros,
            tickHash: Self.hex(order.voucher.voucher.tickHash),
            signature: Self.hex(order.voucher.signature)
        )
        leaseRecord = Self.hex(lease.record.envelope)
        receiptRecord = lease.receipt.map { Self.hex($0.envelope) }
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String(UInt16($0) | 0x100, radix: 16).suffix(2) }.joined()
    }
}
