internal import Foundation
internal import Yams

/// A YAML mapping of texts and lists of texts, as people write settings and offers.
///
/// Scalars are taken as they are written: a price never passes through a floating-point number.
struct YAMLMapping {
    /// Settings are short; a larger file is something else.
    static let byteCountMax = 64 * 1_024

    let entries: [(key: String, values: [String])]

    static func read(path: String) throws -> YAMLMapping {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw CommandFailure(.usage, "\(path) cannot be read")
        }
        guard data.count <= byteCountMax else { throw CommandFailure(.usage, "\(path) has more than 64 KiB") }
        return try YAMLMapping(text: String(decoding: data, as: UTF8.self), path: path)
    }

    init(text: String, path: String) throws {
        let root: Yams.Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw CommandFailure(.usage, "\(path) is not YAML: \(error)")
        }
        guard let root else {
            entries = []
            return
        }
        guard let mapping = root.mapping else { throw CommandFailure(.usage, "\(path) is not a list of 'key: value'") }
        entries = try mapping.map { key, value in
            guard let name = key.scalar?.string else { throw CommandFailure(.usage, "\(path): a key is no word") }
            if let scalar = value.scalar { return (name, [scalar.string]) }
            guard let sequence = value.sequence else {
                throw CommandFailure(.usage, "\(path): '\(name)' takes a value or a list of values")
            }
            return (
                name,
                try sequence.map { item in
                    guard let scalar = item.scalar else {
                        throw CommandFailure(.usage, "\(path): '\(name)' takes a list of plain values")
                    }
                    return scalar.string
                }
            )
        }
    }

    /// Refuses a key that nobody knows, and names the nearest one that somebody does.
    static func unknown(_ name: String, path: String, known: [String]) -> CommandFailure {
        let hint = Spelling.nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        let keys = known.joined(separator: ", ")
        return CommandFailure(.usage, "\(path): unknown key '\(name)'", hint: hint ?? "the keys are \(keys)")
    }
}

/// `config.yaml`.
enum ConfigFile {
    /// What the file says, by key; nothing if there is none.
    static func read(path: String, isRequired: Bool) throws -> [SettingKey: [String]] {
        guard isRequired || FileManager.default.fileExists(atPath: path) else { return [:] }
        var found: [SettingKey: [String]] = [:]
        for (name, values) in try YAMLMapping.read(path: path).entries {
            guard let key = SettingKey(rawValue: name) else {
                throw YAMLMapping.unknown(name, path: path, known: SettingKey.allCases.map(\.rawValue))
            }
            found[key] = values
        }
        return found
    }
}
