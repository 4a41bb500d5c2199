internal import ArgumentParser
internal import Foundation
internal import LocalAPI
internal import Primitives

/// The command `rialto bid`.
struct Bid: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Bid for the GPUs of an offer; a bid that is taken is a lease.",
        discussion: """
            Examples:
              rialto bid place 3fa2 --for 4h
              rialto bid place 3fa2 --price 0.30 --gpus 2 --for 4h --image pytorch/pytorch --ssh-key ~/.ssh/id_ed25519.pub
              rialto bid list
              rialto bid cancel 91c0
            """,
        subcommands: [Place.self, List.self, Cancel.self],
        defaultSubcommand: List.self
    )

    struct Place: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bid on an offer, and wait for what becomes of it.",
            discussion: """
                The provider's node decides alone: it awards GPUs, which it then holds for ten seconds, and your node reads the award \
                with care, accepts it, and has a lease that both have signed. A refusal says why, and what would have been accepted. \
                What is to run is sealed for the provider and never leaves the stream.

                A bid at the asked price gets a lease on demand. A lower one, where the offer is interruptible too, gets a lease that \
                yields to a better bid when its notice has passed.

                Without --price the bid is what the offer asks, unless it asks more by now, or in another unit, than when this node has \
                shown it to you. A --price is in the unit that you were shown, or in --unit.

                Examples:
                  rialto bid place 3fa2 --for 4h
                  rialto bid place 3fa2 --price 0.30 --gpus 2 --for 90m --image ubuntu:24.04 --env MODE=train -- python train.py
                """
        )
        @OptionGroup var options: GlobalOptions

        @Argument(help: "<provider>/<offer id>, or the beginning of an offer id.")
        var offer: String

        @Option(help: "For one GPU and one hour, such as 0.30 (default: what the offer asks).")
        var price: String?

        @Option(
            help: "The price's unit: an offer in another one is not bid on (default: the one you were shown, else USD)."
        )
        var unit: String?

        @Option(help: "How many GPUs.")
        var gpus: Int?

        @Option(name: .customLong("slot"), help: "A GPU of the machine by its number; may be given again.")
        var slots: [Int] = []

        @Option(name: .customLong("for"), help: "For how long, such as 30m, 4h or 7d.")
        var duration: String

        @Option(help: "The image to run.")
        var image: String?

        @Option(help: "NAME=value for what runs; may be given again.")
        var env: [String] = []

        @Option(name: .customLong("port"), help: "A port to be reachable; may be given again.")
        var ports: [Int] = []

        @Option(help: "An SSH public key, or a file of one; may be given again.")
        var sshKey: [String] = []

        @Option(help: "The most that may be unpaid at once (default: 10).")
        var maxExposure: String?

        @Flag(help: "Mean a --price of more than twice what the offer asks.")
        var aboveAsk = false

        @Flag(name: .customLong("public"), help: "Show the bid in the order book.")
        var isPublic = false

        @Flag(name: .customLong("no-wait"), help: "Do not wait for what becomes of the bid.")
        var noWait = false

        @Argument(parsing: .postTerminator, help: "The command to run, behind --.")
        var command: [String] = []

        func run() async throws {
            let bid = try await options.client.send("POST", "/v1/bids", body: try request(), expecting: BidRow.self)
            guard !options.json else { return print(JSONFormat.text(bid)) }
            guard let lease = bid.leaseID else {
                print("placed \(bid.bidID)")
                return print("  it is under way; see: rialto bid list")
            }
            print("leased \(lease)")
            let price = "\(Amounts.text(micros: bid.priceMicros)) \(bid.unit)"
            print(
                "  \(bid.gpus.counted("GPU")) for \(Amounts.text(seconds: Int64(bid.seconds))) at \(price) an hour each"
            )
            if let isInterruptible = bid.interruptible {
                print("  \(LeaseTable.mode(isInterruptible, noticeSeconds: bid.noticeSeconds ?? 0))")
            }
            if let settlement = bid.settlement { print("  settled by \(Table.harmless(settlement))") }
            print("  see: rialto lease show \(lease.prefix(8))")
        }

        private func request() throws -> BidRequest {
            guard let seconds = Amounts.seconds(duration) else {
                throw CommandFailure(.usage, "--for '\(duration)' is no span of time", hint: "write 30m, 4h or 7d")
            }
            var request = BidRequest(offer: offer, seconds: seconds)
            request.priceMicros = try Self.micros(price, "price")
            request.unit = unit
            request.exposureMicros = try Self.micros(maxExposure, "max-exposure")
            request.gpus = gpus
            if !slots.isEmpty { request.slots = slots }
            (request.image, request.environment, request.ports) = (image, env, ports)
            for variable in env where !variable.contains("=") {
                throw CommandFailure(.usage, "--env '\(variable)' has no value", hint: "write NAME=value")
            }
            request.command = command
            request.sshKeys = try sshKey.map(Self.key)
            (request.isPublic, request.wait, request.aboveAsk) = (isPublic, !noWait, aboveAsk)
            return request
        }

        private static func micros(_ text: String?, _ name: String) throws -> Int64? {
            guard let text else { return nil }
            guard let micros = Amounts.micros(text) else {
                throw CommandFailure(.usage, "--\(name) '\(text)' is no amount", hint: "write a number such as 0.30")
            }
            return micros
        }

        /// A key as OpenSSH writes it, or the file that holds one.
        private static func key(_ text: String) throws -> String {
            if text.hasPrefix("ssh-") || text.hasPrefix("ecdsa-") || text.hasPrefix("sk-") { return text }
            let path = NSString(string: text).expandingTildeInPath
            guard let content = try? String(contentsOfFile: path, encoding: .utf8) else {
                throw CommandFailure(.usage, "--ssh-key: '\(text)' is no public key, and no file that can be read")
            }
            let line = content.split(separator: "\n").first.map(String.init) ?? ""
            guard line.hasPrefix("ssh-") || line.hasPrefix("ecdsa-") || line.hasPrefix("sk-") else {
                throw CommandFailure(
                    .usage,
                    "--ssh-key: \(text) holds no public key",
                    hint: "the public half ends in .pub; never send the private one"
                )
            }
            return line
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "List this node's bids, the newest first.")
        @OptionGroup var options: GlobalOptions

        func run() async throws {
            let bids = try await options.client.send("GET", "/v1/bids", expecting: [BidRow].self)
            guard !options.json else {
                for bid in bids { print(JSONFormat.text(bid)) }
                return
            }
            var table = Table("BID", "OFFER", "GPUS", "PRICE", "STATE", "")
            for bid in bids {
                let price = "\(Amounts.text(micros: bid.priceMicros)) \(bid.unit)"
                let outcome = bid.leaseID.map { "lease \($0.prefix(12))" } ?? bid.message ?? ""
                table.add(
                    "\(bid.bidID.prefix(12))",
                    "\(bid.offerID.prefix(12))",
                    "\(bid.gpus)",
                    price,
                    bid.state,
                    outcome
                )
            }
            table.print()
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take back a bid that is under way.")
        @OptionGroup var options: GlobalOptions

        @Argument(help: "The beginning of a bid's id.")
        var bid: String

        func run() async throws {
            let row = try await options.client.send("DELETE", "/v1/bids/\(bid)", expecting: BidRow.self)
            if options.json { return print(JSONFormat.text(row)) }
            guard row.reason != "uncertain" else {
                return print("too late for \(row.bidID): it was accepted, and may be a lease; see: rialto lease list")
            }
            print("cancelled \(row.bidID)")
        }
    }
}
