internal import Primitives
internal import Swarm

/// What happened at the sockets.
extension RecordingWriter {
    mutating func transport(_ input: TransportInput) {
        switch input {
        case .listening(let listener, let endpoint):
            number(0)
            number(listener.rawValue)
            self.endpoint(endpoint)
        case .listenFailed(let listener, let failure):
            number(1)
            number(listener.rawValue)
            transportFailure(failure)
        case .interfaces(let addresses):
            number(2)
            list(addresses) { $0.address($1) }
        case .accepted(let connection, let local, let remote):
            number(3)
            opened(connection, local, remote)
        case .dialed(let connection, let local, let remote):
            number(4)
            opened(connection, local, remote)
        case .dialFailed(let connection, let failure):
            number(5)
            number(connection.rawValue)
            transportFailure(failure)
        case .received(let connection, let bytes):
            number(6)
            number(connection.rawValue)
            self.bytes(bytes)
        case .congested(let connection):
            number(7)
            number(connection.rawValue)
        case .drained(let connection):
            number(8)
            number(connection.rawValue)
        case .disconnected(let connection, let failure):
            number(9)
            number(connection.rawValue)
            optional(failure) { $0.transportFailure($1) }
        case .resolved(let resolution, let answer):
            number(10)
            number(resolution.rawValue)
            name(answer)
        }
    }

    private mutating func opened(_ connection: ConnectionID, _ local: Endpoint, _ remote: Endpoint) {
        number(connection.rawValue)
        endpoint(local)
        endpoint(remote)
    }

    private mutating func name(_ answer: NameAnswer) {
        switch answer {
        case .addresses(let addresses):
            number(0)
            list(addresses) { $0.address($1) }
        case .text(let texts):
            number(1)
            list(texts) { $0.text($1) }
        case .failed(let reason):
            number(2)
            text(reason)
        }
    }
}

extension RecordingReader {
    mutating func transport() throws(RecordingError) -> TransportInput {
        switch try number() {
        case 0: return .listening(ListenerID(rawValue: try number()), try endpoint())
        case 1: return .listenFailed(ListenerID(rawValue: try number()), try transportFailure())
        case 2: return .interfaces(try list { reader throws(RecordingError) in try reader.address() })
        case 3: return .accepted(try connection(), local: try endpoint(), remote: try endpoint())
        case 4: return .dialed(try connection(), local: try endpoint(), remote: try endpoint())
        case 5: return .dialFailed(try connection(), try transportFailure())
        case 6: return .received(try connection(), try byteArray())
        case 7: return .congested(try connection())
        case 8: return .drained(try connection())
        case 9:
            let id = try connection()
            return .disconnected(id, try optional { reader throws(RecordingError) in try reader.transportFailure() })
        case 10: return .resolved(ResolutionID(rawValue: try number()), try name())
        default: throw .senseless
        }
    }

    private mutating func connection() throws(RecordingError) -> ConnectionID { ConnectionID(rawValue: try number()) }

    private mutating func name() throws(RecordingError) -> NameAnswer {
        switch try number() {
        case 0: return .addresses(try list { reader throws(RecordingError) in try reader.address() })
        case 1: return .text(try list { reader throws(RecordingError) in try reader.text() })
        case 2: return .failed(try text())
        default: throw .senseless
        }
    }
}
