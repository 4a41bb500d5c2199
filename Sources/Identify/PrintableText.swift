/// A stranger's text, made fit for logs and screens.
enum PrintableText {
    /// Reads at most `byteCountMax` bytes of UTF-8, cut between scalars.
    ///
    /// Control characters, line and paragraph separators and invisible formatting (with which a name could forge a line or run
    /// backwards) become U+FFFD, as do bytes that are no UTF-8. Quotes stay: whoever writes JSON or a log escapes them.
    static func make(_ bytes: ArraySlice<UInt8>, byteCountMax: Int) -> String {
        var text = String.UnicodeScalarView()
        var byteCount = 0
        // Three bytes beyond the limit, so that a scalar that begins within it is whole.
        for scalar in String(decoding: bytes.prefix(byteCountMax + 3), as: UTF8.self).unicodeScalars {
            let shown = isPrintable(scalar) ? scalar : "\u{fffd}"
            byteCount += UTF8.width(shown)
            guard byteCount <= byteCountMax else { break }
            text.append(shown)
        }
        return String(text)
    }

    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .nonspacingMark,
            .spacingMark, .enclosingMark, .decimalNumber, .letterNumber, .otherNumber, .connectorPunctuation,
            .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation, .finalPunctuation,
            .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol, .spaceSeparator:
            true
        @unknown default: false
        }
    }
}
