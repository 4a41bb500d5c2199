internal import Node
internal import Primitives
internal import Swarm

/// The streams of one protocol on which others ask a node, or on which it asks them, heard from what its swarm tells it.
struct ProtocolStreams: Sendable {
    enum Use: Sendable { case served, asking }

    private static let messageByteCountMax = 1 << 20

    private let protocolName: String
    private let use: Use
    private var streams: Set<StreamHandle> = []

    init(_ protocolName: String, _ use: Use = .served) { (self.protocolName, self.use) = (protocolName, use) }

    mutating func hear(_ input: NodeMachine.Input) {
        guard case .swarm(let word) = input else { return }
        switch word {
        case .inboundStream(let stream, _, protocolName) where use == .served: streams.insert(stream)
        case .streamOpened(_, let stream, protocolName) where use == .asking: streams.insert(stream)
        case .streamReset(let stream), .remoteClosedWrite(let stream): streams.remove(stream)
        default: break
        }
    }

    func contains(_ stream: StreamHandle) -> Bool { streams.contains(stream) }

    /// Puts something else in the place of answers; those for which `change` has nothing stay as they are.
    func rewrite(
        _ outputs: inout [NodeMachine.Output],
        _ change: (StreamHandle, [UInt8]) -> [UInt8]?
    ) {
        for (place, output) in outputs.enumerated() {
            guard case .swarm(.write(let stream, let bytes)) = output, streams.contains(stream),
                let message = Self.unframed(bytes), let changed = change(stream, message)
            else { continue }
            outputs[place] = .swarm(.write(stream, LengthPrefixedFrames.framed(changed)))
        }
    }

    /// Takes all answers out.
    func silence(_ outputs: inout [NodeMachine.Output]) {
        outputs.removeAll { output in
            if case .swarm(.write(let stream, _)) = output { streams.contains(stream) } else { false }
        }
    }

    static func unframed(_ bytes: [UInt8]) -> [UInt8]? {
        var frames = LengthPrefixedFrames(byteCountMax: messageByteCountMax)
        frames.append(bytes)
        return try? frames.next()
    }
}
