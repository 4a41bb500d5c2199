package import Identity
internal import Primitives

// The hash table of a daemon.
extension DaemonClient {
    package func findPeer(_ peer: PeerID) throws -> ControlResponse.PeerEntry {
        guard case .peer(let entry) = try find(.findPeer(peer)) else { throw PeerFailure.malformed("found peer") }
        return entry
    }

    /// The nearest servers to a key.
    package func closestPeers(to key: [UInt8]) throws -> [PeerID] {
        try list(.closestPeers(key: key)).map { entry in
            guard case .value(let bytes) = entry else { throw PeerFailure.malformed("nearest peers") }
            return try PeerID(bytes: bytes)
        }
    }

    /// Who provides what has this multihash.
    package func findProviders(
        of multihash: [UInt8],
        count: Int = 20
    ) throws -> [ControlResponse.PeerEntry] {
        try list(.findProviders(multihash: multihash, count: count)).map { entry in
            guard case .peer(let provider) = entry else { throw PeerFailure.malformed("providers") }
            return provider
        }
    }

    package func provide(_ multihash: [UInt8]) throws {
        _ = try ask(.dht(.provide(multihash: multihash), timeoutSeconds: Self.timeoutSeconds))
    }

    package func value(of key: [UInt8]) throws -> [UInt8] {
        guard case .value(let value) = try find(.value(key: key)) else { throw PeerFailure.malformed("value") }
        return value
    }

    package func putValue(_ value: [UInt8], for key: [UInt8]) throws {
        _ = try ask(.dht(.putValue(key: key, value), timeoutSeconds: Self.timeoutSeconds))
    }

    package func publicKey(of peer: PeerID) throws -> [UInt8] {
        guard case .value(let key) = try find(.publicKey(of: peer)) else { throw PeerFailure.malformed("public key") }
        return key
    }

    private func find(_ request: DHTRequest) throws -> DHTResponse {
        guard case .dht(let found) = try ask(.dht(request, timeoutSeconds: Self.timeoutSeconds)).response else {
            throw PeerFailure.malformed("answer of the DHT")
        }
        return found
    }

    private func list(_ request: DHTRequest) throws -> [DHTResponse] {
        let (response, socket) = try ask(.dht(request, timeoutSeconds: Self.timeoutSeconds))
        guard case .dht(.begin) = response else { throw PeerFailure.malformed("list of the DHT") }
        var entries: [DHTResponse] = []
        while true {
            let entry = try DHTResponse(parsing: try socket.readFrame())
            if entry == .end { return entries }
            entries.append(entry)
        }
    }
}
