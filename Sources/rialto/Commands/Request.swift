internal import ArgumentParser
internal import Foundation
internal import LocalAPI

/// The command `rialto request`.
struct Request: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask for GPUs and let providers bid (a reverse auction).",
        discussion: """
            A request says what is wanted and what the whole lease may cost at most. Providers whose policy allows it bid with their \
            offers until the deadline; then the cheapest bid that meets every condition is accepted and becomes a lease. If its provider \
            does not keep its word, the one that you trust most is next, then again the cheapest, for ten minutes; hosts take turns, \
            and 'rialto request list' says what each answered if no lease came of it. With --manual \
            nothing is accepted before you say so. Bids are public: providers underbid each other, and 'rialto book' shows them. With \
            --private each names its lowest price to this node alone. What is to be run stays with this node until a provider is bid on. \
            A bid below what its offer asks makes an interruptible lease where the offer has such.

            Examples:
              rialto request publish --gpu rtx-4090 --count 2 --for 4h --total 3.20 --open 10m --image pytorch
              rialto request publish --gpu a100 --for 1d --total 30 --open 1h --where 'country in [DE,FR] trust>=0.4'
              rialto request bids 3fa2
              rialto request accept 3fa2
            """,
        subcommands: [Publish.self, List.self, Bids.self, Accept.self, Withdraw.self],
        defaultSubcommand: List.self
    )

    struct Publish: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Publish a request.",
            discussion: "Example: rialto request publish --gpu rtx-4090 --for 4h --total 1.60 --open 10m"
        )
        @OptionGroup var options: GlobalOptions

        @Option(help: "A GPU of the catalogue or a family; may be repeated, all of one class.")
        var gpu: [String]

        @Option(help: "How many GPUs.")
        var count = 1

        @Option(name: .customLong("for"), help: "How long the lease is to last, such as 4h.")
        var duration: String

        @Option(help: "The most that the whole lease may cost, such as 3.20.")
        var total: String

        @Option(help: "The unit of all prices (default: USD).")
        var unit: String?

        @Option(help: "How long bids are taken, such as 10m; at most 24h.")
        var open = "10m"

        @Option(help: "Further conditions, as 'rialto search' takes them.")
        var `where`: String?

        @Flag(help: "Accept nothing without 'rialto request accept'.")
        var manual = false

        @Flag(name: .customLong("private"), help: "Let no bidder see what others bid.")
        var hasPrivateBids = false

        @Option(help: "The image to be run.")
        var image: String?

        @Option(help: "NAME=value for what is run; may be repeated.")
        var env: [String] = []

        @Option(help: "A port of what is run; may be repeated.")
        var port: [Int] = []

        @Option(help: "A file with OpenSSH public keys that may log in; may be repeated.")
        var sshKey: [String] = []

        @Argument(parsing: .postTerminator, help: "The command to be run, behind --.")
        var command: [String] = []

        func run() async throws {
            guard let micros = Amounts.micros(total) else {
                throw CommandFailure(.usage, "--total '\(total)' is no amount", hint: "write 3.20")
            }
            var request = RequestRequest(
                gpus: gpu,
                totalMicrosMax: micros,
                seconds: try Self.seconds(duration, "for"),
                openSeconds: try Self.seconds(open, "open")
            )
            (request.count, request.unit, request.filters) = (count, unit, `where`)
            (request.automatic, request.publicBids) = (!manual, !hasPrivateBids)
            (request.image, request.command) = (image, command)
            (request.environment, request.ports) = (env, port)
            request.accessKeys = try sshKey.flatMap(Self.keys)
            let view = try await options.client.send("POST", "/v1/requests", body: request, expecting: RequestView.self)
            print(options.json ? JSONFormat.text(view) : "published request \(view.requestID)")
        }

        private static func seconds(_ text: String, _ name: String) throws -> Int {
            guard let seconds = Amounts.seconds(text), seconds > 0 else {
                throw CommandFailure(.usage, "--\(name) '\(text)' is no span of time", hint: "write 30m, 4h or 7d")
            }
            return seconds
        }

        private static func keys(in path: String) throws -> [String] {
            guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw CommandFailure(.usage, "--ssh-key '\(path)' cannot be read")
            }
            return text.split(separator: "\n").map(String.init).filter { !$0.isEmpty && !$0.hasPrefix("#") }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List this node's requests, the newest first.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let rows = try await options.client.send("GET", "/v1/requests", expecting: [RequestView].self)
            guard !options.json else { return rows.forEach { print(JSONFormat.text($0)) } }
            guard !rows.isEmpty else { return print("no requests") }
            var table = Table("REQUEST", "GPU", "FOR", "UP TO", "BIDS", "BEST", "STATE")
            for row in rows {
                table.add(
                    String(row.requestID.prefix(8)),
                    "\(row.gpus.joined(separator: ",")) x\(row.count)",
                    Amounts.text(seconds: Int64(row.seconds)),
                    "\(Amounts.text(micros: row.totalMicrosMax)) \(row.unit)",
                    "\(row.fitting) of \(row.bids)",
                    row.bestTotalMicros.map { "\(Amounts.text(micros: $0)) \(row.unit)" } ?? "-",
                    row.leaseID.map { "leased as \($0.prefix(8))" } ?? row.state
                )
            }
            table.print()
            for row in rows {
                guard let reason = row.reason else { continue }
                print("request \(row.requestID.prefix(8)) failed: \(Table.harmless(reason))")
            }
        }
    }

    struct Bids: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show what providers bid on a request, the best first.",
            discussion: "Example: rialto request bids 3fa2"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The request's id, or the beginning of it.")
        var request: String

        func run() async throws {
            let path = "/v1/requests/\(request)/bids"
            let rows = try await options.client.send("GET", path, expecting: [RequestBidView].self)
            guard !options.json else { return rows.forEach { print(JSONFormat.text($0)) } }
            guard !rows.isEmpty else { return print("no bids yet") }
            var table = Table("BID", "TOTAL", "PRICE/GPU/H", "GPU", "TRUST", "SETTLED BY", "PROVIDER", "")
            for row in rows {
                table.add(
                    String(row.bidID.prefix(8)),
                    "\(Amounts.text(micros: row.totalMicros)) \(row.unit)",
                    Amounts.text(micros: row.priceMicros),
                    "\(row.gpu ?? "-") x\(row.count)",
                    row.trust.map(Amounts.share) ?? "-",
                    Table.harmless(row.settlements?.joined(separator: ",") ?? "-"),
                    row.provider,
                    row.shortfall ?? ""
                )
            }
            table.print()
        }
    }

    struct Accept: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Accept a bid now, the best one unless you name another, and wait for the lease.",
            discussion: "Example: rialto request accept 3fa2 91c0"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The request's id, or the beginning of it.")
        var request: String

        @Argument(help: "The bid's id, or the beginning of it (default: the best).")
        var bid: String?

        func run() async throws {
            let path = "/v1/requests/\(request)/accept"
            let view = try await options.client.send(
                "POST",
                path,
                body: AcceptRequest(bid: bid),
                expecting: AcceptView.self
            )
            if options.json {
                print(JSONFormat.text(view))
            } else if let lease = view.leaseID {
                print("leased \(lease) from \(view.provider)")
                let row = try await options.client.send("GET", "/v1/leases/\(lease)", expecting: LeaseRow.self)
                print("  \(LeaseTable.mode(row.interruptible, noticeSeconds: row.noticeSeconds))")
            } else {
                Terminal.complain("error: \(view.provider) did not keep its bid: \(view.reason ?? "no reason given")")
            }
            if !view.leased { throw CommandFailure.silent }
        }
    }

    struct Withdraw: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take a request back; its bids bind nobody any more.",
            discussion: "Example: rialto request withdraw 3fa2"
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The request's id, or the beginning of it.")
        var request: String

        func run() async throws {
            _ = try await options.client.send("DELETE", "/v1/requests/\(request)", query: [:], expecting: Outcome.self)
            print(options.json ? JSONFormat.text(Outcome()) : "withdrawn \(request)")
        }
    }
}
