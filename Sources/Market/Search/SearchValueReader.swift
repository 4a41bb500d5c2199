/// Turns the text of a value into what the field compares.
struct SearchValueReader {
    let catalogue: Catalogue
    /// The unit of a price that names none.
    let bareUnit: String

    /// The values that a text means: none if the field does not accept it, several for a family of GPUs.
    func values(of field: SearchField, text: String) -> [SearchValue] {
        switch field.kind {
        case .model: return catalogue.models(named: text).map { .text($0.id) }
        case .choice(let choices): return choices.contains(text.lowercased()) ? [.text(text.lowercased())] : []
        case .text: return text.isEmpty ? [] : [.text(text.lowercased())]
        case .country: return Self.isCountry(text) ? [.text(text.uppercased())] : []
        case .continent: return Continent(text: text).map { [.text($0.rawValue)] } ?? []
        case .unit: return PriceUnit.canonical(text).map { [.text($0)] } ?? []
        case .flag: return Self.flag(text).map { [.flag($0)] } ?? []
        case .peerPrefix: return Self.isPeerPrefix(text) ? [.text(text)] : []
        case .idPrefix: return Self.isHexadecimalPrefix(text) ? [.text(text.lowercased())] : []
        case .quantity(let quantity): return quantity.parse(text).map { [.number($0)] } ?? []
        case .money:
            guard let price = PriceUnit.parse(text) else { return [] }
            return [.money(micros: price.micros, unit: price.unit ?? bareUnit)]
        }
    }

    /// What a refused text may have meant.
    func nearest(to text: String, of field: SearchField) -> String? {
        switch field.kind {
        case .model: catalogue.nearestID(to: text)
        case .choice(let choices): Spelling.nearest(to: text, in: choices)
        case .text, .country, .continent, .unit, .flag, .peerPrefix, .idPrefix, .quantity, .money: nil
        }
    }

    private static func isCountry(_ text: String) -> Bool {
        text.utf8.count == 2 && text.allSatisfy { $0.isASCII && $0.isLetter }
    }

    private static func flag(_ text: String) -> Bool? {
        switch text.lowercased() {
        case "true", "yes", "1": true
        case "false", "no", "0": false
        default: nil
        }
    }

    /// Letters and digits of base58 or base32, no longer than a peer id's longest text.
    private static func isPeerPrefix(_ text: String) -> Bool {
        (1...93).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) }
    }

    private static func isHexadecimalPrefix(_ text: String) -> Bool {
        (1...32).contains(text.utf8.count) && text.allSatisfy { $0.isASCII && $0.isHexDigit }
    }
}
