internal import ArgumentParser
internal import LocalAPI

/// The command `rialto offer`.
struct Offer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put GPUs on the market, change offers, and take them back.",
        discussion: """
            An offer is named <provider>/<offer id>; unambiguous beginnings of the offer id alone do.

            Examples:
              rialto offer publish --gpu auto --price 0.35
              rialto offer publish --gpu rtx-4090:2 --price 0.35 --country DE --min 1h --max 7d
              rialto offer update 3fa2 --price 0.31
              rialto offer withdraw 3fa2
            """,
        subcommands: [OfferPublish.self, OfferList.self, OfferShow.self, OfferUpdate.self, OfferWithdraw.self],
        defaultSubcommand: OfferList.self
    )
}

/// Prices and times, as `publish` and `update` take them.
struct TermOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: "For one GPU and one hour, such as 0.35.")
    var price: String?

    @Option(help: "The unit of all prices: a currency code, sat, kWh, credit (default: USD).")
    var unit: String?

    @Option(parsing: .unconditional, help: "The lowest bid that is worth an answer; at most the price.")
    var lowestBid: String?

    @Option(parsing: .unconditional, help: "For one GiB stored for a month.")
    var storagePrice: String?

    @Option(parsing: .unconditional, help: "For one GiB of traffic.")
    var trafficPrice: String?

    @Option(help: "The shortest lease, such as 30m (of a new offer: 1h).")
    var min: String?

    @Option(help: "The longest lease, at most 90d (of a new offer: 7d).")
    var max: String?

    @Option(help: "How long before a reclaim the renter is told, such as 10m.")
    var notice: String?

    func terms() throws -> TermsRequest {
        var terms = TermsRequest()
        terms.unit = unit
        terms.priceMicros = try Self.micros(price, "price")
        terms.lowestBidMicros = try Self.micros(lowestBid, "lowest-bid")
        terms.storageGibMonthMicros = try Self.micros(storagePrice, "storage-price")
        terms.trafficGibMicros = try Self.micros(trafficPrice, "traffic-price")
        terms.minSeconds = try Self.seconds(min, "min")
        terms.maxSeconds = try Self.seconds(max, "max")
        terms.noticeSeconds = try Self.seconds(notice, "notice")
        if let shortest = terms.minSeconds, let longest = terms.maxSeconds, shortest > longest {
            throw CommandFailure(.usage, "--min is longer than --max")
        }
        if let lowest = terms.lowestBidMicros, let price = terms.priceMicros, lowest > price {
            throw CommandFailure(.usage, "--lowest-bid is above --price")
        }
        return terms
    }

    private static func micros(_ text: String?, _ name: String) throws -> Int64? {
        guard let text else { return nil }
        guard let micros = Amounts.micros(text) else {
            throw CommandFailure(
                .usage,
                "--\(name) '\(text)' is no amount",
                hint: "write a decimal number with at most six digits behind the point, such as 0.35"
            )
        }
        return micros
    }

    private static func seconds(_ text: String?, _ name: String) throws -> Int? {
        guard let text else { return nil }
        guard let seconds = Amounts.seconds(text) else {
            throw CommandFailure(.usage, "--\(name) '\(text)' is no span of time", hint: "write 30m, 4h or 7d")
        }
        return seconds
    }
}

/// The command `rialto offer list`.
struct OfferList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "list", abstract: "List this node's offers.")
    @OptionGroup var options: GlobalOptions

    func run() async throws {
        let rows = try await options.client.send("GET", "/v1/offers", expecting: [OfferRow].self)
        guard options.json else { return OfferTable.print(rows) }
        for row in rows { print(JSONFormat.text(row)) }
    }
}

/// The command `rialto offer show`.
struct OfferShow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show one offer of anybody.",
        discussion: "Example: rialto offer show 3fa2"
    )
    @OptionGroup var options: GlobalOptions

    @Argument(help: "<provider>/<offer id>, or the beginning of an offer id.")
    var offer: String

    func run() async throws {
        let row = try await options.client.send("GET", "/v1/offers/\(offer)", expecting: OfferRow.self)
        guard !options.json else { return print(JSONFormat.text(row)) }
        print("offer     \(row.provider)/\(row.offerID)")
        print("record    \(row.recordID)")
        print("gpu       \(Table.harmless(row.gpu)) x\(row.count) free of \(row.total)")
        print("price     \(Amounts.text(micros: row.priceMicros)) \(row.unit) for one GPU and one hour")
        print("storage   \(Amounts.text(micros: row.storageGibMonthMicros)) \(row.unit) for one GiB and month")
        print("traffic   \(Amounts.text(micros: row.trafficGibMicros)) \(row.unit) for one GiB")
        let shortest = Amounts.text(seconds: Int64(row.minSeconds))
        print("lease     \(shortest) to \(Amounts.text(seconds: Int64(row.maxSeconds)))")
        print("modes     on demand\(row.interruptible ? ", interruptible" : "")")
        print("settled   by \(row.settlements.joined(separator: ", "))")
        print("country   \(row.country ?? "not stated")")
        print("state     \(OfferTable.state(row)), heard of \(Amounts.age(seconds: row.ageSeconds)) ago")
    }
}

/// The command `rialto offer update`.
struct OfferUpdate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "update",
        abstract: "Change the terms of an offer of this node.",
        discussion: "Example: rialto offer update 3fa2 --price 0.31"
    )
    @OptionGroup var options: GlobalOptions
    @OptionGroup var terms: TermOptions

    @Argument(help: "<provider>/<offer id>, or the beginning of an offer id.")
    var offer: String

    @Flag(inversion: .prefixedNo, help: "Whether the provider may reclaim the GPUs after the notice.")
    var interruptible: Bool?

    func run() async throws {
        var change = try terms.terms()
        change.interruptible = interruptible
        guard change != TermsRequest() else {
            throw CommandFailure(.usage, "nothing to change", hint: "give what is new, such as --price 0.31")
        }
        let path = "/v1/offers/\(offer)"
        let updated = try await options.client.send("PATCH", path, body: change, expecting: PublishedOffer.self)
        print(options.json ? JSONFormat.text(updated) : "updated \(updated.provider)/\(updated.offerID)")
    }
}

/// The command `rialto offer withdraw`.
struct OfferWithdraw: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "withdraw",
        abstract: "Take an offer of this node off the market.",
        discussion: "Example: rialto offer withdraw 3fa2"
    )
    @OptionGroup var options: GlobalOptions

    @Argument(help: "<provider>/<offer id>, or the beginning of an offer id.")
    var offer: String

    @Option(help: "A close code, 0 to 9999; 0 says nothing.")
    var reason = 0

    func run() async throws {
        guard (0...9_999).contains(reason) else { throw CommandFailure(.usage, "--reason takes 0 to 9999") }
        let path = "/v1/offers/\(offer)"
        _ = try await options.client.send("DELETE", path, query: ["reason": "\(reason)"], expecting: Outcome.self)
        print(options.json ? JSONFormat.text(Outcome()) : "withdrawn \(offer)")
    }
}
