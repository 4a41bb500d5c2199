internal import Cryptography
internal import Market

/// A subject as three columns: author, kind, id.
enum SubjectColumns {
    static let definition = "author BLOB NOT NULL, kind INTEGER NOT NULL, subject BLOB NOT NULL"
    static let names = "author, kind, subject"

    /// Reads the columns from `first` on.
    static func subject(of row: RowReader, from first: Int) -> SubjectKey? {
        guard
            let author = row.bytes(first, max: Ed25519.PublicKey.byteCount).flatMap({ Ed25519.PublicKey($0) }),
            let kind = row.integer(first + 1).flatMap({ UInt8(exactly: $0) }).flatMap({ RecordKind(rawValue: $0) }),
            kind != .withdrawal,
            let id = row.bytes(first + 2, max: StoreLimits.subjectByteCountMax)
        else { return nil }
        return SubjectKey(author: author, kind: kind, id: id)
    }
}
