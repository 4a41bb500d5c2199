import Cryptography
import Gossipsub
import Identity
import Market
import Node
import Noise
import Primitives
import Swarm

/// A whole node against one stranger, who is let in ever further.
///
/// Machines are values: the way to the point of attack is walked once, and every input starts from a copy.
enum Sieges {
    static let connection = ConnectionID(rawValue: 1)
    static let here = Endpoint(address: IPAddress(10, 0, 0, 1), port: 4180)
    static let there = Endpoint(address: IPAddress(10, 0, 0, 2), port: 4180)
    static let unixMilliseconds: Int64 = 1_767_225_600_000

    /// A node that has just accepted a socket.
    private static let accepting: Victim = {
        var victim = Victim()
        victim.feed(.transport(.accepted(connection, local: here, remote: there)))
        return victim
    }()

    static func connection(_ bytes: [UInt8]) {
        var (victim, script) = (accepting, Script(bytes))
        while !script.isAtEnd {
            if script.below(8) == 0 { victim.wait(.milliseconds(20 * script.below(256))) }
            victim.feed(.transport(.received(connection, script.piece())))
        }
        victim.end(after: bytes)
    }

    /// A node and a stranger behind the handshake, who may seal any bytes.
    private static let secured: (victim: Victim, transport: NoiseTransport) = {
        var victim = accepting
        guard let transport = victim.admit() else { preconditionFailure("the honest handshake fails") }
        return (victim, transport)
    }()

    static func session(_ bytes: [UInt8]) {
        var (victim, transport) = secured
        var script = Script(bytes)
        while !script.isAtEnd {
            if script.below(8) == 0 { victim.wait(.milliseconds(20 * script.below(256))) }
            var sealed: [UInt8] = []
            guard (try? transport.seal(script.piece(), into: &sealed)) != nil else { return }
            victim.feed(.transport(.received(connection, sealed)))
        }
        victim.end(after: bytes)
    }

    private static let acquainted = Acquaintance()

    static func streams(_ bytes: [UInt8]) {
        var (pair, script) = (acquainted, Script(bytes))
        while !script.isAtEnd { pair.move(&script) }
        pair.victim.end(after: bytes)
    }
}
