internal import Foundation
internal import LocalAPI
internal import Market

/// A file of envelopes: one a line as text, or a single raw one.
enum EnvelopeFile {
    /// A million records of the usual size.
    static let byteCountMax = 1 << 30

    struct Entry {
        let line: Int
        /// `nil` if the line is no text of bytes.
        let bytes: [UInt8]?
    }

    /// Reads a file, or standard input for `-`.
    static func read(_ path: String) throws -> [Entry] {
        let handle = path == "-" ? FileHandle.standardInput : FileHandle(forReadingAtPath: path)
        guard let handle, let data = try handle.read(upToCount: byteCountMax) ?? Data() as Data? else {
            throw CommandFailure(.failed, "\(path) cannot be read")
        }
        let bytes = Array(data)
        // Bytes that are no text at all are one raw envelope.
        if bytes.contains(where: { $0 >= 0x80 || ($0 < 0x20 && ![0x09, 0x0a, 0x0d].contains($0)) }) {
            return [Entry(line: 1, bytes: bytes)]
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { index, line in
            let text = line.trimmingCharacters(in: .whitespaces)
            return text.isEmpty ? nil : Entry(line: index + 1, bytes: EnvelopeText.bytes(text))
        }
    }
}
