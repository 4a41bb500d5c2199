internal import Cryptography
internal import Identity
internal import Market
internal import Primitives
internal import Swarm

/// What a node's outputs add up to, so that two runs can be compared without keeping them.
///
/// Everything that leaves the machine for a peer or the disk counts with all its bytes; answers and events count with their kind.
public struct OutputDigest: Sendable {
    /// Eight bytes of a rolling SHA-256.
    public private(set) var value: UInt64 = 0

    public init() {}

    /// Adds the outputs of one step.
    public mutating func add(_ outputs: [NodeMachine.Output]) {
        guard !outputs.isEmpty else { return }
        var writer = RecordingWriter()
        writer.number(value)
        for output in outputs { writer.output(output) }
        value = SHA256.hash(writer.bytes).prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }
}

extension RecordingWriter {
    fileprivate mutating func output(_ output: NodeMachine.Output) {
        switch output {
        case .transport(let output):
            number(0)
            transport(output)
        case .verify(let batch, let checks):
            number(1)
            number(batch.rawValue)
            list(checks) { writer, check in
                writer.bytes(check.key.bytes)
                writer.bytes(check.message)
                writer.bytes(check.signature)
            }
        case .persist(let ticket, let changes):
            number(2)
            number(ticket.rawValue)
            list(changes) { $0.change($1) }
        case .answer(let command, _):
            number(3)
            number(command.rawValue)
        case .event: number(4)
        case .multicast(let datagram):
            number(6)
            bytes(datagram)
        case .stopped: number(5)
        case .swarm, .rpc: preconditionFailure("a node is recorded that keeps its connections itself")
        }
    }

    private mutating func transport(_ output: TransportOutput) {
        switch output {
        case .listen(let listener, let endpoint):
            number(0)
            number(listener.rawValue)
            self.endpoint(endpoint)
        case .stopListening(let listener):
            number(1)
            number(listener.rawValue)
        case .dial(let connection, let endpoint):
            number(2)
            number(connection.rawValue)
            self.endpoint(endpoint)
        case .send(let connection, let bytes):
            number(3)
            number(connection.rawValue)
            self.bytes(bytes)
        case .pauseReading(let connection):
            number(4)
            number(connection.rawValue)
        case .resumeReading(let connection):
            number(5)
            number(connection.rawValue)
        case .close(let connection):
            number(6)
            number(connection.rawValue)
        case .abort(let connection):
            number(7)
            number(connection.rawValue)
        case .resolve(let resolution, let query):
            number(8)
            number(resolution.rawValue)
            name(query)
        }
    }

    private mutating func name(_ query: NameQuery) {
        switch query {
        case .addresses(let name):
            number(0)
            text(name)
        case .ipv4Addresses(let name):
            number(1)
            text(name)
        case .ipv6Addresses(let name):
            number(2)
            text(name)
        case .text(let name):
            number(3)
            text(name)
        }
    }

    private mutating func change(_ change: StoreChange) {
        switch change {
        case .setFact(let name, let value):
            number(0)
            text(name)
            bytes(value)
        case .putOwnRecord(let record):
            number(1)
            self.record(record)
        case .deleteOwnRecord(let subject):
            number(2)
            self.subject(subject)
        case .putRecord(let record):
            number(3)
            self.record(record)
        case .deleteRecord(let id):
            number(4)
            bytes(id.bytes)
        case .putFloor(let floor):
            number(5)
            subject(floor.subject)
            number(floor.sequence)
            signed(floor.until)
        case .deleteFloor(let subject):
            number(6)
            self.subject(subject)
        case .putPeer(let peer):
            number(7)
            bytes(peer.peer.bytes)
            list(peer.addresses) { $0.bytes($1.bytes) }
            signed(peer.lastSeen)
        case .deletePeer(let peer):
            number(8)
            bytes(peer.bytes)
        case .putRow(let row):
            number(9)
            self.row(row)
        case .deleteRow(let table, let key):
            number(10)
            number(UInt64(table.rawValue))
            bytes(key)
        }
    }
}
