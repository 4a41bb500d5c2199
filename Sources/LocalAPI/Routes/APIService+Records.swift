internal import Cryptography
internal import Market
internal import Node

// Records as such.
extension APIService {
    func record(_ prefix: String) async throws -> RecordView {
        // A prefix of an odd number of digits is looked up by its whole bytes and then compared as text.
        let whole = String(prefix.prefix(prefix.count / 2 * 2)).lowercased()
        guard !whole.isEmpty, prefix.count <= RecordID.byteCount * 2, let bytes = EnvelopeText.hexadecimal(whole) else {
            throw APIError(.badRequest, "'\(prefix)' is no beginning of a record id: two or more hexadecimal digits")
        }
        let answer = try await ask(.findRecords(prefix: bytes))
        guard case .records(let records) = answer else { throw unexpected(answer) }
        let found = records.filter { $0.id.description.hasPrefix(prefix.lowercased()) }
        guard let first = found.first else { throw APIError(.notFound, "no record begins with '\(prefix)'") }
        guard found.count == 1 else {
            let ids = found.map(\.id.description).joined(separator: ", ")
            throw APIError(.ambiguous, "'\(prefix)' is the beginning of several records", hint: ids)
        }
        return RecordView(first)
    }

    func exportRecords(after text: String?) async throws -> RecordPageView {
        let after = try text.map(SubjectText.subject)
        let answer = try await ask(.exportRecords(after: after))
        guard case .exported(let records, let next) = answer else { throw unexpected(answer) }
        return RecordPageView(
            envelopes: records.map { EnvelopeText.line($0.envelope) },
            next: next.map(SubjectText.text)
        )
    }

    func importRecords(_ request: ImportRequest) async throws -> ImportView {
        guard request.envelopes.count <= NodeLimits.importCountMax else {
            throw APIError(.tooMany, "at most \(NodeLimits.importCountMax) records in one import")
        }
        let envelopes = try request.envelopes.enumerated().map { index, line throws(APIError) in
            guard let bytes = EnvelopeText.bytes(line) else {
                throw APIError(.badRequest, "envelope \(index + 1) is neither base64url nor hexadecimal")
            }
            return bytes
        }
        let answer = try await ask(.importRecords(envelopes))
        guard case .imported(let verdicts) = answer else { throw unexpected(answer) }
        return ImportView(verdicts: verdicts.map(ImportView.Verdict.init))
    }
}

/// A subject as a place in an export: author, kind and id in hexadecimal digits, joined by dots.
enum SubjectText {
    static func text(_ subject: SubjectKey) -> String {
        [subject.author.bytes, [subject.kind.rawValue], subject.id].map(digits).joined(separator: ".")
    }

    static func subject(_ text: String) throws(APIError) -> SubjectKey {
        let parts = text.split(separator: ".").map { EnvelopeText.hexadecimal($0) }
        guard parts.count == 3, let author = parts[0].flatMap({ Ed25519.PublicKey($0) }),
            let kindByte = parts[1]?.first,
            let kind = RecordKind(rawValue: kindByte), kind != .withdrawal, let id = parts[2], id.count <= 64
        else { throw APIError(.badRequest, "'\(text)' is no place in an export") }
        return SubjectKey(author: author, kind: kind, id: id)
    }

    private static func digits(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
