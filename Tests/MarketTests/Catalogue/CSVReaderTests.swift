import Primitives
import Testing

@testable import Market

@Suite struct `CSV reader` {
    static let header = GPUModel.columns.joined(separator: ",")
    static let row = "x-1,X 1,,nvidia,consumer,ada,8.9,24,GDDR6,100,1.5,,,200,,,,high,a source"

    static func texts(_ source: String) throws -> [[String]] {
        try CSVReader.rows(of: Array(source.utf8)).map { $0.map(\.text) }
    }

    static func refusal(_ source: String) -> CSVError? {
        do throws(CSVError) {
            _ = try Catalogue(csv: Array(source.utf8))
            return nil
        } catch {
            return error
        }
    }

    @Test func `quoted fields keep commas, quotes and line ends`() throws {
        let rows = try Self.texts("a,\"b,\"\"c\"\"\nd\",\r\n\r\n1,2,3")

        #expect(rows == [["a", "b,\"c\"\nd", ""], ["1", "2", "3"]])
    }

    @Test func `a field knows its line and column`() throws {
        let rows = try CSVReader.rows(of: Array("a,b\n\"x\ny\",z\n".utf8))

        #expect(rows[1].map(\.line) == [2, 3])
        #expect(rows[1].map(\.column) == [1, 4])
    }

    @Test(arguments: [
        (
            "a\"b",
            "line 1, column 2: a quote, a letter or a line break where a comma or the end of the line is expected"
        ),
        (
            "\"a\"b",
            "line 1, column 4: a quote, a letter or a line break where a comma or the end of the line is expected"
        ),
        ("\n \n\"a", "line 3, column 1: the quote that opens here is never closed"),
        ("id,nam", "line 1, column 4: column 'nam' where 'name' is expected"),
        ("id,name", "line 1, column 4: 2 fields where the header has 19"),
        ("", "line 1, column 1: column '' where 'id' is expected"),
        (header + "\nx", "line 2, column 1: 1 fields where the header has 19"),
        (header + "\n" + row + "\n" + row, "line 3, column 1: 'x-1' stands in the table twice"),
        (
            header + "\n" + row.replacing("24", with: "24.5"),
            "line 2, column 34: memory_gb is '24.5', expected a whole number of 1 to 1000000"
        ),
        (
            header + "\n" + row.replacing("nvidia", with: "acme"),
            "line 2, column 10: vendor is 'acme', expected one of nvidia, amd, intel"
        ),
    ]) func `an error names line and column`(source: String, text: String) {
        #expect(Self.refusal(source)?.description == text)
    }

    @Test func `a sound table is read`() {
        #expect(Self.refusal(Self.header + "\n" + Self.row) == nil)
    }

    @Test func `every limit is enforced`() {
        func reason(_ source: [UInt8]) -> CSVError.Reason? {
            do throws(CSVError) {
                _ = try CSVReader.rows(of: source)
                return nil
            } catch {
                return error.reason
            }
        }
        let letter = UInt8(ascii: "a")
        #expect(
            reason(Array(repeating: letter, count: CSVReader.byteCountMax + 1))
                == .tableTooLong(byteCount: CSVReader.byteCountMax + 1)
        )
        #expect(reason(Array(repeating: letter, count: CSVReader.fieldByteCountMax + 1)) == .fieldTooLong)
        #expect(reason(Array(repeating: letter, count: CSVReader.fieldByteCountMax)) == nil)
        #expect(reason(Array(repeating: UInt8(ascii: ","), count: CSVReader.fieldCountMax)) == .tooManyFields)
        #expect(reason(Array(repeating: UInt8(ascii: ","), count: CSVReader.fieldCountMax - 1)) == nil)
        let lines = String(repeating: "a\n", count: CSVReader.rowCountMax)
        #expect(reason(Array(lines.utf8)) == nil)
        #expect(reason(Array((lines + "a").utf8)) == .tooManyRows)
        #expect(reason([0xFF]) == .notText)
    }

    @Test(arguments: 0..<8) func `random bytes never trap`(seed: UInt8) {
        var random = SeededRandom(seed: Array(repeating: seed, count: SeededRandom.seedByteCount))
        let alphabet = Array("a,\"\r\n1.|".utf8) + [0xC3, 0x00]
        for _ in 0..<200 {
            let source = (0..<random.below(60)).map { _ in alphabet[random.below(alphabet.count)] }
            _ = try? CSVReader.rows(of: source)
            var damaged = Array((Self.header + "\n" + Self.row).utf8)
            damaged[random.below(damaged.count)] = UInt8(random.below(256))
            _ = try? Catalogue(csv: damaged)
        }
    }
}

@Suite struct `Decimal figures` {
    @Test(arguments: [("82.58", 82_580), ("75", 75_000), ("0.5", 500), ("0.125", 125), ("007", 7_000)])
    func `a decimal is read exactly`(text: String, count: Int) {
        #expect(Thousandths(text: text)?.count == count)
    }

    @Test(arguments: ["", ".", "1.", ".5", "1.2345", "-1", "+1", "1e3", "1,5", " 1", "9223372036854775807"])
    func `any other form is no decimal`(text: String) {
        #expect(Thousandths(text: text) == nil)
    }

    @Test(arguments: [(82_580, "82.58"), (0, "0"), (-1_500, "-1.5"), (Int.min, "-9223372036854775.808")])
    func `a figure prints the shortest decimal`(count: Int, text: String) {
        #expect(Thousandths(count: count).description == text)
    }
}
