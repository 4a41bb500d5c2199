internal import Identity
internal import Kademlia

/// What was asked of the distributed hash table.
extension RecordingWriter {
    mutating func command(_ command: KademliaCommand) {
        switch command {
        case .findPeer(let peer):
            number(0)
            bytes(peer.bytes)
        case .closestPeers(let key):
            number(1)
            bytes(key)
        case .provide(let key):
            number(2)
            bytes(key)
        case .findProviders(let key):
            number(3)
            bytes(key)
        case .putValue(let value):
            number(4)
            bytes(value.key)
            bytes(value.value)
        case .getValue(let key, let quorum):
            number(5)
            bytes(key)
            count(max(0, quorum))
        case .withdraw(let key):
            number(6)
            bytes(key)
        }
    }
}

extension RecordingReader {
    mutating func tableCommand() throws(RecordingError) -> KademliaCommand {
        switch try number() {
        case 0: return .findPeer(try peer())
        case 1: return .closestPeers(try byteArray())
        case 2: return .provide(try byteArray())
        case 3: return .findProviders(try byteArray())
        case 4: return .putValue(KademliaValue(key: try byteArray(), value: try byteArray()))
        case 5: return .getValue(try byteArray(), quorum: try count())
        case 6: return .withdraw(try byteArray())
        default: throw .senseless
        }
    }
}
