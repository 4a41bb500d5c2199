internal import Primitives

/// Sums of money in records: millionths of a unit.
public enum RecordAmount {
    /// Thirty-two GPUs for ninety days at the highest price cost less; below 2⁶³.
    public static let microsMax: Int64 = 1_000_000_000_000_000_000

    static func check(_ micros: Int64, _ name: String) throws(RecordError) {
        guard (0...microsMax).contains(micros) else { throw .outOfBounds(name) }
    }

    /// Checks a unit tag: 1…12 ASCII letters and digits.
    static func checkUnit(_ unit: String, _ name: String) throws(RecordError) {
        try RecordText.check(unit, name, min: 1, max: PriceTerms.Bounds.unitByteCountMax)
        let isPlain = unit.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) || (0x61...0x7a).contains($0)
        }
        guard isPlain else { throw .text(name) }
    }
}

extension ParsedMessage {
    /// A sum in micros, 0 if it is absent.
    func amount(_ number: Int, _ name: String) throws(RecordError) -> Int64 {
        Int64(try int(number, name, in: 0...Int(RecordAmount.microsMax)))
    }

    /// A time in milliseconds since the Unix epoch, 0 if it is absent.
    func time(_ number: Int, _ name: String) throws(RecordError) -> Int64 {
        Int64(try int(number, name, in: 0...Int(Record.Bounds.timeMax)))
    }

    /// Distinct small numbers of a packed field, as they stand.
    func slots(_ number: Int, _ name: String) throws(RecordError) -> [Int] {
        var slots: [Int] = []
        for value in try packed(number, name, countMax: OfferBody.Bounds.slotCountMax) {
            guard let slot = value.int(in: 0...OfferBody.Bounds.slotMax) else { throw .outOfBounds(name) }
            slots.append(slot)
        }
        return slots
    }
}
