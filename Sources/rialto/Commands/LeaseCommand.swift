internal import ArgumentParser
internal import Foundation
internal import LocalAPI

/// The command `rialto lease`.
struct LeaseCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lease",
        abstract: "Look at this node's leases, as provider and as renter, and end them.",
        discussion: """
            Examples:
              rialto lease list
              rialto lease show 5be1
              rialto lease close 5be1
              rialto lease close 5be1 --code 1002
              rialto lease receipts
              rialto lease settle 5be1 --reference 'SEPA 4711'
            """,
        subcommands: [List.self, Show.self, Close.self, Ready.self, Receipts.self, Settle.self],
        defaultSubcommand: List.self
    )

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List leases, the newest first.")
        @OptionGroup var options: GlobalOptions

        @Flag(help: "Also those that are over.")
        var all = false

        func run() async throws {
            let leases = try await options.client.send("GET", "/v1/leases", expecting: [LeaseRow].self)
                .filter { all || $0.state != "closed" }
            guard !options.json else {
                for lease in leases { print(JSONFormat.text(lease)) }
                return
            }
            LeaseTable.print(leases)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show one lease: terms, usage, money, and how it ended."
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The beginning of a lease's id.")
        var lease: String

        func run() async throws {
            let row = try await options.client.send("GET", "/v1/leases/\(lease)", expecting: LeaseRow.self)
            guard !options.json else { return print(JSONFormat.text(row)) }
            for line in LeaseTable.lines(of: row) { Terminal.say(line) }
        }
    }

    struct Close: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "End a lease; the meter stops, and both sign what it came to.",
            discussion: """
                Codes of a renter: 1000 done, 1001 workload failed, 1002 too slow, 1003 not as described. Codes of a provider: 2000 \
                reclaimed (interruptible leases, after their notice), 2001 maintenance, 2003 workload refused. Of either: 3000 \
                unreachable, 3001 unpaid. Without a code: done, or maintenance.
                """
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The beginning of a lease's id.")
        var lease: String

        @Option(help: "Why, from 1000 to 3999.")
        var code = 0

        func run() async throws {
            let path = "/v1/leases/\(lease)"
            let row = try await options.client.send(
                "DELETE",
                path,
                query: ["code": "\(code)"],
                expecting: LeaseRow.self
            )
            guard !options.json else { return print(JSONFormat.text(row)) }
            guard row.state == "closed" else {
                let at = LeaseTable.time(row.reclaimUnixMs)
                return print("\(row.leaseID) is reclaimed at \(at)")
            }
            print("closed \(row.leaseID): \(row.why ?? "")")
        }
    }

    struct Ready: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that the GPUs of a lease can be used: metering begins.",
            discussion: "Only a provider whose policy waits for this needs it."
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The beginning of a lease's id.")
        var lease: String

        func run() async throws {
            _ = try await options.client.send("POST", "/v1/leases/\(lease)/ready", expecting: Outcome.self)
            print(options.json ? JSONFormat.text(Outcome()) : "ready \(lease)")
        }
    }

    struct Receipts: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List what leases came to, and who has signed it.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let receipts = try await options.client.send("GET", "/v1/receipts", expecting: [ReceiptRow].self)
            guard !options.json else {
                for receipt in receipts { print(JSONFormat.text(receipt)) }
                return
            }
            var table = Table("LEASE", "USED", "OWED", "PAID", "WHY", "SETTLED", "COUNTERSIGNED")
            for receipt in receipts {
                table.add(
                    "\(receipt.leaseID.prefix(12))",
                    "\(receipt.activeSeconds) s",
                    Amounts.text(micros: receipt.owedMicros),
                    "\(Amounts.text(micros: receipt.paidMicros)) \(receipt.unit)",
                    receipt.why,
                    receipt.settlementReference.map(Table.harmless) ?? "-",
                    receipt.countersignatureID.map { "record \($0.prefix(12))" } ?? "not yet"
                )
            }
            table.print()
        }
    }
}

extension LeaseCommand {
    struct Settle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Note that a lease was settled by hand, and under what name.",
            discussion: """
                For leases whose settlement is manual, and for those of exec whose program has failed: it is not called again. What \
                was noted first stands.

                Example: rialto lease settle 5be1 --reference 'SEPA 4711'
                """
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The beginning of a lease's id.")
        var lease: String

        @Option(help: "What the payment is called, at most 128 bytes.")
        var reference: String

        func run() async throws {
            let row = try await options.client.send(
                "POST",
                "/v1/leases/\(lease)/settlement",
                body: SettleRequest(reference: reference),
                expecting: LeaseRow.self
            )
            print(options.json ? JSONFormat.text(row) : "settled \(row.leaseID): \(Table.harmless(reference))")
        }
    }
}

/// The command `rialto credit`.
struct Credit: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show what peers owe this node, and what it owes them.",
        discussion: """
            Mutual credit is a memory of two, not a coin: each voucher of a lease is booked once, as the peer's debt by its provider \
            and as its own by its renter.

            Example: rialto credit --json
            """
    )
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let rows = try await options.client.send("GET", "/v1/credit", expecting: [CreditRow].self)
        guard !options.json else {
            for row in rows { print(JSONFormat.text(row)) }
            return
        }
        var table = Table("PEER", "BALANCE", "")
        for row in rows {
            let meaning = row.micros > 0 ? "owes us" : row.micros < 0 ? "is owed" : "even"
            table.add(row.peer, "\(Amounts.text(micros: row.micros)) \(row.unit)", meaning)
        }
        table.print()
    }
}
