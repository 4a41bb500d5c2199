import Cryptography
import Glibc
import Market
import Node
import Storage

/// Changes that follow from a number: a fact that says it, and a record of every kind that the store keeps.
enum NumberedChanges {
    static func changes(_ number: UInt64) -> [StoreChange] {
        guard let author = Ed25519.PublicKey([UInt8](repeating: 7, count: 32)),
            let id = RecordID((0..<32).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> (8 * $0)) : 0 })
        else { exit(65) }
        let subject = SubjectKey(author: author, kind: .offer, id: [UInt8](repeating: UInt8(number % 50), count: 16))
        let record = StoredRecord(
            id: id,
            subject: subject,
            sequence: number,
            expiresAt: Int64(number),
            receivedAt: 1,
            envelope: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 300)
        )
        return [
            .setFact(name: "number", value: Array(String(number).utf8)), .putOwnRecord(record), .putRecord(record),
            .putFloor(SubjectFloor(subject: subject, sequence: number, until: 1)),
        ]
    }

    /// The last number whose commit the store remembers.
    static func last(_ state: RestoredState) -> UInt64 {
        state.facts.first { $0.name == "number" }.flatMap { UInt64(String(decoding: $0.value, as: UTF8.self)) } ?? 0
    }
}

/// Commits numbered changes for ever and says each number once its commit has returned; its parent kills it.
struct UnendingLife {
    let directory: String

    func run() throws {
        let (store, state, _) = try NodeStore.open(directory: directory)
        var number = NumberedChanges.last(state)
        while true {
            number += 1
            guard case .success = store.commit(NumberedChanges.changes(number)) else { exit(66) }
            say("\(number)")
        }
    }
}
