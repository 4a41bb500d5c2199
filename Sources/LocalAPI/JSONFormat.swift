internal import Foundation

/// The one way in which the API and the command line write JSON: snake_case names in a fixed order, on one line.
public enum JSONFormat {
    public static func encode(_ value: some Encodable) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        do {
            return Array(try encoder.encode(value))
        } catch {
            preconditionFailure("the models hold nothing that JSON cannot say: \(error)")
        }
    }

    public static func text(_ value: some Encodable) -> String {
        String(decoding: encode(value), as: UTF8.self)
    }

    public static func decode<Value: Decodable>(_ type: Value.Type, from bytes: [UInt8]) throws -> Value {
        let decoder = JSONDecoder()
        decoder.keyDecodingStrategy = .custom { path in
            AnyKey(stringValue: camelCase(path.last?.stringValue ?? ""))
        }
        return try decoder.decode(type, from: Data(bytes))
    }

    /// `offer_id` is `offerID`: the house's spelling of an abbreviation, which the standard strategy does not know.
    private static func camelCase(_ name: String) -> String {
        let words = name.split(separator: "_")
        guard let first = words.first else { return name }
        return words.dropFirst().reduce(String(first)) { text, word in
            text + (word == "id" ? "ID" : word.prefix(1).uppercased() + word.dropFirst())
        }
    }

    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }

        init(stringValue: String) {
            self.stringValue = stringValue
        }

        init?(intValue: Int) {
            return nil
        }
    }
}
