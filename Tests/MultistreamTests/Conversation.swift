internal import Multistream
internal import Primitives

/// Words as they stand on the wire: each with its length and newline.
func wire(_ words: String...) -> [UInt8] {
    words.flatMap { [UInt8($0.utf8.count + 1)] + Array($0.utf8) + [0x0a] }
}

let header = "/multistream/1.0.0"

extension SeededRandom {
    init(_ seed: UInt8) {
        self.init(seed: [UInt8](repeating: seed, count: Self.seedByteCount))
    }
}

extension MultistreamMachine {
    /// A machine that was started, and what it said.
    static func started(_ role: Role) -> (machine: MultistreamMachine, outputs: [Output]) {
        var machine = MultistreamMachine(role: role)
        var outputs: [Output] = []
        machine.handle(.started, at: .zero, into: &outputs)
        return (machine, outputs)
    }

    /// The outputs of one input.
    mutating func receive(_ bytes: [UInt8]) -> [Output] {
        var outputs: [Output] = []
        handle(.received(bytes), at: .zero, into: &outputs)
        return outputs
    }
}

/// All outputs of a started machine that receives `bytes` in pieces; `cut` gives the length of the next piece.
func outputs(
    of role: MultistreamMachine.Role,
    receiving bytes: [UInt8],
    cut: (Int) -> Int
) -> [MultistreamMachine.Output] {
    var (machine, outputs) = MultistreamMachine.started(role)
    var rest = bytes[...]
    var behind: [UInt8] = []
    while !rest.isEmpty {
        let piece = Array(rest.prefix(max(1, cut(rest.count))))
        rest = rest.dropFirst(piece.count)
        // What comes after the end is the owner's: it belongs to the agreed protocol.
        if case .negotiated = outputs.last { behind += piece } else { outputs += machine.receive(piece) }
    }
    guard case .negotiated(let name, let remainder) = outputs.last else { return outputs }
    outputs[outputs.count - 1] = .negotiated(protocolName: name, remainder: remainder + behind)
    return outputs
}

/// Runs two machines against each other until neither has anything to send; pieces of random length travel.
func converse(
    _ dialer: MultistreamMachine.Role,
    _ listener: MultistreamMachine.Role,
    random: inout SeededRandom
) -> (dialer: MultistreamMachine.Output?, listener: MultistreamMachine.Output?) {
    var sides = [MultistreamMachine.started(dialer), MultistreamMachine.started(listener)]
    var wires: [[UInt8]] = [[], []]
    var ends: [MultistreamMachine.Output?] = [nil, nil]
    func take(_ outputs: [MultistreamMachine.Output], of side: Int) {
        for output in outputs {
            if case .send(let bytes) = output { wires[1 - side] += bytes } else { ends[side] = output }
        }
    }
    for side in 0...1 { take(sides[side].outputs, of: side) }
    while wires.contains(where: { !$0.isEmpty }) {
        let side = random.below(2)
        guard !wires[side].isEmpty else { continue }
        let piece = Array(wires[side].prefix(1 + random.below(wires[side].count)))
        wires[side].removeFirst(piece.count)
        take(sides[side].machine.receive(piece), of: side)
    }
    return (ends[0], ends[1])
}
