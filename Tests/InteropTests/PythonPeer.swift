import DaemonControl
import Foundation
import Identity
import Synchronization
import TestSupport

/// A py-libp2p host in a process of its own, driven by JSON lines (`Peers/peer.py`).
final class PythonPeer: Sendable {
    let peer: PeerID
    /// Where it listens, with its peer id.
    let address: Multiaddr
    private let process: PeerProcess
    private let nextID = Atomic<Int>(1)
    /// Events that came while an answer was waited for.
    private let events = Mutex<[Event]>([])

    struct Event: Codable, Sendable {
        var event: String?
        var id: Int?
        var error: String?
        var peer: String?
        var address: String?
        var topic: String?
        var data: String?
        var end: String?
        var count: Int?
    }

    private struct Command<Argument: Encodable>: Encodable {
        let id: Int
        let `do`: String
        let with: Argument
    }

    private struct Answer<Value: Decodable>: Decodable {
        let ok: Value
    }

    /// Starts a host, which signs what it publishes or uses Rialto's message ids, and returns when it listens.
    init(signs: Bool) throws {
        let arguments = ["-u", try ForeignPeers.script("peer"), signs ? "sign" : "nosign"]
        process = try PeerProcess(try ForeignPeers.program("venv/bin/python"), arguments)
        // Its packages take seconds to load.
        let line = try process.readLine(before: .within(.seconds(30)))
        let ready = try JSONDecoder().decode(Event.self, from: Data(line))
        guard let peer = ready.peer, let address = ready.address else { throw PeerFailure.malformed("address") }
        self.peer = try PeerID(text: peer)
        self.address = try Multiaddr(text: address).with(peer: self.peer)
    }

    func stop() { process.stop() }

    func tell(_ command: String, _ arguments: some Encodable) throws {
        _ = try answer(to: command, arguments)
    }

    func ask<Value: Decodable>(_ command: String, _ arguments: some Encodable) throws -> Value {
        try JSONDecoder().decode(Answer<Value>.self, from: try answer(to: command, arguments)).ok
    }

    private func answer(to command: String, _ arguments: some Encodable) throws -> Data {
        let id = try begin(command, arguments)
        return try answer(id, before: .within(.seconds(20)))
    }

    /// Sends a command whose answer comes later.
    func begin(_ command: String, _ arguments: some Encodable) throws -> Int {
        let id = nextID.add(1, ordering: .relaxed).oldValue
        let line = try JSONEncoder().encode(Command(id: id, do: command, with: arguments))
        try process.writeLine([UInt8](line))
        return id
    }

    private func answer(_ id: Int, before deadline: Deadline) throws -> Data {
        while true {
            let line = Data(try process.readLine(before: deadline))
            let event = try JSONDecoder().decode(Event.self, from: line)
            if event.event != nil { events.withLock { $0.append(event) } }
            guard event.id == id else { continue }
            if let words = event.error { throw PeerFailure.refused(words) }
            return line
        }
    }

    /// The next event of this name.
    func next(_ name: String, before deadline: Deadline = .within()) throws -> Event {
        while true {
            let kept = events.withLock { events -> Event? in
                guard let index = events.firstIndex(where: { $0.event == name }) else { return nil }
                return events.remove(at: index)
            }
            if let kept { return kept }
            let event = try JSONDecoder().decode(Event.self, from: Data(try process.readLine(before: deadline)))
            if event.event != nil { events.withLock { $0.append(event) } }
        }
    }
}
