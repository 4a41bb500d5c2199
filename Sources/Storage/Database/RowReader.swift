internal import Foundation
internal import GRDB

/// Reads columns of rows that anybody may have crafted: a column of another type or length is `nil`, not a trap.
struct RowReader {
    let row: Row

    func bytes(_ index: Int, max: Int) -> [UInt8]? {
        guard case .blob(let data) = value(index), data.count <= max else { return nil }
        return [UInt8](data)
    }

    func text(_ index: Int, byteCountMax: Int) -> String? {
        guard case .string(let text) = value(index), text.utf8.count <= byteCountMax else { return nil }
        return text
    }

    func integer(_ index: Int) -> Int64? {
        guard case .int64(let number) = value(index) else { return nil }
        return number
    }

    /// Sequences are below 2^63, so SQLite's signed integers hold them.
    func sequence(_ index: Int) -> UInt64? {
        integer(index).flatMap { UInt64(exactly: $0) }
    }

    private func value(_ index: Int) -> DatabaseValue.Storage? {
        guard index < row.count else { return nil }
        return (row[index] as DatabaseValue).storage
    }
}

extension Database {
    /// At most `countMax` rows of a query that `make` understands, and how many rows were left out.
    ///
    /// The query ends in `LIMIT ?`; rows above the limit count as one.
    func load<Element>(
        _ sql: String,
        countMax: Int,
        make: (RowReader) -> Element?
    ) throws -> (elements: [Element], leftOutCount: Int) {
        var elements: [Element] = []
        var leftOutCount = 0
        let cursor = try Row.fetchCursor(self, sql: sql, arguments: [countMax + 1])
        while let row = try cursor.next() {
            if elements.count < countMax, let element = make(RowReader(row: row)) {
                elements.append(element)
            } else {
                leftOutCount += 1
            }
        }
        return (elements, leftOutCount)
    }

    /// Runs a statement that is compiled once for each connection.
    func run(_ sql: String, _ arguments: StatementArguments) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}

extension [UInt8] {
    /// The type that SQLite's blobs have in GRDB.
    var blob: Data { Data(self) }
}
