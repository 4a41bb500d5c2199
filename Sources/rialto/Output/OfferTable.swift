internal import LocalAPI

/// Rows of the market for people.
enum OfferTable {
    static func print(_ rows: [OfferRow]) {
        guard !rows.isEmpty else { return Terminal.say("no offers") }
        var table = Table("OFFER", "GPU", "PRICE/GPU/H", "QUOTE/H", "COUNTRY", "AGE", "STATE")
        for row in rows {
            let quote = row.quoteMicros.map { "\(Amounts.text(micros: $0)) for \(row.quoteCount ?? 1)" } ?? "-"
            table.add(
                name(row),
                "\(row.gpu) x\(row.count)",
                "\(Amounts.text(micros: row.priceMicros)) \(row.unit)",
                quote,
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
