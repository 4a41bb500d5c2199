internal import Identity
internal import Node

// The node itself and its peers.
extension APIService {
    func status() async throws -> NodeStatus {
        let answer = try await ask(.status)
        guard case .status(let status) = answer else { throw unexpected(answer) }
        return status
    }

    func identity() async throws -> IdentityView {
        let status = try await status()
        return IdentityView(
            peer: status.peer.description,
            addresses: status.addresses.map(\.description),
            network: status.network
        )
    }

    func peers() async throws -> [PeerView] {
        let answer = try await ask(.peers)
        guard case .peers(let peers) = answer else { throw unexpected(answer) }
        return peers.map(PeerView.init)
    }

    func connect(_ request: ConnectRequest) async throws -> PeerReference {
        guard (1...Self.addressCountMax).contains(request.addresses.count) else {
            throw APIError(.badRequest, "a peer is named by 1 to \(Self.addressCountMax) addresses")
        }
        var addresses: [Multiaddr] = []
        for text in request.addresses {
            do {
                addresses.append(try Multiaddr(text: text))
            } catch {
                throw APIError(
                    .badRequest,
                    "'\(text)' is no multiaddr",
                    hint: "write it as the other node prints it: /ip4/203.0.113.7/tcp/4180/p2p/12D3Koo…"
                )
            }
        }
        let answer = try await ask(.connect(addresses))
        guard case .connected(let peer) = answer else { throw unexpected(answer) }
        return PeerReference(peer: peer.description)
    }

    func disconnect(_ text: String) async throws -> Outcome {
        guard let peer = try? PeerID(text: text) else { throw APIError(.badRequest, "'\(text)' is no peer id") }
        _ = try await ask(.disconnect(peer))
        return Outcome()
    }

    /// More addresses than any node announces.
    private static let addressCountMax = 16
}
