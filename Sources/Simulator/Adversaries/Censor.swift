internal import Node
internal import Primitives

/// Holds its segments and shows nobody what is in them: whoever searches there finds its shelves empty.
struct Censor: Sendable {
    private let from: Instant
    private var served = ProtocolStreams(SyncLimits.protocolName)

    init(from: Instant) { self.from = from }

    mutating func hear(_ input: NodeMachine.Input) { served.hear(input) }

    func filter(_ outputs: inout [NodeMachine.Output], at now: Instant) {
        guard now >= from else { return }
        served.rewrite(&outputs) { _, answer in
            guard Self.shows(answer) else { return nil }
            var writer = ProtobufWriter()
            // An answer without a batch, behind which nothing follows.
            writer.message(5) { _ in }
            return writer.bytes
        }
    }

    /// Whether this answers a search.
    private static func shows(_ answer: [UInt8]) -> Bool {
        var reader = ProtobufReader(answer.span)
        return (try? reader.next()?.number) == 5
    }
}
