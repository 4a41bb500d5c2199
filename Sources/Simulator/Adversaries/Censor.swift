internal import Node
internal import Primitives
internal import Swarm

/// Holds its segments and shows nobody what is in them: whoever searches there finds its shelves empty.
struct Censor: Sendable {
    private let from: Instant
    /// Streams on which others ask it.
    private var served: Set<StreamHandle> = []

    init(from: Instant) { self.from = from }

    mutating func hear(_ input: NodeMachine.Input) {
        guard case .swarm(let word) = input else { return }
        switch word {
        case .inboundStream(let stream, _, SyncLimits.protocolName): served.insert(stream)
        case .streamReset(let stream), .remoteClosedWrite(let stream): served.remove(stream)
        default: break
        }
    }

    func filter(_ outputs: inout [NodeMachine.Output], at now: Instant) {
        guard now >= from else { return }
        for (place, output) in outputs.enumerated() {
            guard case .swarm(.write(let stream, let bytes)) = output, served.contains(stream), Self.shows(bytes) else {
                continue
            }
            var writer = ProtobufWriter()
            // An answer without a batch, behind which nothing follows.
            writer.message(5) { _ in }
            outputs[place] = .swarm(.write(stream, LengthPrefixedFrames.framed(writer.bytes)))
        }
    }

    /// Whether a frame answers a search.
    private static func shows(_ frame: [UInt8]) -> Bool {
        var frames = LengthPrefixedFrames(byteCountMax: 1 << 20)
        frames.append(frame)
        guard let answer = try? frames.next() else { return false }
        var reader = ProtobufReader(answer.span)
        return (try? reader.next()?.number) == 5
    }
}
