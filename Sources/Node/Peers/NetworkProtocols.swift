internal import Market
internal import Swarm

/// What tells two networks apart on the wire, besides the names in every record and topic.
///
/// Nodes of two networks meet by accident, on one LAN or at an address that changed hands, and have nothing to say to each other. So a
/// network names the protocol of its hash table after itself, that no table ever holds peers of two; and every node, a client of
/// the table as well as a server, says in identify which "family of protocols" it speaks (libp2p/specs, identify, "protocolVersion").
package struct NetworkProtocols: Hashable, Sendable {
    package let network: String

    package init(_ network: String) {
        self.network = network
    }

    package var prefix: String { "/rialto/\(network)" }

    /// What identify calls the protocol version.
    package var family: String { prefix + Self.familyVersion }

    private static let familyVersion = "/1.0.0"

    /// The network whose family this is; `nil` for that of any other program.
    package static func network(of family: String) -> String? {
        let parts = family.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].isEmpty, parts[1] == "rialto" else { return nil }
        let network = String(parts[2])
        return NetworkName.isValid(network) ? network : nil
    }

    /// The network that a peer says it is of, if that is not ours.
    func otherNetwork(of description: PeerDescription) -> String? {
        guard let named = Self.network(of: description.protocolVersion), named != network else { return nil }
        return named
    }
}
