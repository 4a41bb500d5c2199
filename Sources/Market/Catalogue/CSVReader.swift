/// Where a table of comma-separated values stops being one; line and column count from one.
public struct CSVError: Error, Hashable, CustomStringConvertible {
    public enum Reason: Hashable, Sendable {
        case tableTooLong(byteCount: Int)
        case tooManyRows
        case tooManyFields
        case fieldTooLong
        case notText
        case strayCharacter
        case unclosedQuote
        case fieldCount(found: Int, expected: Int)
        case header(found: String, expected: String)
        case value(column: String, found: String, expected: String)
        case duplicate(id: String)
    }

    public let line: Int
    public let column: Int
    public let reason: Reason

    public var description: String { "line \(line), column \(column): \(explanation)" }

    private var explanation: String {
        switch reason {
        case .tableTooLong(let byteCount):
            "the table has \(byteCount) bytes, at most \(CSVReader.byteCountMax) are read"
        case .tooManyRows: "more than \(CSVReader.rowCountMax) rows"
        case .tooManyFields: "more than \(CSVReader.fieldCountMax) fields in a row"
        case .fieldTooLong: "a field of more than \(CSVReader.fieldByteCountMax) bytes"
        case .notText: "bytes that are not UTF-8 text"
        case .strayCharacter: "a quote, a letter or a line break where a comma or the end of the line is expected"
        case .unclosedQuote: "the quote that opens here is never closed"
        case .fieldCount(let found, let expected): "\(found) fields where the header has \(expected)"
        case .header(let found, let expected): "column '\(found)' where '\(expected)' is expected"
        case .value(let column, let found, let expected): "\(column) is '\(found)', expected \(expected)"
        case .duplicate(let id): "'\(id)' stands in the table twice"
        }
    }
}

/// A strict reader of comma-separated values (RFC 4180; a line may also end in a bare line feed).
///
/// Fields may be quoted, a quote inside is doubled, and nothing is trimmed. Every row must have as many fields as the first.
/// The limits are far above the catalogue's size and low enough that a wrong file is refused at once.
struct CSVReader {
    static let byteCountMax = 256 * 1024
    static let rowCountMax = 4_096
    static let fieldCountMax = 64
    static let fieldByteCountMax = 512

    struct Field: Hashable {
        let text: String
        let line: Int
        let column: Int

        func error(_ reason: CSVError.Reason) -> CSVError { CSVError(line: line, column: column, reason: reason) }
    }

    private let source: [UInt8]
    private var offset = 0
    private var line = 1
    private var lineStart = 0
    private var rows: [[Field]] = []
    private var row: [Field] = []

    /// All rows of a table, the header among them; empty lines are not rows.
    static func rows(of source: [UInt8]) throws(CSVError) -> [[Field]] {
        guard source.count <= byteCountMax else {
            throw CSVError(line: 1, column: 1, reason: .tableTooLong(byteCount: source.count))
        }
        var reader = CSVReader(source: source)
        while reader.offset < source.count { try reader.readRow() }
        return reader.rows
    }

    private init(source: [UInt8]) {
        self.source = source
    }

    private var next: UInt8? { offset < source.count ? source[offset] : nil }
    private var column: Int { offset - lineStart + 1 }

    private func error(_ reason: CSVError.Reason) -> CSVError { CSVError(line: line, column: column, reason: reason) }

    private mutating func readRow() throws(CSVError) {
        if takeLineEnd() { return }
        row = []
        repeat { try readField() } while takeComma()
        guard takeLineEnd() || next == nil else { throw error(.strayCharacter) }
        if let header = rows.first, header.count != row.count {
            let last = row[row.count - 1]
            throw last.error(.fieldCount(found: row.count, expected: header.count))
        }
        guard rows.count < Self.rowCountMax else { throw row[0].error(.tooManyRows) }
        rows.append(row)
    }

    private mutating func takeComma() -> Bool {
        guard next == UInt8(ascii: ",") else { return false }
        offset += 1
        return true
    }

    private mutating func takeLineEnd() -> Bool {
        let hasReturn = next == UInt8(ascii: "\r")
        let feed = offset + (hasReturn ? 1 : 0)
        guard feed < source.count, source[feed] == UInt8(ascii: "\n") else { return false }
        offset = feed + 1
        (line, lineStart) = (line + 1, offset)
        return true
    }

    private mutating func readField() throws(CSVError) {
        guard row.count < Self.fieldCountMax else { throw error(.tooManyFields) }
        let start = (line: line, column: column)
        var bytes: [UInt8] = []
        if next == UInt8(ascii: "\"") { try readQuoted(into: &bytes) } else { try readBare(into: &bytes) }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CSVError(line: start.line, column: start.column, reason: .notText)
        }
        row.append(Field(text: text, line: start.line, column: start.column))
    }

    private mutating func readBare(into bytes: inout [UInt8]) throws(CSVError) {
        while let byte = next, byte != UInt8(ascii: ","), byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") {
            guard byte != UInt8(ascii: "\"") else { throw error(.strayCharacter) }
            try append(byte, to: &bytes)
        }
    }

    private mutating func readQuoted(into bytes: inout [UInt8]) throws(CSVError) {
        let opening = error(.unclosedQuote)
        offset += 1
        while let byte = next {
            if byte == UInt8(ascii: "\"") {
                offset += 1
                guard next == UInt8(ascii: "\"") else { return }
            }
            try append(byte, to: &bytes)
            if byte == UInt8(ascii: "\n") { (line, lineStart) = (line + 1, offset) }
        }
        throw opening
    }

    private mutating func append(_ byte: UInt8, to bytes: inout [UInt8]) throws(CSVError) {
        guard bytes.count < Self.fieldByteCountMax else { throw error(.fieldTooLong) }
        bytes.append(byte)
        offset += 1
    }
}
