internal import Cryptography
internal import Foundation
internal import GRDB
internal import Market
internal import Node

/// The lowest sequence that each subject may still show, also after its record is gone.
enum FloorTable {
    static let name = "floors"

    static func create(_ database: Database) throws {
        try database.execute(
            sql: """
                CREATE TABLE floors (
                    \(SubjectColumns.definition), sequence INTEGER NOT NULL, until INTEGER NOT NULL,
                    PRIMARY KEY (\(SubjectColumns.names))
                ) STRICT, WITHOUT ROWID
                """
        )
    }

    static func put(_ database: Database, _ floor: SubjectFloor) throws {
        try database.run(
            "INSERT OR REPLACE INTO floors (\(SubjectColumns.names), sequence, until) VALUES (?, ?, ?, ?, ?)",
            [
                floor.subject.author.bytes.blob, Int64(floor.subject.kind.rawValue), floor.subject.id.blob,
                Int64(clamping: floor.sequence), floor.until,
            ]
        )
    }

    static func delete(_ database: Database, _ subject: SubjectKey) throws {
        try database.run(
            "DELETE FROM floors WHERE author = ? AND kind = ? AND subject = ?",
            [subject.author.bytes.blob, Int64(subject.kind.rawValue), subject.id.blob]
        )
    }

    static func load(_ database: Database, countMax: Int) throws -> (elements: [SubjectFloor], leftOutCount: Int) {
        try database.load(
            "SELECT \(SubjectColumns.names), sequence, until FROM floors ORDER BY \(SubjectColumns.names) LIMIT ?",
            countMax: countMax
        ) { row in
            guard
                let subject = SubjectColumns.subject(of: row, from: 0),
                let sequence = row.sequence(3),
                let until = row.integer(4)
            else { return nil }
            return SubjectFloor(subject: subject, sequence: sequence, until: until)
        }
    }
}
