internal import Cryptography
internal import Foundation
internal import GRDB
internal import Market
internal import Node

/// A record as five columns behind those of its subject.
enum RecordColumns {
    static let definition = """
        id BLOB NOT NULL, sequence INTEGER NOT NULL, expires_at INTEGER NOT NULL,
        received_at INTEGER NOT NULL, envelope BLOB NOT NULL
        """
    static let names = "id, sequence, expires_at, received_at, envelope"
    static let update = """
        id = excluded.id, sequence = excluded.sequence, expires_at = excluded.expires_at,
        received_at = excluded.received_at, envelope = excluded.envelope
        """

    /// In the order of the subject's columns, then of `names`.
    static func arguments(_ record: StoredRecord) -> StatementArguments {
        [
            record.subject.author.bytes.blob, Int64(record.subject.kind.rawValue), record.subject.id.blob,
            record.id.bytes.blob, Int64(clamping: record.sequence), record.expiresAt, record.receivedAt,
            record.envelope.blob,
        ]
    }

    static func record(_ row: RowReader) -> StoredRecord? {
        guard
            let subject = SubjectColumns.subject(of: row, from: 0),
            let id = row.bytes(3, max: RecordID.byteCount).flatMap({ RecordID($0) }),
            let sequence = row.sequence(4),
            let expiresAt = row.integer(5),
            let receivedAt = row.integer(6),
            let envelope = row.bytes(7, max: StoreLimits.envelopeByteCountMax)
        else { return nil }
        return StoredRecord(
            id: id,
            subject: subject,
            sequence: sequence,
            expiresAt: expiresAt,
            receivedAt: receivedAt,
            envelope: envelope
        )
    }
}
