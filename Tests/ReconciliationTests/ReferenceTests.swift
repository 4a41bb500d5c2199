import Cryptography
import Reconciliation
import Testing

/// Whole conversations with the protocol's reference implementation (hoytech/negentropy, `js/Negentropy.js`, protocol version 1).
///
/// Element n has the id SHA-256("item n"). The reference was the other side, without a frame limit, and as the asker it was changed in
/// one thing: where it would list its ids or divide by sixteen, it asks as `RangeReconciliation.inquire` says. Each vector is the
/// number of messages, their bytes, and SHA-256 over all of them in hexadecimal, one a line.
@Suite struct `Reconciliation, message by message` {
    struct Vector: CustomTestStringConvertible, Sendable {
        let testDescription: String
        let asker: [ReconciliationItem]
        let other: [ReconciliationItem]
        let messageCount: Int
        let byteCount: Int
        let digest: String
        let surplusCount: Int
        let missingCount: Int
    }

    private static func items(_ numbers: some Sequence<Int>, at timestamp: (Int) -> Int) -> [ReconciliationItem] {
        numbers.map { .sample($0, at: timestamp($0)) }
    }

    static let vectors: [Vector] = [
        Vector(
            testDescription: "both empty",
            asker: [],
            other: [],
            messageCount: 2,
            byteCount: 10,
            digest: "e42abd12d33fed5bad11622c38ac6e9a235aaaed35e898e76fed59f419abf214",
            surplusCount: 0,
            missingCount: 0
        ),
        Vector(
            testDescription: "one against nothing",
            asker: [.sample(1, at: 5)],
            other: [],
            messageCount: 2,
            byteCount: 10,
            digest: "e42abd12d33fed5bad11622c38ac6e9a235aaaed35e898e76fed59f419abf214",
            surplusCount: 1,
            missingCount: 0
        ),
        Vector(
            testDescription: "nothing against one",
            asker: [],
            other: [.sample(1, at: 5)],
            messageCount: 2,
            byteCount: 42,
            digest: "356616d19f96812f7af8d5702a0ce3d0ebbd5d04c497d01af772f8898865b1a7",
            surplusCount: 0,
            missingCount: 1
        ),
        Vector(
            testDescription: "equal sets of 100",
            asker: items(0..<100) { 1_000 + $0 },
            other: items(0..<100) { 1_000 + $0 },
            messageCount: 2,
            byteCount: 307,
            digest: "f9ee62a91cdeaebc64e042ae369bc52953198ed9f1aa7b8319242837f787ab0d",
            surplusCount: 0,
            missingCount: 0
        ),
        Vector(
            testDescription: "one time for all, 40 against 39",
            asker: items(0..<40) { _ in 7 },
            other: items(1..<40) { _ in 7 },
            messageCount: 2,
            byteCount: 305,
            digest: "d5b0629ed6fbfd5158af686c8a12bc6673f94070fce8517378179fcccae60876",
            surplusCount: 1,
            missingCount: 0
        ),
        Vector(
            testDescription: "30 against 30, three others each",
            asker: items(0..<30) { 100 + $0 },
            other: items(3..<33) { 100 + $0 },
            messageCount: 2,
            byteCount: 389,
            digest: "a6efa3e2ca17a0b0e38d5a59052f1131f75381e88d17fd6e001c0a245b14fbb3",
            surplusCount: 3,
            missingCount: 3
        ),
        Vector(
            testDescription: "300 against 300, ten others of the newest each",
            asker: items((0..<310).filter { $0 < 290 || $0 % 2 == 0 }) { 1_000 + 600 * $0 },
            other: items((0..<310).filter { $0 < 290 || $0 % 2 == 1 }) { 1_000 + 600 * $0 },
            messageCount: 2,
            byteCount: 906,
            digest: "278c99412f1a0ce4851cf112a18691d60fc3d6d284885a3cf9e33b762c3a4794",
            surplusCount: 10,
            missingCount: 10
        ),
        Vector(
            testDescription: "1000 against 990 with 5 others",
            asker: items(0..<1_000) { 1_000 + $0 % 50 },
            other: items((0..<1_000).filter { $0 % 100 != 3 } + Array(2_000...2_004)) { 1_000 + $0 % 50 },
            messageCount: 4,
            byteCount: 2202,
            digest: "7e7baf7103886ab39b24b446cb590f76603f917bedf1693f7c20643824ec4500",
            surplusCount: 10,
            missingCount: 5
        ),
        Vector(
            testDescription: "39000 against 38000 older",
            asker: items(0..<39_000) { 100_000 + $0 },
            other: items(0..<38_000) { 100_000 + $0 },
            messageCount: 4,
            byteCount: 1647,
            digest: "1647ba2ce05786490116b4cc8003691e8c3fb669f94cdf6b56122a53b14d8756",
            surplusCount: 1000,
            missingCount: 0
        ),
        Vector(
            testDescription: "38000 against 39000, the newest missing",
            asker: items(0..<38_000) { 100_000 + $0 },
            other: items(0..<39_000) { 100_000 + $0 },
            messageCount: 6,
            byteCount: 33507,
            digest: "f7387a4e9ceac98fc6366d9a61e280a6ac8c50558b3c551c45be0cad38dec544",
            surplusCount: 0,
            missingCount: 1000
        ),
    ]

    @Test(arguments: vectors)
    func `every byte is the reference's`(vector: Vector) throws {
        let talk = try Conversation(ReconciliationIndex(vector.asker), ReconciliationIndex(vector.other))
        #expect(talk.messages.count == vector.messageCount)
        #expect(talk.byteCount == vector.byteCount)
        let lines = talk.messages.map { $0.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
        let digest = SHA256.hash(Array(lines.joined(separator: "\n").utf8))
        #expect(digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == vector.digest)
        #expect(talk.surplus.count == vector.surplusCount)
        #expect(talk.missing.count == vector.missingCount)
    }

    /// The reference names its ids when it asks; ours in the range are listed all the same, known or not.
    @Test func `an asker that lists its own is told ours`() throws {
        let (theirs, ours) = (Self.items([1, 2], at: { $0 }), Self.items([2, 3, 4], at: { $0 }))
        let question: [UInt8] = [0x61, 0, 0, 2, 2] + theirs.flatMap(\.id.bytes)
        let answer = try RangeReconciliation.answer(question.span, ReconciliationIndex(ours))
        #expect(answer == [0x61, 0, 0, 2, 3] + ours.flatMap(\.id.bytes))
    }
}

extension ReconciliationItem {
    /// Element n of the reference's sets.
    static func sample(_ number: Int, at timestamp: Int) -> ReconciliationItem {
        guard let id = ItemID(SHA256.hash(Array("item \(number)".utf8))) else {
            preconditionFailure("SHA-256 has 32 bytes")
        }
        return ReconciliationItem(timestamp: UInt64(timestamp), id: id)
    }
}

/// One whole run between two sets.
struct Conversation {
    private(set) var messages: [[UInt8]] = []
    private(set) var surplus: [ItemID] = []
    private(set) var missing: [ItemID] = []
    var byteCount: Int { messages.reduce(0) { $0 + $1.count } }

    init(_ asker: ReconciliationIndex, _ other: ReconciliationIndex, from timestamp: UInt64 = 0) throws {
        var question: [UInt8]? = RangeReconciliation.opening(asker, from: timestamp)
        while let asked = question {
            let answer = try RangeReconciliation.answer(asked.span, other, from: timestamp)
            let lesson = try RangeReconciliation.learn(answer.span, asker, from: timestamp)
            messages += [asked, answer]
            surplus += lesson.surplus
            missing += lesson.missing.map(\.id)
            question = lesson.next
        }
    }
}
