internal import Market
internal import OrderedCollections
internal import Swarm

/// Commands whose answer waits for something: a connection, the desk, verdicts.
struct PendingCommands: Sendable {
    private var connects: OrderedDictionary<ConnectRequestID, CommandID> = [:]
    private var wishes: OrderedDictionary<DeskRequestID, CommandID> = [:]
    private var imports: OrderedDictionary<CommandID, [RecordVerdict?]> = [:]
    private(set) var shutdowns: [CommandID] = []
    private var nextConnect = NodeMachine.RequestRange.commandConnects.lowerBound

    mutating func connect(_ command: CommandID) -> ConnectRequestID {
        let request = ConnectRequestID(rawValue: nextConnect)
        nextConnect += 1
        connects[request] = command
        return request
    }

    mutating func connected(_ request: ConnectRequestID) -> CommandID? { connects.removeValue(forKey: request) }

    /// A wish has the number of its command: both are unique.
    mutating func wish(_ command: CommandID) -> DeskRequestID {
        let request = DeskRequestID(rawValue: command.rawValue)
        wishes[request] = command
        return request
    }

    mutating func granted(_ request: DeskRequestID) -> CommandID? { wishes.removeValue(forKey: request) }

    mutating func beginImport(_ command: CommandID, count: Int) {
        imports[command] = Array(repeating: nil, count: count)
    }

    /// Notes one verdict; returns all of them once the last is there.
    mutating func judged(_ command: CommandID, index: Int, _ verdict: RecordVerdict) -> [RecordVerdict]? {
        imports[command]?[index] = verdict
        guard let verdicts = imports[command], verdicts.allSatisfy({ $0 != nil }) else { return nil }
        imports[command] = nil
        return verdicts.compactMap(\.self)
    }

    mutating func shutdown(_ command: CommandID) { shutdowns.append(command) }

    mutating func takeShutdowns() -> [CommandID] {
        defer { shutdowns = [] }
        return shutdowns
    }
}
