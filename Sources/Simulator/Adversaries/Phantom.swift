internal import Cryptography
internal import Node
internal import Primitives

/// Lies in reconciliation: whoever compares books with it is told of records that do not exist, and gets none of them.
///
/// Each comparison is answered with as many ids of its own invention as a message holds; each question for records with an empty batch.
struct Phantom: Sendable {
    private static let idCount = 900

    private let from: Instant
    private var random: SeededRandom
    private var served = ProtocolStreams(SyncLimits.protocolName)

    init(from: Instant, random: SeededRandom) {
        (self.from, self.random) = (from, random)
    }

    mutating func hear(_ input: NodeMachine.Input) { served.hear(input) }

    mutating func filter(_ outputs: inout [NodeMachine.Output], at now: Instant) {
        guard now >= from else { return }
        let served = served
        served.rewrite(&outputs) { _, answer in lie(inPlaceOf: answer) }
    }

    /// What it says for an answer of its node's; `nil` for one that it leaves.
    private mutating func lie(inPlaceOf answer: [UInt8]) -> [UInt8]? {
        var reader = ProtobufReader(answer.span)
        switch try? reader.next()?.number {
        case 1: return comparison()
        case 2:
            var writer = ProtobufWriter()
            // An empty batch that answers everything.
            writer.message(2) { $0.varint(3, 256) }
            return writer.bytes
        default: return nil
        }
    }

    private mutating func comparison() -> [UInt8] {
        // Negentropy, protocol version 1: one range of all times, and a list.
        var message: [UInt8] = [0x61, 0x00, 0x00, 0x02, 0x80 | UInt8(Self.idCount >> 7), UInt8(Self.idCount & 0x7f)]
        for _ in 0..<Self.idCount { message += random.bytes(SHA256.byteCount) }
        let lie = message
        var writer = ProtobufWriter()
        writer.message(1) { answer in
            answer.message(1) { lane in
                // The lane of proofs: everybody follows it.
                lane.varint(1, 24)
                lane.bytes(2, lie)
            }
        }
        return writer.bytes
    }
}
