internal import Cryptography
public import Primitives

/// What a random stream is for; every purpose has its own, so that a draw more of one shifts no other.
///
/// The name is hashed, not the position in this list: a new purpose changes no old stream.
public enum StreamPurpose: String, Hashable, Sendable, CaseIterable {
    /// What the node's own machine draws.
    case machine
    /// The node's key.
    case identity
    /// Where a node is: region, coordinates, access line, address translation.
    case placement
    /// Delays, jitter and loss of what the node sends.
    case network
    /// Whom a node is told of at its start.
    case contacts
    case churn
    case workload
    /// Who looks up what in the hash table.
    case lookups
    case clocks
    case faults
    case adversary
    case bench
}

/// All random streams of one run, by (purpose, node): adding a node or a metric shifts nobody's draws.
///
/// Stream = SHA-256("rialto simulation" ‖ seed, 8 bytes little-endian ‖ node, 8 bytes little-endian ‖ purpose's name).
public struct RandomStreams: Hashable, Sendable {
    public let seed: UInt64

    public init(seed: UInt64) {
        self.seed = seed
    }

    /// The cryptographic stream of a node: what its machine and its key are made of.
    public func stream(_ purpose: StreamPurpose, node: Int) -> SeededRandom {
        SeededRandom(seed: digest(purpose, node: node))
    }

    /// The fast stream of a node: what the world around it draws.
    public func fast(_ purpose: StreamPurpose, node: Int) -> SimulationRandom {
        var words: [UInt64] = [0, 0, 0, 0]
        for (index, byte) in digest(purpose, node: node).enumerated() {
            words[index / 8] |= UInt64(byte) << UInt64(8 * (index % 8))
        }
        return SimulationRandom(words[0], words[1], words[2], words[3])
    }

    /// The stream of the run itself, which belongs to no node.
    public func fast(_ purpose: StreamPurpose) -> SimulationRandom {
        fast(purpose, node: -1)
    }

    /// The cryptographic stream of the run itself.
    public func stream(_ purpose: StreamPurpose) -> SeededRandom {
        stream(purpose, node: -1)
    }

    private func digest(_ purpose: StreamPurpose, node: Int) -> [UInt8] {
        var message = Array("rialto simulation".utf8)
        for word in [seed, UInt64(bitPattern: Int64(node))] {
            for shift in stride(from: UInt64(0), to: 64, by: 8) {
                message.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        message += Array(purpose.rawValue.utf8)
        return SHA256.hash(message)
    }
}
