internal import ArgumentParser
internal import LocalAPI

/// The command `rialto book`.
struct BookCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "book",
        abstract: "Show the order book of a GPU: who sells it for how much, and who wants it.",
        discussion: """
            Asks are offers. Bids are the public ones: those on offers that say so. Requests stand with the most that one GPU may cost \
            for an hour, and with how many providers bid on them publicly. Most bids are private and show nowhere.

            Examples:
              rialto book rtx-4090
              rialto book h100 --json | jq '.asks[0]'
            """
    )

    @OptionGroup var options: GlobalOptions

    @Argument(help: "A GPU of the catalogue, or a family such as a100.")
    var gpu: String

    @Option(parsing: .unconditional, help: "The most rows to show of each side.")
    var limit = 20

    func validate() throws {
        guard limit > 0 else { throw ValidationError("--limit is at least 1") }
    }

    func run() async throws {
        let book = try await options.client.send("GET", "/v1/book/\(gpu)", expecting: OrderBookView.self)
        guard !options.json else { return print(JSONFormat.text(book)) }
        print("asks: \(book.asks.count)   bids: \(book.bids.count)   requests: \(book.requests.count)")
        showAsks(book)
        showBids(book)
        showRequests(book)
    }

    private func showAsks(_ book: OrderBookView) {
        guard !book.asks.isEmpty else { return }
        var table = Table("ASK/GPU/H", "GPUS", "GPU", "OFFER")
        for ask in book.asks.prefix(limit) {
            let name = "\(ask.provider)/\(ask.offerID.prefix(8))"
            table.add("\(Amounts.text(micros: ask.priceMicros)) \(ask.unit)", "\(ask.count)", ask.gpu, name)
        }
        table.print()
    }

    private func showBids(_ book: OrderBookView) {
        guard !book.bids.isEmpty else { return }
        var table = Table("BID/GPU/H", "GPUS", "FOR", "ON", "BY")
        for bid in book.bids.prefix(limit) {
            table.add(
                "\(Amounts.text(micros: bid.priceMicros)) \(bid.unit)",
                "\(bid.count)",
                Amounts.text(seconds: Int64(bid.seconds)),
                "\(bid.provider)/\(bid.offerID.prefix(8))",
                bid.bidder
            )
        }
        table.print()
    }

    private func showRequests(_ book: OrderBookView) {
        guard !book.requests.isEmpty else { return }
        var table = Table("UP TO/GPU/H", "GPUS", "FOR", "BIDS", "BEST", "REQUEST")
        for want in book.requests.prefix(limit) {
            table.add(
                "\(Amounts.text(micros: want.priceMicrosMax)) \(want.unit)",
                "\(want.count)",
                Amounts.text(seconds: Int64(want.seconds)),
                "\(want.bids)",
                want.bestBidMicros.map { "\(Amounts.text(micros: $0)) \(want.unit)" } ?? "-",
                "\(want.renter)/\(want.requestID.prefix(8))"
            )
        }
        table.print()
    }
}
