internal import LocalAPI

/// Rows of the market for people.
enum OfferTable {
    /// Prints the rows; the fourth column is what they were sorted by, or the quote.
    static func print(_ rows: [OfferRow], sort: String = "price") {
        guard !rows.isEmpty else { return Terminal.say("no offers") }
        let isByQuote = sort.hasSuffix("price")
        let rank = isByQuote ? "QUOTE/H" : sort.uppercased()
        var table = Table("OFFER", "GPU", "PRICE/GPU/H", rank, "COUNTRY", "AGE", "STATE")
        for row in rows {
            let quote = row.quoteMicros.map { "\(Amounts.text(micros: $0)) for \(row.quoteCount ?? 1)" } ?? "-"
            table.add(
                name(row),
                "\(row.gpu) x\(row.count)",
                "\(Amounts.text(micros: row.priceMicros)) \(row.unit)",
                isByQuote ? quote : row.rank ?? "-",
                row.country ?? "-",
                Amounts.text(seconds: row.ageSeconds),
                row.state
            )
        }
        table.print()
    }

    static func line(_ row: OfferRow) -> String {
        Table.harmless(
            "\(name(row))  \(row.gpu) x\(row.count)  \(Amounts.text(micros: row.priceMicros)) \(row.unit)  "
                + "\(row.country ?? "-")  \(row.state)"
        )
    }

    /// A name that can be given back: the whole provider, since all ids begin alike, and enough of the offer.
    private static func name(_ row: OfferRow) -> String { "\(row.provider)/\(row.offerID.prefix(8))" }
}
