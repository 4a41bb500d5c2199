internal import Cryptography
internal import Foundation
internal import GRDB
internal import Market
internal import Node

/// The records that this node signed: one for each subject, the newest.
enum OwnRecordTable {
    static let name = "own_records"

    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE own_records (
                    \(SubjectColumns.definition), \(RecordColumns.definition),
                    PRIMARY KEY (\(SubjectColumns.names))
                ) STRICT
                """
        )
    }

    static func put(_ database: Database, _ record: StoredRecord) throws {
        try database.run(
            """
            INSERT INTO own_records (\(SubjectColumns.names), \(RecordColumns.names)) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
            ON CONFLICT (\(SubjectColumns.names)) DO UPDATE SET \(RecordColumns.update)
            """,
            RecordColumns.arguments(record)
        )
    }

    static func delete(_ database: Database, _ subject: SubjectKey) throws {
        try database.run(
            "DELETE FROM own_records WHERE author = ? AND kind = ? AND subject = ?",
            [subject.author.bytes.blob, Int64(subject.kind.rawValue), subject.id.blob]
        )
    }

    static func load(_ database: Database, countMax: Int) throws -> (elements: [StoredRecord], leftOutCount: Int) {
        try database.load(
            """
            SELECT \(SubjectColumns.names), \(RecordColumns.names) FROM own_records
            ORDER BY \(SubjectColumns.names) LIMIT ?
            """,
            countMax: countMax,
            make: RecordColumns.record
        )
    }
}
