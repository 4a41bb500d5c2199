import Foundation

/// Cases of project Wycheproof; see `Vectors/README.md` for their origin.
enum Wycheproof {
    enum Outcome: String, Decodable {
        case valid, invalid, acceptable
    }

    /// One Diffie-Hellman computation.
    struct Agreement: Decodable {
        let id: Int
        let `public`, `private`, shared: String
        let flags: [String]
        let result: Outcome
    }

    struct Signature: Decodable {
        let id: Int
        let key, msg, sig: String
        let result: Outcome
    }

    struct Sealing: Decodable {
        let id: Int
        let key, iv, aad, msg, ct, tag: String
        let result: Outcome
    }

    struct Derivation: Decodable {
        let id, size: Int
        let ikm, salt, info, okm: String
        let result: Outcome
    }

    static func cases<Case: Decodable>(_ file: String, of type: Case.Type = Case.self) throws -> [Case] {
        let folder = Bundle.module.bundleURL.appending(path: "Vectors")
        let data = try Data(contentsOf: folder.appending(path: file + ".json"))
        return try JSONDecoder().decode([Case].self, from: data)
    }
}
