internal import GRDB

/// What the node must remember about itself: reserved sequences, machine ids, its switches.
enum FactTable {
    static let name = "facts"

    static func create(_ database: Database) throws {
        try database.execute(sql: "CREATE TABLE facts (name TEXT NOT NULL PRIMARY KEY, value BLOB NOT NULL) STRICT")
    }

    static func put(_ database: Database, name: String, value: [UInt8]) throws {
        try database.run(
            "INSERT INTO facts (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            [name, value.blob]
        )
    }

    static func load(
        _ database: Database,
        countMax: Int
    ) throws -> (elements: [(name: String, value: [UInt8])], leftOutCount: Int) {
        try database.load("SELECT name, value FROM facts ORDER BY name LIMIT ?", countMax: countMax) { row in
            guard
                let name = row.text(0, byteCountMax: StoreLimits.factNameByteCountMax),
                let value = row.bytes(1, max: StoreLimits.factByteCountMax)
            else { return nil }
            return (name, value)
        }
    }
}
