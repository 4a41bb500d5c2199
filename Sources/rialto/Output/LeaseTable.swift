internal import Foundation
internal import LocalAPI

/// Leases as people read them.
enum LeaseTable {
    static func print(_ leases: [LeaseRow]) {
        var table = Table("LEASE", "ROLE", "STATE", "GPUS", "PRICE", "PAID", "ENDS", "WITH", "")
        for lease in leases {
            let peer = lease.role == "provider" ? lease.renter : lease.provider
            table.add(
                "\(lease.leaseID.prefix(12))",
                lease.role,
                lease.state,
                "\(lease.slots.count)",
                "\(Amounts.text(micros: lease.priceMicros)) \(lease.unit)",
                Amounts.text(micros: lease.paidMicros),
                time(lease.closedUnixMs ?? lease.endUnixMs),
                "\(peer.prefix(16))…",
                note(of: lease)
            )
        }
        table.print()
    }

    private static func note(of lease: LeaseRow) -> String {
        if let why = lease.why { return why }
        return lease.reclaimUnixMs.map { "reclaimed at \(time($0))" } ?? (lease.interruptible ? "interruptible" : "")
    }

    /// What a bid got: the price decides.
    static func mode(_ isInterruptible: Bool, noticeSeconds: Int) -> String {
        guard isInterruptible else { return "on demand" }
        guard noticeSeconds > 0 else { return "interruptible: yields to a better bid at once" }
        return "interruptible: yields to a better bid, with \(Amounts.text(seconds: Int64(noticeSeconds))) of notice"
    }

    static func lines(of lease: LeaseRow) -> [String] {
        var lines = [
            "lease     \(lease.leaseID)",
            "record    \(lease.recordID)",
            "provider  \(lease.provider)\(lease.role == "provider" ? " (this node)" : "")",
            "renter    \(lease.renter)\(lease.role == "renter" ? " (this node)" : "")",
            "gpus      \(lease.slots.count) (\(lease.slots.map(String.init).joined(separator: ", ")))",
            "price     \(Amounts.text(micros: lease.priceMicros)) \(lease.unit) for one GPU and one hour",
            "paid      \(Amounts.text(micros: lease.paidMicros)) of at most \(Amounts.text(micros: lease.capMicros))",
            "time      \(time(lease.startUnixMs)) to \(time(lease.endUnixMs))",
            "mode      \(mode(lease.interruptible, noticeSeconds: lease.noticeSeconds))",
            "state     \(lease.state)\(lease.why.map { ": \($0)" } ?? "")",
        ]
        lines.append("settled   \(settlement(of: lease))")
        if let ready = lease.readyUnixMs { lines.append("ready     \(time(ready))") }
        if let reclaim = lease.reclaimUnixMs { lines.append("reclaimed \(time(reclaim))") }
        if let closed = lease.closedUnixMs { lines.append("closed    \(time(closed))") }
        if let image = lease.image, !image.isEmpty { lines.append("image     \(Table.harmless(image))") }
        if let command = lease.command, !command.isEmpty {
            lines.append("command   \(Table.harmless(command.joined(separator: " ")))")
        }
        // Values may be secrets: the names are enough to recognise them.
        let names = (lease.environment ?? []).map { String($0.prefix { $0 != "=" }) }
        if !names.isEmpty { lines.append("env       \(Table.harmless(names.joined(separator: " ")))") }
        if let receipt = lease.receiptID { lines.append("receipt   \(receipt)") }
        if let signature = lease.countersignatureID { lines.append("signed    \(signature)") }
        return lines
    }

    private static func settlement(of lease: LeaseRow) -> String {
        let told = lease.receiptReference.map(Table.harmless)
        switch lease.settlementState {
        // The other party's rail has it, so nothing is to be paid again; what this node's own program says of it comes second.
        case "due" where lease.role == "renter" && told != nil:
            return "by \(lease.settlement): \(told ?? ""), says the provider\(problem(of: lease))"
        case "settled": return "by \(lease.settlement): \(Table.harmless(lease.settlementReference ?? ""))"
        case "due":
            return "by \(lease.settlement): due\(problem(of: lease))"
        default: return "by \(lease.settlement)\(told.map { ": \($0)" } ?? "")"
        }
    }

    private static func problem(of lease: LeaseRow) -> String {
        lease.settlementProblem.map { "; \(Table.harmless($0))" } ?? ""
    }

    /// In UTC, to the second.
    static func time(_ unixMilliseconds: Int64?) -> String {
        guard let unixMilliseconds else { return "-" }
        return Date(timeIntervalSince1970: Double(unixMilliseconds / 1_000)).formatted(.iso8601)
    }
}
