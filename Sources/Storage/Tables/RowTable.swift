internal import GRDB
internal import Node

/// One table of leases and what belongs to them: a key, and the bytes of a value that the node reads back.
struct RowTable {
    static let all = OwnTable.allCases.map { RowTable($0) }

    let table: OwnTable

    init(_ table: OwnTable) {
        self.table = table
    }

    var name: String {
        switch table {
        case .awards: "awards"
        case .leases: "leases"
        case .leaseStates: "lease_states"
        case .vouchers: "vouchers"
        case .receipts: "receipts"
        case .credit: "credit"
        case .settlements: "settlements"
        }
    }

    func create(_ database: Database) throws {
        try database.execute(
            sql: "CREATE TABLE \(name) (key BLOB NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID"
        )
    }

    func put(_ database: Database, key: [UInt8], value: [UInt8]) throws {
        try database.run("INSERT OR REPLACE INTO \(name) (key, value) VALUES (?, ?)", [key.blob, value.blob])
    }

    func delete(_ database: Database, key: [UInt8]) throws {
        try database.run("DELETE FROM \(name) WHERE key = ?", [key.blob])
    }

    func load(_ database: Database, countMax: Int) throws -> (elements: [StoredRow], leftOutCount: Int) {
        try database.load("SELECT key, value FROM \(name) ORDER BY key LIMIT ?", countMax: countMax) { row in
            guard
                let key = row.bytes(0, max: StoredRow.keyByteCountMax),
                let value = row.bytes(1, max: StoredRow.valueByteCountMax)
            else { return nil }
            return StoredRow(table, key: key, value: value)
        }
    }
}
