import Cryptography
import Glibc
import Market
import Node
import Storage

// Commits numbered changes for ever and prints each number once its commit has returned; its parent kills it.
guard CommandLine.arguments.count == 2, let author = Ed25519.PublicKey([UInt8](repeating: 7, count: 32)) else {
    exit(64)
}
do {
    let (store, state, _) = try NodeStore.open(directory: CommandLine.arguments[1])
    var number =
        state.facts.first { $0.name == "number" }.flatMap { UInt64(String(decoding: $0.value, as: UTF8.self)) } ?? 0
    while true {
        number += 1
        let subject = SubjectKey(author: author, kind: .offer, id: [UInt8](repeating: UInt8(number % 50), count: 16))
        guard let id = RecordID((0..<32).map { $0 < 8 ? UInt8(truncatingIfNeeded: number >> (8 * $0)) : 0 }) else {
            exit(65)
        }
        let record = StoredRecord(
            id: id,
            subject: subject,
            sequence: number,
            expiresAt: Int64(number),
            receivedAt: 1,
            envelope: [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: 300)
        )
        let changes: [StoreChange] = [
            .setFact(name: "number", value: Array(String(number).utf8)), .putOwnRecord(record), .putRecord(record),
            .putFloor(SubjectFloor(subject: subject, sequence: number, until: 1)),
        ]
        guard case .success = store.commit(changes) else { exit(66) }
        // Not `print`, whose buffer would die with the process.
        let line = Array("\(number)\n".utf8)
        guard unsafe write(STDOUT_FILENO, line, line.count) == line.count else { exit(68) }
    }
} catch {
    print("failed: \(error)")
    exit(67)
}
