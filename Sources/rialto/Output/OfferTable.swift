internal import LocalAPI

/// Rows of the market for people.
enum OfferTable {
    /// Prints the rows; the fourth column is what they were sorted by, or the quote, and trust stands where it is known, with its reason
    /// where the rows are sorted by it.
    static func print(_ rows: [OfferRow], sort: String = "price") {
        guard !rows.isEmpty else { return Terminal.say("no offers") }
        let isByQuote = sort.hasSuffix("price")
        let rank = isByQuote ? "QUOTE/H" : sort.uppercased()
        let hasTrust = rows.contains { $0.trust != nil }
        let isByTrust = hasTrust && sort.hasSuffix("trust")
        var header = ["OFFER", "GPU", "PRICE/GPU/H"]
        if !isByTrust { header.append(rank) }
        header += (hasTrust ? ["TRUST"] : []) + (isByTrust ? ["WHY"] : []) + ["COUNTRY", "AGE", "STATE"]
        var table = Table(header)
        for row in rows {
            let quote = row.quoteMicros.map { "\(Amounts.text(micros: $0)) for \(row.quoteCount ?? 1)" } ?? "-"
            var cells = [
                name(row), "\(row.gpu) x\(size(row))", "\(Amounts.text(micros: row.priceMicros)) \(row.unit)",
            ]
            if !isByTrust { cells.append(isByQuote ? quote : row.rank ?? "-") }
            if hasTrust { cells.append(row.trust.map(Amounts.share) ?? "-") }
            if isByTrust { cells.append(row.trustWhy ?? "-") }
            table.add(cells + [row.country ?? "-", Amounts.age(seconds: row.ageSeconds), state(row)])
        }
        table.print()
    }

    static func line(_ row: OfferRow) -> String {
        Table.harmless(
            "\(name(row))  \(row.gpu) x\(size(row))  \(Amounts.text(micros: row.priceMicros)) \(row.unit)  "
                + "\(row.country ?? "-")  \(state(row))"
        )
    }

    /// How many GPUs a lease can have; of an offer that is let, how many it had.
    private static func size(_ row: OfferRow) -> Int { row.count > 0 ? row.count : row.total }

    /// `let` in place of `live` where nothing is free.
    static func state(_ row: OfferRow) -> String { row.count == 0 && row.live ? "let" : row.state }

    /// A name that can be given back: the whole provider, since all ids begin alike, and enough of the offer.
    private static func name(_ row: OfferRow) -> String { "\(row.provider)/\(row.offerID.prefix(8))" }
}
