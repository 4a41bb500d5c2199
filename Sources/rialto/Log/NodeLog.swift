internal import LocalAPI
internal import Node
internal import Synchronization

/// The log of a running node on standard error.
final class NodeLog: Sendable {
    private struct State: Sendable {
        var events = EventLog()
        var level: LogLevel
    }

    private let format: LogFormat
    private let state: Mutex<State>

    init(format: LogFormat, level: LogLevel) {
        self.format = format
        state = Mutex(State(level: level))
    }

    func setLevel(_ level: LogLevel) {
        state.withLock { $0.level = level }
    }

    func note(_ event: NodeEvent) {
        if let line = state.withLock({ $0.events.line(for: event, at: ShellClock.now) }) { write(line) }
    }

    func write(_ line: LogLine) {
        guard line.level >= state.withLock({ $0.level }) else { return }
        Terminal.complain(line.text(format, unixMilliseconds: ShellClock.unixMilliseconds))
    }

    func warn(_ component: String, code: String, _ message: String) {
        write(LogLine(.warning, component, code: code, message))
    }
}
